from pathlib import Path

import pytest
import yaml
from notebook_cells import LINK, headings, links, read_notebook
from notebook_code_rules import CODE_RULES
from notebook_rules import RULES

from brainseg_utils.errors import BrainSegError
from brainseg_utils.execution.parameters import check_parameters, notebook_parameters

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PROFILES = sorted((FOLDER / "params").glob("*.yaml"))

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def profile_problems(profile, notebooks):
    """Return a sentence for each entry of a profile that no notebook would take."""
    values = yaml.safe_load(profile.read_text(encoding="utf-8"))
    known = {path: notebook_parameters(path) for path in notebooks}
    problems = []
    for name, value in values.items():
        takers = [path for path, defaults in known.items() if name in defaults]
        if not takers:
            problems.append(f"{name} is a parameter of no notebook: correct the name")
        for path in takers:
            try:
                check_parameters(path, {name: value})
            except BrainSegError as error:
                problems.append(f"{name}, {path.stem}: {error.what} Correct the value.")
    return problems


def gallery_problems(path, notebook):
    """Return a sentence for each gallery page or image of a page that is missing."""
    targets = {path.parent / target for _, target in links(notebook)}
    pages = [page for page in targets if page.parent.name == "gallery"]
    missing = [page for page in pages if not page.is_file()]
    for page in set(pages) - set(missing):
        images = LINK.findall(page.read_text(encoding="utf-8"))
        missing += [page.parent / image for image in images if image.endswith(".png")]
    return [
        f"{file.name} is not in the gallery: run make run && make gallery"
        for file in missing
        if not file.is_file()
    ]


def test_there_are_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS][:5] == ["01", "02", "03", "04", "05"]


@every_notebook
@pytest.mark.parametrize("rule", (*RULES, *CODE_RULES), ids=lambda rule: rule.__name__)
def test_rule(path, rule):
    problems = rule(path, read_notebook(path))
    assert not problems, "\n".join(f"{path.name}: {problem}" for problem in problems)


@every_notebook
def test_gallery_links_lead_to_pages_whose_images_exist(path):
    problems = gallery_problems(path, read_notebook(path))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_holds_only_what_a_notebook_takes(profile):
    problems = profile_problems(profile, NOTEBOOKS)
    assert not problems, "\n".join(f"{profile.name}: {one}" for one in problems)


def test_a_profile_with_a_wrong_name_or_type_is_found(tmp_path):
    profile = tmp_path / "wrong.yaml"
    # YAML reads 1e-4, without a point, as a string.
    profile.write_text("epochs: 50\nepoch: 50\nlearning_rate: 1e-4\n")
    found = profile_problems(profile, [FOLDER / "02_cnn1.ipynb"])
    assert [problem.split(" ")[0] for problem in found] == ["epoch", "learning_rate,"]
    assert "wanted float as in" in found[1] and "got '1e-4'" in found[1]


def test_a_missing_gallery_page_or_image_is_found(tmp_path):
    notebook = {
        "cells": [{"cell_type": "markdown", "source": "[see](../gallery/01_a.md)"}]
    }
    path, page = tmp_path / "notebooks" / "01_a.ipynb", tmp_path / "gallery/01_a.md"
    path.parent.mkdir()
    page.parent.mkdir()
    assert "01_a.md" in gallery_problems(path, notebook)[0]
    page.write_text("![figure](images/01_a-1.png)")
    assert "01_a-1.png" in gallery_problems(path, notebook)[0]
    (page.parent / "images").mkdir()
    (page.parent / "images" / "01_a-1.png").touch()
    assert gallery_problems(path, notebook) == []


def test_headings_in_fences_do_not_count():
    text = "## One\n```\n## Not this\n```\n## Two"
    notebook = {"cells": [{"cell_type": "markdown", "source": text}]}
    assert [heading for _, heading in headings(notebook)] == ["One", "Two"]
