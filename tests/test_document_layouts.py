"""The trees that docs/your-data.md draws hold the patients that it says they hold."""

import pytest
from documents import ROOT, blocks

from brainseg_utils.cases import LAYOUTS, find_cases
from brainseg_utils.planning.split_files import read_split

BLOCKS = blocks(ROOT / "docs/your-data.md")
TREES = [place for place, one in enumerate(BLOCKS) if "── " in one.text]
SEQUENCES = {  # Where a patient has not all four.
    "kaggle_3m/": ["t1", "flair", "t1ce"],
    "my-study/": ["t1", "flair"],
}
PATIENTS = {
    "Dataset137_BraTS2021/": 1,
    "upenn-gbm/": 1,
    "kaggle_3m/": 1,
    "my-study/": 1,
}


def files_of(tree):
    """Return the files that a tree draws, as paths below its first line's folder."""
    above, files = [], []
    for line in tree.splitlines()[1:]:
        branch, _, name = line.partition("── ")
        above = [*above[: len(branch) // 4], name.strip("/")]
        if not name.endswith("/"):
            files.append("/".join(above))
    return files


def plant(place, folder):
    """Make the files that a tree draws, and the description that stands beside it."""
    for file in files_of(BLOCKS[place].text):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    if (folder / "dataset.json").exists():
        (folder / "dataset.json").write_text(BLOCKS[place + 1].text)
    if BLOCKS[place - 1].language == "yaml":
        (folder / "brainseg.yaml").write_text(BLOCKS[place - 1].text)


def name_of(place):
    return BLOCKS[place].text.splitlines()[0]


@pytest.mark.parametrize("place", TREES, ids=name_of)
def test_a_tree_holds_its_patients(place, tmp_path):
    plant(place, tmp_path)
    sequences = SEQUENCES.get(name_of(place), ["t1", "t1ce", "t2", "flair"])
    cases, problems = find_cases(tmp_path, sequences)
    assert problems == []
    assert len(cases) == PATIENTS.get(name_of(place), 2)
    assert all(case.mask for case in cases)


@pytest.mark.parametrize("place", TREES, ids=name_of)
def test_a_tree_without_its_last_file_is_not_whole(place, tmp_path):
    plant(place, tmp_path)
    (tmp_path / files_of(BLOCKS[place].text)[-1]).unlink()
    sequences = SEQUENCES.get(name_of(place), ["t1", "t1ce", "t2", "flair"])
    cases, problems = find_cases(tmp_path, sequences)
    assert problems and len(cases) < PATIENTS.get(name_of(place), 2)


def test_every_layout_has_a_tree_and_every_name_of_one_is_told(tmp_path):
    # Three that are known by their files' names, the others, and one by YAML.
    assert len(TREES) == 3 + len(LAYOUTS) - 1 + 1
    text = (ROOT / "docs/your-data.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in LAYOUTS)


def test_the_split_that_is_shown_is_one(tmp_path):
    shown = next(one.text for one in BLOCKS if '"train"' in one.text)
    (tmp_path / "split.json").write_text(shown)
    split = read_split(tmp_path / "split.json", ["P01", "P02", "P03", "P04"])
    assert split.train == ("P01", "P02") and split.test == ("P04",)
