import pytest
from refusals import refused

from brainseg_utils.workspace import Workspace, open_workspace, smoke_wanted


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Stand in an empty folder, with none of the package's variables set."""
    monkeypatch.delenv("BRAINSEG_HOME", raising=False)
    monkeypatch.delenv("BRAINSEG_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)


def make_checkout(folder):
    (folder / "brainseg_utils").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    return folder


def test_without_a_checkout_the_current_folder_is_the_root(tmp_path):
    workspace = open_workspace()
    assert workspace.root == tmp_path
    assert workspace.data == tmp_path / "data"
    assert workspace.runs == tmp_path / "runs" / "quick"


def test_the_checkout_round_the_current_folder_is_the_root(tmp_path, monkeypatch):
    checkout = make_checkout(tmp_path / "checkout")
    monkeypatch.chdir(checkout / "notebooks")
    assert open_workspace().root == checkout
    assert open_workspace().notebooks == checkout / "notebooks"


def test_a_folder_with_notebooks_alone_is_no_checkout(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert open_workspace().root == tmp_path / "deep"


def test_the_variable_for_the_home_goes_before_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(make_checkout(tmp_path / "checkout"))
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    assert open_workspace().root == tmp_path / "home"


def test_a_relative_home_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSEG_HOME", "home")
    assert open_workspace().root == tmp_path / "home"


def test_results_of_each_profile_lie_apart(tmp_path):
    assert open_workspace("paper").runs == tmp_path / "runs" / "paper"
    assert open_workspace("my_own-2").profile == "my_own-2"


def test_the_smoke_profile_goes_before_the_one_asked_for(monkeypatch):
    assert not smoke_wanted()
    monkeypatch.setenv("BRAINSEG_PROFILE", "smoke")
    assert smoke_wanted()
    assert open_workspace("paper").profile == "smoke"


def test_another_profile_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("BRAINSEG_PROFILE", "paper")
    with refused("E-PROFILE", "BRAINSEG_PROFILE"):
        open_workspace()


@pytest.mark.parametrize("profile", ["", "..", "a/b", "/etc", "--", "a b"])
def test_a_profile_that_is_no_folder_s_name_is_refused(profile):
    with refused("E-PROFILE", "profile") as caught:
        open_workspace(profile)
    assert repr(profile) in caught.value.what


def test_outside_of_a_checkout_the_package_s_own_notebooks_are_used(tmp_path):
    folder = Workspace(tmp_path, "quick").notebooks
    assert folder != tmp_path / "notebooks"
    assert (folder / "01_data_exploration.ipynb").is_file()
