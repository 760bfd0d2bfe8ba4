import copy
import re
import shutil
from pathlib import Path

import notebook_code_rules as code
import notebook_rules as text
import pytest
from notebook_cells import read_notebook, write_notebook

FOLDER = Path(__file__).parents[1] / "notebooks"
LIBRARY = "import numpy as np"


def edit(find, **changes):
    """Change entries of the first cell whose source matches."""

    def change(book):
        cells = (one for one in book["cells"] if re.search(find, one["source"]))
        next(cells).update(changes)

    return change


def replace(old, new):
    """Replace text in every cell; it must occur."""

    def change(book):
        assert any(re.search(old, one["source"]) for one in book["cells"])
        for one in book["cells"]:
            one["source"] = re.sub(old, new, one["source"])

    return change


def add(kind, source, **entries):
    """Insert a cell before the last."""
    fresh = {"cell_type": kind, "id": "fresh", "metadata": {}, "source": source}
    return lambda book: book["cells"].insert(-1, fresh | entries)


def metadata(key, value):
    return lambda book: book["metadata"].update({key: value})


def name(new):
    """Leave the notebook as it is under another name."""
    return lambda book: new


# What is done to a copy of 02_cnn1, and the rule that must notice.
BREAKS = [
    (name("2-cnn"), text.name_is_numbered),
    (name("02_CNN1"), text.name_is_numbered),
    (add("markdown", "# Another title"), text.one_title_in_the_first_cell),
    (replace("(?m)^# ", "### "), text.one_title_in_the_first_cell),
    (name("02_other"), text.badge_opens_this_file),
    (replace("blob/main", "blob/draft"), text.badge_opens_this_file),
    (replace(r"\[!\[Open.*", ""), text.badge_opens_this_file),
    (replace("gallery/02", "gallery/03"), text.first_cell_links_its_gallery_page),
    (edit(LIBRARY, outputs=[{"output_type": "stream"}]), text.holds_no_outputs),
    (edit(LIBRARY, execution_count=0), text.holds_no_outputs),
    (metadata("widgets", {}), text.metadata_is_minimal),
    (metadata("kernelspec", {"name": "mine"}), text.metadata_is_minimal),
    (metadata("language_info", {"version": "3.12.1"}), text.metadata_is_minimal),
    (edit("## Overview", metadata={"colab": {}}), text.metadata_is_minimal),
    (edit("## Overview", id=None), text.every_cell_has_its_own_id),
    (edit("## (Overview|Parameters)", id="02-setup"), text.every_cell_has_its_own_id),
    (add("code", 'open("/content/a")'), text.names_no_place_on_one_machine),
    (add("code", r'open("C:\\a")'), text.names_no_place_on_one_machine),
    (add("markdown", "Look in `/home/me`."), text.names_no_place_on_one_machine),
    (replace("## Overview", "## Summary"), text.headings_stand_in_order),
    (add("markdown", "## Late"), text.headings_stand_in_order),
    (replace("## Conclusions", "### Conclusions"), text.conclusions_come_last),
    (replace("## Train", "## Fit"), text.twins_have_the_same_headings),
    (replace(r"models\.py\)", "model.py)"), text.relative_links_resolve),
    (add("markdown", "x" * text.MOST_BYTES), text.file_is_small),
    (edit("profile: str", metadata={}), code.one_parameters_cell_before_imports),
    (
        edit(LIBRARY, metadata={"tags": ["parameters"]}),
        code.one_parameters_cell_before_imports,
    ),
    (
        replace("profile: str", "import os\nprofile: str"),
        code.one_parameters_cell_before_imports,
    ),
    (replace("fold: int", "fold"), code.parameters_are_typed_literals_with_help),
    (replace("fold: int", "fold: float"), code.parameters_are_typed_literals_with_help),
    (
        replace("fold: int = 0", "fold: int = int(0)"),
        code.parameters_are_typed_literals_with_help,
    ),
    (
        replace("fold: int = 0  # W", "fold: int = 0  # w"),
        code.parameters_are_typed_literals_with_help,
    ),
    (
        replace("(fold: int = 0).*", r"\1"),
        code.parameters_are_typed_literals_with_help,
    ),
    (
        replace("(fold: int = 0).*", r"\1  # With fold=0 the first."),
        code.parameters_are_typed_literals_with_help,
    ),
    (
        replace("(fold: int = 0).*", r"\1  # With fold=0 the first."),
        code.papermill_reads_every_parameter,
    ),
    (replace("(fold: int = 0).*", r"\1"), code.papermill_reads_every_parameter),
    (replace("fold: int", "fold"), code.papermill_reads_every_parameter),
    (replace("--quiet", "-q"), code.install_cell_is_the_same_everywhere),
    (replace("# @title.*", "# Install"), code.install_cell_is_the_same_everywhere),
    (add("code", "def f():\n    import os"), code.imports_stand_alone_in_one_cell),
    (replace(LIBRARY, f"{LIBRARY}\nx = 1"), code.imports_stand_alone_in_one_cell),
    (replace(LIBRARY, f"{LIBRARY}\nimport abc"), code.imports_are_sorted),
    (replace("models, plotting", "plotting, models"), code.imports_are_sorted),
    (add("code", "x\n" * code.MOST_LINES + "x"), code.code_cells_are_short),
    (add("code", "for x in"), code.code_cells_are_python),
    (add("code", "def build_mine(): ..."), code.builds_no_network),
]


def problems_of(rule, change, folder):
    """Return what a rule says of a changed notebook that it does not say unchanged."""
    path = folder / "02_cnn1.ipynb"
    notebook = read_notebook(path)
    broken = copy.deepcopy(notebook)
    renamed = change(broken) or path.stem
    assert broken != notebook or renamed != path.stem
    after = rule(path.with_name(f"{renamed}.ipynb"), broken)
    return sorted(set(after) - set(rule(path, notebook)))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        pytest.param(*case, id=f"{case[1].__name__}-{number}")
        for number, case in enumerate(BREAKS)
    ],
)
def test_a_rule_notices_what_breaks_it_and_names_the_repair(change, rule):
    found = problems_of(rule, change, FOLDER)
    assert found
    # The repair stands after a colon, or is the command to run.
    assert all(": " in problem for problem in found)


def test_a_function_defined_in_two_notebooks_is_found(tmp_path):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    change = add("code", "def helper(): ...")
    rule = code.defines_no_name_of_another
    assert problems_of(rule, change, tmp_path) == []
    other = read_notebook(tmp_path / "03_cnn2.ipynb")
    change(other)
    write_notebook(tmp_path / "03_cnn2.ipynb", other)
    assert "helper is defined in 03_cnn2" in problems_of(rule, change, tmp_path)[0]


def test_every_rule_has_a_notebook_that_breaks_it():
    tried = {rule for _, rule in BREAKS} | {code.defines_no_name_of_another}
    assert tried == {*text.RULES, *code.CODE_RULES}


def test_magics_and_trailing_semicolons_are_python_enough():
    tree = code.parse("if a:\n    %pip install b\n    !ls {c}\nd;")
    assert len(tree.body) == 2
