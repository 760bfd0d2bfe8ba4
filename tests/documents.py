"""Reading the documents: their code blocks and commands, headings and links."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
WRITTEN = [  # By hand; the gallery's pages are made of the notebooks.
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/*.md")),
    ROOT / "data/README.md",
    ROOT / "benchmarks/README.md",
    *sorted(ROOT.glob("brainseg_utils/**/*.md")),
]
PROGRAMS = {
    *("make", "brainseg", "python", "pip", "git", "conda", "jupyter", "tensorboard"),
    *("dask", "nvidia-smi", "bash", "ruff", "cd"),
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"|^\[[^\]]+\]: (\S+)", re.M)
HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.M)
ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


class Block(NamedTuple):
    """A fenced block: its document, first line, language and text."""

    document: str
    line: int
    language: str
    text: str


class Command(NamedTuple):
    """A command as its words, without the folder of its program.

    Attributes:
        place: Document and line.
        settings: Words before it that set variables of the environment.
        words: The program's name and its arguments.
    """

    place: str
    settings: tuple[str, ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


def name_of(path: Path) -> str:
    """Return a document's path from the root."""
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, text: str = "") -> list[Block]:
    """Return the fenced blocks of a document."""
    text = text or path.read_text(encoding="utf-8")
    return [
        Block(name_of(path), text.count("\n", 0, found.start()) + 2, *found.groups())
        for found in FENCE.finditer(text)
    ]


def commands(path: Path) -> list[Command]:
    """Return every command of a document, of its blocks and between its words."""
    found = []
    for block in blocks(path):
        if block.language in ("sh", "bash", "console"):
            lines = block.text.replace("\\\n", " ").splitlines()
            for line in filter(str.strip, lines):
                found += _split(line, f"{block.document}:{block.line}")
    for line, text in enumerate(_without_blocks(path).splitlines(), 1):
        for span in SPAN.findall(text):
            found += [
                one
                for one in _split(span, f"{name_of(path)}:{line}")
                if one.words[0] in PROGRAMS and len(one.words) > 1
            ]
    return found


def _split(line: str, place: str) -> Iterator[Command]:
    for part in line.removeprefix("$ ").split("&&"):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue  # A span with a lone quote is no command.
        settings = [word for word in words if ASSIGNMENT.fullmatch(word)]
        settings = settings if words[: len(settings)] == settings else []
        rest = words[len(settings) :]
        if rest:
            program = rest[0].rpartition("/")[2]
            yield Command(place, tuple(settings), (program, *rest[1:]))
        elif settings and settings[0].startswith("SET="):
            yield Command(place, (), ("make", "run", *settings))


def _without_blocks(path: Path) -> str:
    """Return a document's text, blocks emptied, so that lines keep their numbers."""
    text = path.read_text(encoding="utf-8")
    return FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)


def prose(path: Path) -> str:
    """Return what a document or a notebook says outside of code."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        said = [one["source"] for one in cells if one["cell_type"] == "markdown"]
        return FENCE.sub("", "\n\n".join("".join(source) for source in said))
    return _without_blocks(path)


def links(path: Path) -> list[str]:
    """Return every target that a document or a notebook links or shows."""
    text = SPAN.sub("", prose(path))
    return ["".join(groups) for groups in LINK.findall(text)]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    found: dict[str, int] = {}
    for heading in HEADING.findall(prose(path)):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    repeated = [f"{s}-{n}" for s, most in found.items() for n in range(1, most + 1)]
    return {*found, *repeated}
