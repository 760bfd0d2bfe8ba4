"""Names of patients and files that would like to be HTML: they are shown as text."""

from html.parser import HTMLParser

import mistune
import nbformat
import pandas as pd
import pytest
from made_up_summary import SUMMARY
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from brainseg_utils.gallery.page import render_page
from brainseg_utils.report import write_report

NAMES = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "\" onmouseover=\"alert(1)' onmouseover='alert(1)",
    "</td></table></details><script>alert(1)</script>",
    "</title></style></pre><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--alert(1)--><b>",
    "]]><script>alert(1)</script>",
    "```\n<script>alert(1)</script>\n```",
    "[a](javascript:alert(1))",
    "![a](javascript:alert(1))",
    "<javascript:alert(1)>",
    "| <script>alert(1)</script> |",
    "{{ alert(1) }}{% raw %}",
    "\x1b[31m<script>alert(1)</script>",
]


class Elements(HTMLParser):
    """What elements and attributes a page has."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


def assert_text_alone(page):
    """Expect that names are somewhere on a page, and made nothing of it."""
    assert page.count("alert") >= 3 * len(NAMES)
    found = Elements(page)
    assert not {*found.tags} & {"script", "img", "svg", "iframe", "b"}
    for name, value in found.attributes:
        assert not name.startswith("on") and "javascript" not in (value or "")


@pytest.fixture(scope="module")
def cells():
    """Return executed cells as the notebooks have them, with names in all outputs."""
    frame = pd.DataFrame({"patient": NAMES, "dice": 0.5}, index=NAMES)
    frame.columns.name = NAMES[0]
    table = {"text/html": frame.to_html(), "text/plain": str(frame)}
    cell = new_code_cell("1")
    cell.outputs = [
        new_output("display_data", table),
        new_output("execute_result", {"text/plain": str(NAMES)}),
        new_output("stream", name="stdout", text="\n".join(NAMES)),
    ]
    return [new_markdown_cell("# Title\n\nLead."), cell]


@pytest.mark.parametrize("name", NAMES)
def test_a_report_shows_names_as_text(name, cells, tmp_path):
    failure = new_output("error", ename=name, evalue=name, traceback=[name])
    notebook = tmp_path / f"{name.replace('/', '')}.ipynb"
    failed = new_code_cell("1", outputs=[failure])
    nbformat.write(new_notebook(cells=[*cells, failed]), notebook)
    summary = {**SUMMARY, "cohort": {"name": name, "patients": 3}, "machine": name}
    write_report(tmp_path / "report.html", [notebook], summary)
    assert_text_alone((tmp_path / "report.html").read_text())


def test_a_gallery_page_shows_names_as_text(cells):
    page = render_page("01_made_up", cells, "0" * 64, "Executed.")
    to_html = mistune.create_markdown(escape=False, plugins=["table"])
    assert_text_alone(to_html(page.text))
