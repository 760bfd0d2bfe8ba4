"""Every block of Python in the documents, and in the package's own page, runs."""

import os
from pathlib import Path

import cluster_stand_ins
import pytest
from documents import ROOT, WRITTEN, blocks
from IPython.core.interactiveshell import InteractiveShell
from short_runs import train_one, write_short_notebook

import brainseg_utils
from brainseg_utils.phantom import make_phantoms
from brainseg_utils.workspace import Workspace

PAGE = ROOT / "brainseg_utils/__init__.py"
BLOCKS = [
    block
    for path in (*WRITTEN, PAGE)
    for block in blocks(path, brainseg_utils.__doc__ if path == PAGE else "")
    if block.language == "python"
]
# What would be too much, or lies elsewhere; {} is the workspace.
SMALLER = {
    "/my/patients": "{}/patients",
    "/my/new-patient": "{}/new-patient",
    "/content/": "{}/content/",
    "minutes=4": "minutes=0.02",
    "[0.0, 0.1, 0.2]": "[0.0]",
    "[0, 1, 2]": "[0, 1]",
}


def name_of(block):
    return f"{block.document}:{block.line}"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A workspace in smoke size, with stand-ins for what only clusters have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    monkeypatch.setenv("BRAINSEG_PROFILE", "smoke")
    monkeypatch.setenv("BRAINSEG_MIRROR", "")
    cluster_stand_ins.install(monkeypatch)
    write_short_notebook(tmp_path / "notebooks/03_cnn2.ipynb")
    (tmp_path / "content").mkdir()
    return tmp_path


def run(text, home):
    """Run a block in a fresh shell, as a notebook's cell."""
    if "/my/patients" in text:
        make_phantoms(home / "patients", 4, spacing_mm=4.0)
    if "/my/new-patient" in text:
        patients = train_one(Workspace(home, "smoke"))
        (patients.folder / min(patients.cases)).rename(home / "new-patient")
    for large, small in SMALLER.items():
        text = text.replace(large, small.format(home))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    try:
        shell.run_cell(text).raise_error()
        return shell.user_ns
    finally:
        InteractiveShell.clear_instance()


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_a_block_runs(block, home):
    names = run(block.text, home)
    for outcome in names.get("outcomes", []):
        assert outcome.status == "done", outcome.error


def test_the_drive_is_named_as_the_mirror(home):
    block = next(one.text for one in BLOCKS if "drive.mount" in one.text)
    run(block, home)
    mirror = Path(os.environ["BRAINSEG_MIRROR"])
    assert mirror.is_dir() and mirror == home / "content/drive/MyDrive/brainseg"


def test_a_block_that_names_what_is_gone_fails(home):
    with pytest.raises(ImportError):
        run("from brainseg_utils.sweep import gone", home)


def test_there_are_blocks_and_what_is_made_smaller_stands_in_them():
    assert len(BLOCKS) > 6
    for large in SMALLER:
        assert any(large in block.text for block in BLOCKS), large
