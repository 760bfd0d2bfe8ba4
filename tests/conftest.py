"""What all tests share: no display, a quiet TensorFlow, made-up patients."""

import os
import sys

import pytest

# Both are read when the libraries are imported, so before any test is.
os.environ["MPLBACKEND"] = "Agg"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from browser import open_browser
from patients import write_patient


@pytest.fixture(autouse=True)
def closed_figures():
    """Close the figures that a test leaves open."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def chrome(tmp_path_factory):
    """Give a headless Chromium, one for all tests; see `browser.open_browser`."""
    with open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def patient_folder(tmp_path):
    """Return a function that writes patients with tumours of 3, 4, 5... voxels' width.

    It takes the patients' names and the naming style, and returns their folder.
    """

    def write(*case_ids, style="brats2018"):
        folder = tmp_path / "patients"
        for width, case_id in enumerate(case_ids or ("P0", "P1", "P2"), 3):
            write_patient(folder, case_id, style, width)
        return folder

    return write
