"""The one look of HTML pages: each a single file that fetches nothing.

Text is escaped here, as it may come from names of files; what is called HTML is not.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
 img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 15px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 1rem }}
img {{ max-width: 100% }}
pre {{ overflow-x: auto; background: #f6f6f6; padding: .6rem }}
table {{ border-collapse: collapse }}
td, th {{ padding: .2rem .8rem; text-align: right }}
td:first-child, th:first-child {{ text-align: left }}
tr {{ border-bottom: 1px solid #ddd }}
summary {{ cursor: pointer; color: #0072B2 }}
.note {{ border-left: 4px solid #E69F00; padding-left: .8rem }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


def render_page(title: str, *parts: str) -> str:
    """Return a page of parts in HTML. Its policy keeps browsers from any network."""
    page = PAGE.format(title=html.escape(title), body="".join(parts))
    # Names of files may hold bytes that are no text, which UTF-8 cannot write.
    return page.encode("utf-8", "backslashreplace").decode()


def paragraph(text: str, note: bool = False) -> str:
    """Return text as a paragraph; a note has a mark at its side."""
    kind = ' class="note"' if note else ""
    return f"<p{kind}>{html.escape(text)}</p>"


def heading(text: str) -> str:
    """Return text as a heading below the page's title."""
    return f"<h2>{html.escape(text)}</h2>"


def table(rows: Sequence[Sequence[str]], head: bool = True) -> str:
    """Return rows of text as a table; the first is its head, or a row as any."""
    tags = ["th" if head else "td", *["td"] * (len(rows) - 1)]
    lines = [
        "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
        for tag, row in zip(tags, rows, strict=True)
    ]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def picture(png: bytes, text: str) -> str:
    """Return a PNG file as an image inside the page; `text` tells what it shows."""
    return f'<p><img alt="{html.escape(text)}" src="{png_uri(png)}"></p>'


def png_uri(png: bytes) -> str:
    """Return a PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def folded(title: str, body: str, is_open: bool = False) -> str:
    """Return HTML that opens and closes by a click on its heading."""
    name = f"<summary><h2 style='display:inline'>{html.escape(title)}</h2></summary>"
    return f"<details{' open' * is_open}>{name}{body}</details>"


def verbatim(text: str) -> str:
    """Return text as it stands, in letters of one width."""
    return f"<pre>{html.escape(text)}</pre>"
