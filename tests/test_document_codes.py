"""Troubleshooting lists every code that the package says, each with its remedy."""

import re

from documents import ROOT

PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([EW]-[A-Z-]+)` \| (.+) \| (.+) \|$", re.M)
# At the beginning of a text, as errors and warnings have it; docstrings quote codes.
SAID = re.compile(r"""["']([EW]-[A-Z]+(?:-[A-Z]+)*)(?=["' ])""")


def codes_said():
    sources = (ROOT / "brainseg_utils").rglob("*.py")
    return {code for path in sources for code in SAID.findall(path.read_text("utf-8"))}


def test_every_code_that_is_said_is_listed_once_and_no_other():
    listed = [code for code, _, _ in ROW.findall(PAGE)]
    assert sorted(listed) == sorted(codes_said())
    assert {"E-MISSING", "W-SYNC", "W-CKPT"} <= set(listed)


def test_every_code_has_its_meaning_and_its_remedy():
    for code, meaning, remedy in ROW.findall(PAGE):
        assert len(meaning.split()) > 1 and len(remedy.split()) > 1, code
