from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from refusals import refused

from brainseg_utils.commands import requirements
from brainseg_utils.commands.requirements import (
    install_missing,
    missing_requirements,
    unmet_requirements,
)


@pytest.fixture
def wanted(monkeypatch):
    """Return a function that sets what the package requires."""

    def set_requirements(*texts):
        monkeypatch.setattr(requirements.metadata, "requires", lambda _: list(texts))

    return set_requirements


@pytest.fixture
def pip(monkeypatch):
    """Put a recorder in place of pip; return its calls as (command, constraints)."""
    calls = []

    def record(command, check):
        assert check
        constraints = Path(command[command.index("--constraint") + 1])
        calls.append((command, constraints.read_text(encoding="utf-8").split("\n")))

    monkeypatch.setattr(requirements.subprocess, "run", record)
    return calls


def set_installed(monkeypatch, *pairs):
    """Pretend that these packages are installed and one more is missing."""
    found = [SimpleNamespace(name=name, version=version) for name, version in pairs]
    versions = {}
    for name, version in pairs:
        versions.setdefault(name, version)  # Python takes the first on its path.
    monkeypatch.setattr(requirements.metadata, "distributions", lambda: found)
    monkeypatch.setattr(requirements.metadata, "version", versions.__getitem__)
    monkeypatch.setattr(requirements, "missing_requirements", lambda _: ["absent"])
    monkeypatch.setattr(requirements, "unmet_requirements", lambda _: [])


def test_what_is_installed_is_not_missing(wanted):
    wanted("numpy>=2", "packaging", "surely-absent>=1", 'also-absent; extra == "dev"')
    assert [str(r) for r in missing_requirements()] == ["surely-absent>=1"]


def test_a_requirement_of_this_machine_counts_and_of_another_does_not(wanted):
    wanted('absent-a; python_version >= "3"', 'absent-b; python_version < "3"')
    assert [r.name for r in missing_requirements()] == ["absent-a"]


def test_a_front_end_is_never_missing_where_a_notebook_runs(wanted, monkeypatch):
    monkeypatch.setattr(requirements, "_installed", lambda name: None)
    wanted("jupyterlab>=4", "nilearn>=0.12")
    assert [r.name for r in missing_requirements()] == ["nilearn"]


def test_a_package_that_requires_nothing_misses_nothing(monkeypatch):
    monkeypatch.setattr(requirements.metadata, "requires", lambda _: None)
    assert missing_requirements() == [] and unmet_requirements() == []


def test_a_version_out_of_range_is_named_and_one_in_range_is_not(wanted):
    version = metadata.version("numpy")
    wanted("numpy>=999", "packaging>=1", "surely-absent>=1")
    assert unmet_requirements() == [
        f"numpy {version} is installed, numpy>=999 is wanted"
    ]


def test_where_nothing_is_missing_pip_is_not_called(wanted, pip, capsys):
    wanted("numpy")
    install_missing()
    assert pip == []
    assert capsys.readouterr().out == "nothing is missing\n"


def test_an_old_version_is_warned_of_and_left_as_it_is(wanted, pip, capsys):
    wanted("numpy>=999")
    install_missing()
    assert pip == []
    assert capsys.readouterr().out.startswith("warning: numpy")


def test_only_what_is_missing_is_installed(wanted, pip, capsys):
    wanted("numpy>=999", "packaging", "surely-absent>=1", "absent-too")
    install_missing()
    ((command, _),) = pip
    assert command[1:4] == ["-m", "pip", "install"]
    assert command[-2:] == ["surely-absent>=1", "absent-too"]
    assert not any("numpy" in part for part in command)
    assert "installed surely-absent>=1, absent-too" in capsys.readouterr().out


def test_every_installed_package_is_held_to_its_version(wanted, pip):
    wanted("surely-absent")
    install_missing()
    ((_, constraints),) = pip
    installed = {canonicalize_name(d.name) for d in metadata.distributions()}
    held = {}
    for line in constraints:
        requirement = Requirement(line)  # pip would refuse what does not parse.
        assert requirement.name not in held
        held[requirement.name] = str(requirement.specifier)
    assert held.keys() == installed - {"brainseg"}
    assert held["numpy"] == f"=={metadata.version('numpy')}"


def test_the_package_itself_is_not_held(pip, monkeypatch):
    set_installed(monkeypatch, ("brainseg", "0.1"), ("six", "1.17.0"))
    install_missing()
    assert pip[0][1] == ["six==1.17.0"]


def test_of_a_package_installed_twice_the_imported_one_is_held(pip, monkeypatch):
    # Colab has some packages in its own folder and in the system's. Two lines for one
    # name would contradict one another, and pip could install nothing that needs it.
    set_installed(monkeypatch, ("six", "1.17.0"), ("numpy", "2.0.2"), ("six", "1.16.0"))
    install_missing()
    assert pip[0][1] == ["numpy==2.0.2", "six==1.17.0"]


def test_packages_that_pip_cannot_name_are_passed_over(pip, monkeypatch):
    odd = ("python-debian", "0.1.43ubuntu1")  # As Debian writes it; pip cannot read it.
    set_installed(monkeypatch, (None, None), odd, ("six", "1.17.0"))
    install_missing()
    assert pip[0][1] == ["six==1.17.0"]


def test_a_failure_of_pip_is_explained(wanted, monkeypatch, capsys):
    def fail(command, check):
        raise requirements.subprocess.CalledProcessError(1, command)

    wanted("surely-absent>=1")
    monkeypatch.setattr(requirements.subprocess, "run", fail)
    with refused("E-INSTALL", "surely-absent>=1"):
        install_missing()
    assert "installed" not in capsys.readouterr().out
