"""One executed notebook as a Markdown page with figures beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainseg_utils.files import replacing, write_text
from brainseg_utils.gallery.outputs import fence, render_output, shrink

INJECTED = "injected-parameters"


@dataclass(frozen=True)
class Page:
    """A page of the gallery, in memory.

    Attributes:
        name: Name of the notebook and of the page, without suffix.
        opening: The notebook's first cell.
        text: The page's Markdown.
        images: PNG files that it shows, in order; `image_name` says where they lie.
    """

    name: str
    opening: str
    text: str
    images: tuple[bytes, ...]

    @property
    def title(self) -> str:
        """The notebook's title."""
        return self.opening.split("\n")[0].lstrip("# ").strip()

    @property
    def lead(self) -> str:
        """First sentence of the first cell's last paragraph, its description."""
        paragraph = self.opening.strip().split("\n\n")[-1]
        return re.split(r"(?<=[.?!])\s", paragraph)[0]


def image_name(name: str, number: int) -> str:
    """Return the path of a page's image from the gallery; numbers start at 1."""
    return f"images/{name}-{number}.png"


def render_page(
    name: str, cells: Iterable[Mapping[str, Any]], stamp: str, run: str
) -> Page:
    """Return an executed notebook's page.

    Args:
        name: Name of the notebook, without suffix.
        cells: Its cells, executed; the first is Markdown and begins with the title.
        stamp: Digest of the notebook, by which `stale_pages` tells old pages.
        run: One line on when and where it was executed, put below the title.
    """
    images: list[bytes] = []
    section = name

    def draw(png: bytes) -> str:
        images.append(shrink(png))
        return f"![{section}]({image_name(name, len(images))})"

    parts = [
        f"<!-- notebook sha256: {stamp} -->\n"
        f"<!-- Written by `make gallery`; what is changed here is lost. -->"
    ]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            parts.append(correct_links(cell["source"], name))
            section = _last_heading(cell["source"]) or section
        elif cell["cell_type"] == "code":
            parts.append(_fold(cell))
            parts += [render_output(one, draw) for one in _join(cell["outputs"])]
    # parts[0] is for machines; the notebook's first cell begins with its title.
    opening = parts[1]
    title, _, rest = opening.partition("\n")
    parts[1] = f"{title}\n\n{run}\n{rest}"
    text = "\n\n".join(filter(None, parts)) + "\n"
    return Page(name, opening, text, tuple(images))


def write_page(folder: Path, page: Page) -> None:
    """Write images before the page, so that a page never shows missing ones."""
    names = [image_name(page.name, number) for number in range(1, len(page.images) + 1)]
    for name, image in zip(names, page.images, strict=True):
        with replacing(folder / name) as temporary:
            temporary.write_bytes(image)
    write_text(folder / f"{page.name}.md", page.text)
    for old in folder.glob(f"images/{page.name}-*.png"):
        if f"images/{old.name}" not in names:
            old.unlink()


def correct_links(text: str, name: str) -> str:
    """Return a notebook's Markdown with its relative links as seen from the gallery.

    The link to the notebook's own page becomes one back to the notebook.
    """
    own_page = rf"\[[^\]]*\]\(\.\./gallery/{re.escape(name)}\.md\)"
    text = re.sub(own_page, f"[Open the notebook](../notebooks/{name}.ipynb)", text)
    return re.sub(r"\]\(([^)\s]+)", lambda link: f"]({_from_gallery(link[1])}", text)


def _from_gallery(target: str) -> str:
    if ":" in target or target.startswith("#"):
        return target
    path, mark, fragment = target.partition("#")
    if path.startswith("../"):
        return target.removeprefix("../gallery/")
    if "/" not in path and path.endswith(".ipynb"):
        return f"{path.removesuffix('.ipynb')}.md{mark}{fragment}"
    return f"../notebooks/{target}"


def hide_folders(text: str, roots: Iterable[Path]) -> str:
    """Return `text` with paths relative to the checkout, and the user's home as ~."""
    for root in roots:
        text = _replace_folder(text, root, "", ".")
    return _replace_folder(text, Path.home(), "~/", "~")


def _replace_folder(text: str, folder: Path, inside: str, alone: str) -> str:
    if len(folder.parts) < 2:
        return text  # The root of all files is in every path.
    # As printed, with forward slashes, and as a string's repr on Windows.
    forms = {str(folder), folder.as_posix(), repr(str(folder))[1:-1]}
    for form in sorted(forms, key=len, reverse=True):
        here = rf"(?:(?<![\w./])|(?<=file://)){re.escape(form)}"
        text = re.sub(rf"{here}(?:/|\\{{1,2}})(?=[\w.])", inside, text)
        text = re.sub(rf"{here}(?![\w.-])", alone, text)
    return text


def _fold(cell: Mapping[str, Any]) -> str:
    if not cell["source"].strip():
        return ""
    injected = INJECTED in cell["metadata"].get("tags", [])
    summary = "parameters of this run" if injected else "code"
    code = fence(cell["source"], "python")
    return f"<details><summary>{summary}</summary>\n\n{code}\n\n</details>"


def _join(outputs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Drop stderr, and join what was printed piece by piece."""
    joined: list[Mapping[str, Any]] = []
    for output in outputs:
        if output.get("name") == "stderr":
            continue
        printed = output["output_type"] == "stream"
        if printed and joined and joined[-1]["output_type"] == "stream":
            joined[-1] = {**output, "text": joined[-1]["text"] + output["text"]}
        else:
            joined.append(output)
    return joined


def _last_heading(source: str) -> str:
    found = re.findall(r"(?m)^#+ (.+?)\s*$", source)
    return found[-1].replace("[", "").replace("]", "") if found else ""
