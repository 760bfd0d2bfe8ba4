import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLD, NEW = "brainseg/brainseg", "some-one/brain.seg-2"

README = """\
[![tests](https://github.com/{0}/actions/workflows/tests.yml/badge.svg)](https://github.com/{0}/actions)
[![licence](https://img.shields.io/github/license/{0})](LICENSE)
[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{0}/blob/main/notebooks/02_cnn1.ipynb)
See https://github.com/{0}. Report at https://github.com/{0}/issues (thank you).
Not ours: https://github.com/{0}-extras and https://github.com/MIC-DKFZ/nnUNet.

    git clone https://github.com/{0}.git
    cd {1}
    pip install git+https://github.com/{0}@v1.0
"""
CITATION = 'title: brainseg\nrepository-code: "https://github.com/{0}"\n'


def address(root, *arguments):
    script = root / "tools" / "address.py"
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=root.parent)


def contents(root):
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def set_address(root, url):
    path = root / "pyproject.toml"
    text, count = re.subn(r'(?m)^(Repository = ).*"$', rf'\1"{url}"', path.read_text())
    assert count == 1
    path.write_text(text)


@pytest.fixture
def tree(tmp_path):
    """A copy of what holds the address, under the address it had before."""
    root = tmp_path / "tree"
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    shutil.copytree(ROOT / "tools", root / "tools")
    shutil.copy(ROOT / "pyproject.toml", root)
    set_address(root, f"https://github.com/{OLD}")
    (root / "README.md").write_text(README.format(OLD, "brainseg"))
    (root / "CITATION.cff").write_text(CITATION.format(OLD))
    address(root)
    return root


def test_the_committed_tree_is_in_step():
    report = address(ROOT, "--check")
    assert report.returncode == 0, f"{report.stdout}{report.stderr}"


def test_every_place_follows_and_nothing_else_changes(tree):
    before = contents(tree)
    set_address(tree, f"https://github.com/{NEW}")
    assert address(tree).returncode == 0
    after = contents(tree)
    for name in before:
        if name.endswith(".ipynb"):
            # The notebooks name the repository in badge and install cell only.
            assert before[name].count(OLD.encode()) == 2, name
            assert after[name] == before[name].replace(OLD.encode(), NEW.encode())
        elif name not in ("README.md", "CITATION.cff", "pyproject.toml"):
            assert after[name] == before[name], name
    wanted = README.format(NEW, "brain.seg-2").replace(f"{NEW}-extras", f"{OLD}-extras")
    assert after["README.md"].decode() == wanted
    assert after["CITATION.cff"].decode() == CITATION.format(NEW)


def test_writing_twice_changes_nothing_and_back_gives_the_same_bytes(tree):
    before = contents(tree)
    set_address(tree, f"https://github.com/{NEW}")
    address(tree)
    once = contents(tree)
    assert address(tree).stdout == ""
    assert contents(tree) == once
    set_address(tree, f"https://github.com/{OLD}")
    address(tree)
    assert contents(tree) == before


def test_check_changes_nothing_and_names_the_repair(tree):
    set_address(tree, f"https://github.com/{NEW}")
    before = contents(tree)
    report = address(tree, "--check")
    assert report.returncode == 1
    assert "make address" in report.stdout
    assert "notebooks/01_data_exploration.ipynb: out of step" in report.stdout
    assert contents(tree) == before


def test_a_badge_follows_a_renamed_notebook_and_points_at_main(tree):
    path = tree / "notebooks" / "02_cnn1.ipynb"
    text = path.read_text(encoding="utf-8").replace("/blob/main/", "/blob/draft/")
    path.rename(path.with_name("12_other.ipynb")).write_text(text, encoding="utf-8")
    assert address(tree, "--check").returncode == 1
    address(tree)
    notebook = json.loads((tree / "notebooks/12_other.ipynb").read_text("utf-8"))
    badge = f"/github/{OLD}/blob/main/notebooks/12_other.ipynb)"
    assert badge in "".join(notebook["cells"][0]["source"])


def test_readme_and_citation_may_be_missing(tree):
    (tree / "README.md").unlink()
    (tree / "CITATION.cff").unlink()
    set_address(tree, f"https://github.com/{NEW}")
    assert address(tree).returncode == 0
    assert address(tree, "--check").returncode == 0


@pytest.mark.parametrize(
    "url", ["", "https://gitlab.com/a/b", "https://github.com/a", "git@github.com:a/b"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_written(tree, url):
    set_address(tree, url)
    before = contents(tree)
    report = address(tree)
    assert report.returncode == 1
    assert 'Repository = "https://github.com/owner/name"' in report.stderr
    assert contents(tree) == before
