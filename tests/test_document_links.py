"""Every link inside the repository leads somewhere, and to the heading it names."""

import re
import tomllib
from pathlib import Path

import pytest
from documents import ROOT, WRITTEN, anchors, links, name_of

PAGES = [
    *WRITTEN,
    *sorted(ROOT.glob("gallery/*.md")),
    *sorted(ROOT.glob("notebooks/*.ipynb")),
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SLUG = PROJECT["project"]["urls"]["Repository"].removeprefix("https://github.com/")
# What stands on GitHub, or is opened from there by Colab, lies here as well.
OURS = re.compile(
    r"https://(?:github\.com|colab\.research\.google\.com/github)/"
    rf"{re.escape(SLUG)}/(?:blob|tree|raw)/main/(.+)"
)


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    return [target for target in links(page) if not leads(page, target)]


def leads(page: Path, target: str) -> bool:
    ours = OURS.fullmatch(target)
    if not ours and re.match(r"[a-z]+:", target):
        return True  # Another site.
    path, _, anchor = (ours[1] if ours else target).partition("#")
    goal = (ROOT if ours else page.parent) / path if path else page
    if not goal.exists():
        return False
    return not anchor or (goal.suffix == ".md" and anchor in anchors(goal))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    assert not broken(page)


def test_pages_have_links_to_follow():
    assert sum(len(links(page)) for page in PAGES) > 200


@pytest.mark.parametrize(
    ("link", "whole"),
    [
        ("[a](other.md)", True),
        ("[a](other.md#two-words-and-code)", True),
        ("[a](other.md#again-1)", True),
        ("[a](#here)", True),
        ("[![a](picture.png)](other.md)", True),
        ("[a](https://example.org/gone)", True),
        ("`[a](gone.md)`", True),
        ("[a](gone.md)", False),
        ("[a](other.md#two-words)", False),
        ("[a](other.md#again-2)", False),
        ("[a](#there)", False),
        ("[![a](gone.png)](other.md)", False),
        ("[![a](picture.png)](gone.md)", False),
        ('<img src="gone.png">', False),
        ("[a]\n\n[a]: gone.md", False),
        (f"[a](https://github.com/{SLUG}/blob/main/gone.md)", False),
        (f"[a](https://github.com/{SLUG}/blob/main/README.md#two-commands)", True),
    ],
)
def test_a_link_is_followed_as_github_follows_it(tmp_path, link, whole):
    (tmp_path / "picture.png").touch()
    headings = "# Two words, and `code`\n\n## Again\n\n## Again\n"
    (tmp_path / "other.md").write_text(f"{headings}\n```sh\n# No heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n{link}\n")
    assert (broken(page) == []) is whole
