import sys
from types import SimpleNamespace

import pytest
import requests
from refusals import refused

from brainseg_utils.download import download
from brainseg_utils.download.kaggle import HANDLE, download_kaggle_brats2020


@pytest.fixture
def kagglehub(monkeypatch, tmp_path):
    """A stand-in for kagglehub 1.0: it notes what it is asked and gives a folder."""

    def dataset_download(handle, path=None, *, force_download=False, output_dir=None):
        module.asked.append((handle, path, force_download, output_dir))
        if module.error:
            raise module.error
        return str(tmp_path)

    module = SimpleNamespace(
        dataset_download=dataset_download, asked=[], error=None, __spec__=None
    )
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def test_the_place_is_kagglehubs_and_nothing_is_written_there(kagglehub, tmp_path):
    assert download_kaggle_brats2020(progress=None) == tmp_path
    assert kagglehub.asked == [(HANDLE, None, False, None)]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_ones_own_is_passed_on(kagglehub):
    download_kaggle_brats2020("~/data", progress=None)
    (asked,) = kagglehub.asked
    assert asked[3].endswith("/data") and "~" not in asked[3]


def test_by_its_name_it_goes_where_kagglehub_keeps_it(kagglehub, tmp_path):
    assert download("kaggle-brats2020", "data", progress=None) == tmp_path
    assert kagglehub.asked == [(HANDLE, None, False, None)]


def test_terms_are_shown_before_anything_is_asked(kagglehub):
    lines = []
    download_kaggle_brats2020(
        progress=lambda line: lines.append((line, kagglehub.asked[:]))
    )
    terms, asked = lines[0]
    assert asked == []
    for work in ("Menze", "Bakas et al. 2017", "Bakas et al. 2018", "research"):
        assert work in terms


def test_nothing_is_printed_when_asked_to_be_silent(kagglehub, capsys):
    download_kaggle_brats2020(progress=None)
    assert capsys.readouterr() == ("", "")


def test_where_kagglehub_is_missing_its_installation_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with refused("E-DOWNLOAD", HANDLE) as caught:
        download_kaggle_brats2020(progress=None)
    assert caught.value.remedy == "pip install kagglehub"


def test_an_older_kagglehub_that_takes_no_folder_is_told(kagglehub, tmp_path):
    kagglehub.dataset_download = lambda handle: str(tmp_path)
    assert download_kaggle_brats2020(progress=None) == tmp_path
    with refused("E-DOWNLOAD", HANDLE) as caught:
        download_kaggle_brats2020(tmp_path, progress=None)
    assert "pip install -U kagglehub" in caught.value.remedy


def http_error(status):
    return requests.HTTPError("no", response=SimpleNamespace(status_code=status))


def named(name):
    return type(name, (Exception,), {})("no\nsuch  thing")


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        (http_error(401), "E-DOWNLOAD", "KAGGLE_API_TOKEN"),
        (http_error(403), "E-DOWNLOAD", "KAGGLE_API_TOKEN"),
        (named("CredentialError"), "E-DOWNLOAD", "KAGGLE_API_TOKEN"),
        (named("UnauthenticatedError"), "E-DOWNLOAD", "KAGGLE_API_TOKEN"),
        (http_error(404), "E-DOWNLOAD", "moved"),
        (named("NotFoundError"), "E-DOWNLOAD", "moved"),
        (http_error(503), "E-DOWNLOAD", "network"),
        (requests.ConnectionError("offline"), "E-DOWNLOAD", "network"),
        (requests.ReadTimeout("slow"), "E-DOWNLOAD", "network"),
        (FileExistsError("output_dir is not empty"), "E-EXISTS", "empty folder"),
        (OSError(28, "No space left on device"), "E-DISK", "room"),
        (named("DataCorruptionError"), "E-DOWNLOAD", "reason"),
        (ValueError(""), "E-DOWNLOAD", "reason"),
    ],
)
def test_its_errors_come_with_a_remedy(kagglehub, error, code, remedy):
    kagglehub.error = error
    with refused(code, HANDLE) as caught:
        download_kaggle_brats2020(progress=None)
    assert remedy in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_told(kagglehub, tmp_path):
    kagglehub.dataset_download = lambda handle: str(tmp_path / "gone")
    with refused("E-DOWNLOAD", HANDLE):
        download_kaggle_brats2020(progress=None)


def test_a_folder_that_is_no_path_is_refused(kagglehub):
    with refused("E-PARAM", "folder"):
        download_kaggle_brats2020(5, progress=None)
    assert kagglehub.asked == []
