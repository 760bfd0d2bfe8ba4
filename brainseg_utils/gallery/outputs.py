"""What a code cell printed, showed and drew, as Markdown that GitHub renders."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

MOST_LINES = 40
LAST_LINES = 8
MOST_PIXELS = 900
MOST_BYTES = 120_000

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def render_output(output: Mapping[str, Any], draw: Callable[[bytes], str]) -> str:
    """Return one output of a code cell as Markdown; empty for what is not shown.

    Args:
        output: An output as nbformat has it, texts joined.
        draw: Takes a PNG file's bytes, keeps them, and returns the Markdown for it.
    """
    if output["output_type"] == "stream":
        # What stderr holds is about the machine: warnings, progress, drivers.
        return fence(output["text"]) if output["name"] == "stdout" else ""
    data = output.get("data", {})
    if "image/png" in data:
        return draw(base64.b64decode(data["image/png"]))
    if "text/markdown" in data:
        return data["text/markdown"].strip()
    page = data.get("text/html", "")
    if '<table border="1" class="dataframe">' in page:
        return markdown_table(page)
    language = "python" if 'class="highlight"' in page else "text"
    return fence(data.get("text/plain", ""), language)


def fence(text: str, language: str = "text") -> str:
    """Return `text` in a fence, without control characters, its middle cut if long."""
    text = ANSI.sub("", text).replace("\x08", "")
    # A carriage return starts the line anew, as a terminal shows it.
    lines = [line.rstrip("\r").split("\r")[-1].rstrip() for line in text.split("\n")]
    text = "\n".join(lines).strip("\n")
    if not text:
        return ""
    marks = max([2, *map(len, re.findall("`{3,}", text))]) + 1
    return f"{'`' * marks}{language}\n{cut(text)}\n{'`' * marks}"


def cut(text: str) -> str:
    """Return `text`, or its first and last lines with the number left out between."""
    lines = text.split("\n")
    if len(lines) <= MOST_LINES:
        return text
    first = MOST_LINES - LAST_LINES - 1
    note = f"... {len(lines) - first - LAST_LINES} lines left out ..."
    return "\n".join([*lines[:first], note, *lines[-LAST_LINES:]])


def markdown_table(page: str) -> str:
    """Return the first HTML table that pandas wrote as a Markdown table."""
    reader = _TableReader()
    reader.feed(page)
    head = [" ".join(filter(None, cells)) for cells in zip(*reader.head, strict=True)]
    rows = reader.body
    columns = zip(*rows, strict=True) if rows else [[]] * len(head)
    rules = ["---:" if all(map(_is_number, column)) else "---" for column in columns]
    lines = [f"| {' | '.join(cells)} |" for cells in (head, rules, *rows)]
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = ["", f"*{len(lines) - MOST_LINES} more rows*"]
    return "\n".join(lines)


def shrink(png: bytes) -> bytes:
    """Return a figure as a smaller PNG: at most 900 pixels wide, with a palette.

    Fewer colours are tried until the file is small; 32 still tell curves apart.
    """
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image).convert("RGB")
    if image.width > MOST_PIXELS:
        height = round(image.height * MOST_PIXELS / image.width)
        image = image.resize((MOST_PIXELS, height), Image.Resampling.LANCZOS)
    for colours in (256, 128, 64, 32):
        file = io.BytesIO()
        # Coverage, since a median cut spends its colours on the greys of a scan and
        # loses thin outlines; no dithering, whose noise makes files large.
        few = image.quantize(
            colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
        few.save(file, "PNG", optimize=True)
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()


class _TableReader(HTMLParser):
    """Collect the cells of the first table; a spanned place stays empty.

    Attributes:
        head: Rows of the table's head, as lists of escaped texts of one length.
        body: Rows of its body.
    """

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.head: list[list[str]] = []
        self.body: list[list[str]] = []
        self._rows: list[list[str]] | None = None
        self._spans: dict[int, int] = {}
        self._text: list[str] | None = None

    def handle_starttag(self, tag, attrs):
        if tag in ("thead", "tbody"):
            self._rows = self.head if tag == "thead" else self.body
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
            self._skip_spanned()
        elif tag in ("td", "th") and self._rows is not None:
            span = {key: int(value) for key, value in attrs if key.endswith("span")}
            self._wide, self._high = span.get("colspan", 1), span.get("rowspan", 1)
            self._text = []

    def handle_data(self, data):
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._text is not None:
            row = self._rows[-1]
            for place in range(len(row), len(row) + self._wide):
                self._spans[place] = self._high - 1
            row += [_escape("".join(self._text))] + [""] * (self._wide - 1)
            self._text = None
            self._skip_spanned()
        elif tag == "table":
            self._rows = None

    def _skip_spanned(self) -> None:
        """Leave places empty that a cell of a row above reaches into."""
        row = self._rows[-1]
        while self._spans.get(len(row), 0) > 0:
            self._spans[len(row)] -= 1
            row.append("")


def _escape(text: str) -> str:
    return re.sub(r"([\\|*<~`\[])", r"\\\1", " ".join(text.split()))


def _is_number(text: str) -> bool:
    return (
        not text or re.fullmatch(r"-?[\d,.]+(e[-+]?\d+)?%?|NaN|nan", text) is not None
    )
