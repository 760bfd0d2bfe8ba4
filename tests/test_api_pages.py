"""The API's pages: each module has one, links lead somewhere, no name is stale."""

import re
import subprocess
import sys
from pathlib import Path

import pdoc
import pytest

sys.path.append(str(Path(__file__).parents[1] / "tools"))
import api

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "brainseg_utils"
LINK = re.compile(r'<a href="([^":?$]*)"')  # With $ it is of the search's script.


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Build the pages as `make docs` does; return them by their path."""
    folder = tmp_path_factory.mktemp("api")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "api.py", folder],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {path: path.read_text("utf-8") for path in folder.rglob("*.html")}


def page(pages, name):
    return next(text for path, text in pages.items() if path.match(f"{name}.html"))


def module_of(path):
    """Return a source's module, relative to the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def test_every_module_has_a_page_and_stands_among_the_contents(pages):
    modules = {*map(module_of, PACKAGE.rglob("*.py"))} - {""}
    paths = {path.as_posix() for path in pages}
    contents = page(pages, "brainseg_utils")
    for module in modules:
        end = f"/brainseg_utils/{module.replace('.', '/')}.html"
        assert any(path.endswith(end) for path in paths), module
        assert f"<code>{module}</code>" in contents, module


def test_the_first_page_leads_from_a_patient_s_files_to_its_mask(pages):
    first = page(pages, "brainseg_utils")
    steps = [
        "cases.html#find_cases",
        "training.html#train",
        "prediction.html#predict_case",
    ]
    places = [first.find(f'href="brainseg_utils/{step}') for step in steps]
    assert -1 not in places and places == sorted(places)


def test_every_link_between_pages_leads_to_a_page_and_a_name_on_it(pages):
    followed = 0
    for path, text in pages.items():
        for target in LINK.findall(text):
            file, _, name = target.partition("#")
            goal = (path.parent / file).resolve() if file else path
            assert goal in pages, f"{path.name} links {target}"
            assert not name or f'id="{name}"' in pages[goal], f"{path.name}: {target}"
            followed += 1
    assert followed > 1000


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("`errors.BrainSegError`", "errors.html#BrainSegError"),
        ("`phantom.wide`", "phantom/wide.html"),
        ("`BrainSegError`", "errors.html#BrainSegError"),
    ],
)
def test_a_name_relative_to_the_package_becomes_a_link(text, url):
    assert link(text) == f"[{text}]({url})"


@pytest.mark.parametrize("text", ["`report.html`", "`numpy.ndarray`", "`find_cases`"])
def test_files_other_packages_and_what_stands_on_the_page_are_left(text):
    assert link(text) == text


def test_a_name_that_is_gone_is_warned_of():
    with pytest.warns(UserWarning, match="cases: there is no `errors.Gone`"):
        link("`errors.Gone`")


def link(text):
    names = ("cases", "errors", "layouts", "report", "phantom", "phantom.wide")
    found = [pdoc.doc.Module.from_name(f"brainseg_utils.{name}") for name in names]
    modules = {one.modulename: one for one in found}
    return api.link_names(text, modules["brainseg_utils.cases"], modules)
