"""Write the repository's public address wherever it is needed: `make address`.

The address stands in one place, `[project.urls] Repository` of pyproject.toml. From
there it goes into the Colab badge and the install cell of every notebook, the badges
and the clone line of the README and its sister pages, CITATION.cff, and the gallery.

Files are changed as text, so that everything but the address keeps its bytes.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATTERNS = ("notebooks/*.ipynb", "gallery/*.md", "*.md", "CITATION.cff")

# `owner/name`; a trailing ".git" belongs to the URL, not to the name.
SLUG = r"[\w-]+/(?:(?!\.git\b)[\w.-])+"
COLAB = "colab.research.google.com/github/"

# Places that name this repository and no other, whatever its address was before.
SIGNS = (
    rf"{re.escape(COLAB)}({SLUG})/blob/[^/\s]+/notebooks/",
    rf"git\+https://github\.com/({SLUG})",
    rf"git clone https://github\.com/({SLUG})",
    rf"repository-code: [\"']?https://github\.com/({SLUG})",
    rf"https://github\.com/({SLUG})/actions/workflows/",
)


def read_slug(root: Path) -> str:
    """Return `owner/name` from pyproject.toml.

    Raises:
        ValueError: The address is not `https://github.com/owner/name`.
    """
    path = root / "pyproject.toml"
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Repository", "")
    found = re.fullmatch(rf"https://github\.com/({SLUG})", address)
    if not found:
        raise ValueError(
            f"{path.name}: wanted [project.urls] Repository = "
            f'"https://github.com/owner/name", got {address!r}.'
        )
    return found[1]


def find_files(root: Path) -> list[Path]:
    """Return the files that may hold the address, those that exist."""
    return [path for pattern in PATTERNS for path in sorted(root.glob(pattern))]


def former_slugs(text: str) -> set[str]:
    """Return every `owner/name` under which a text speaks of this repository."""
    return {slug for sign in SIGNS for slug in re.findall(sign, text)}


def rewrite(text: str, slug: str, former: set[str], notebook: str = "") -> str:
    """Return `text` with the address `slug` in place of any former one.

    Args:
        text: Content of a notebook, page or citation file.
        slug: The address wanted, `owner/name`.
        former: Addresses to replace, in URLs of GitHub and of badges about it.
        notebook: Path of the notebook that the text is, from the root; its badge
            then opens this path. Empty for any other file.
    """
    for old in former - {slug}:
        url = rf"(https?://[^\s\"'<>()]*github[^\s\"'<>()]*/){re.escape(old)}"
        text = re.sub(rf"{url}(?=\.git\b|\.?(?![\w.-]))", rf"\g<1>{slug}", text)
    badge = rf"({re.escape(COLAB + slug)}/blob/)[^/\s]+/(notebooks/[^\s\"'<>()]+)"
    text = re.sub(badge, lambda m: f"{m[1]}main/{notebook or m[2]}", text)
    return _follow_clone(text, slug)


def _follow_clone(text: str, slug: str) -> str:
    """Let the `cd` after `git clone` enter the folder that the clone makes."""
    clone = rf"(git clone https://github\.com/{re.escape(slug)}(?:\.git)?)"
    enter = r"(\s+(?:&&\s+)?(?:\$ )?cd )[\w.-]+"
    return re.sub(clone + enter, rf"\g<1>\g<2>{slug.split('/')[1]}", text)


def plan(root: Path) -> dict[Path, str]:
    """Return the new text of every file that is out of step with pyproject.toml."""
    slug = read_slug(root)
    # newline="" keeps a file's own line endings.
    texts = {path: _read(path) for path in find_files(root)}
    former = set().union(*(former_slugs(text) for text in texts.values()))
    changed = {}
    for path, text in texts.items():
        name = path.relative_to(root).as_posix()
        notebook = name if path.suffix == ".ipynb" else ""
        new = rewrite(text, slug, former, notebook)
        if new != text:
            changed[path] = new
    return changed


def main() -> int:
    """Write the address, or with `--check` only tell where it is out of step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    only_check = parser.parse_args().check
    try:
        changed = plan(ROOT)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in changed.items():
        name = path.relative_to(ROOT).as_posix()
        print(f"{name}: {'out of step' if only_check else 'written'}")
        if not only_check:
            path.write_text(text, encoding="utf-8", newline="")
    if changed and only_check:
        print("The address in pyproject.toml is not everywhere; run: make address")
        return 1
    return 0


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


if __name__ == "__main__":
    raise SystemExit(main())
