"""Reading a notebook as it lies on disk, without what nbformat would mend."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

Notebook = dict[str, Any]

INSTALL = "# @title Install on Colab"
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def read_notebook(path: Path) -> Notebook:
    """Return the notebook's JSON, every cell's source joined into one string."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def write_notebook(path: Path, notebook: Notebook) -> None:
    """Write the notebook as the committed ones are written."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def siblings(path: Path) -> list[Path]:
    """Return the other notebooks of the folder."""
    return [other for other in sorted(path.parent.glob("*.ipynb")) if other != path]


def of_kind(notebook: Notebook, kind: str) -> list[tuple[int, str]]:
    """Return place and source of the cells of a kind, `"code"` or `"markdown"`."""
    return [
        (place, cell["source"])
        for place, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == kind
    ]


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a code cell, its IPython magics made into calls.

    Raises:
        SyntaxError: The cell is no Python even then.
    """
    return ast.parse(TransformerManager().transform_cell(source))


def parsed(notebook: Notebook) -> list[tuple[int, ast.Module]]:
    """Return place and syntax tree of every code cell that is Python."""
    trees = []
    for place, source in of_kind(notebook, "code"):
        try:
            trees.append((place, parse(source)))
        except SyntaxError:
            continue  # A rule of its own names it.
    return trees


def headings(notebook: Notebook, mark: str = "##") -> list[tuple[int, str]]:
    """Return place and text of all headings of one level; code in fences left out."""
    return [
        (place, text)
        for place, source in of_kind(notebook, "markdown")
        for text in re.findall(
            rf"(?m)^{mark} (.+?)\s*$", re.sub(r"(?ms)^```.*?^```", "", source)
        )
    ]


def links(notebook: Notebook) -> list[tuple[int, str]]:
    """Return place and target of every relative link, fragments cut off."""
    found = [
        (place, target.partition("#")[0])
        for place, source in of_kind(notebook, "markdown")
        for target in LINK.findall(source)
    ]
    return [(place, target) for place, target in found if target and ":" not in target]


def parameters_cells(notebook: Notebook) -> list[int]:
    """Return the places of the cells tagged `parameters`."""
    return [
        place
        for place, cell in enumerate(notebook["cells"])
        if "parameters" in cell["metadata"].get("tags", [])
    ]


def parameters(notebook: Notebook) -> str:
    """Return the source of the first parameters cell; empty where there is none."""
    places = parameters_cells(notebook)
    return notebook["cells"][places[0]]["source"] if places else ""


def install_cells(notebook: Notebook) -> list[str]:
    """Return the sources of the cells that install on Colab."""
    sources = [source for _, source in of_kind(notebook, "code")]
    return [source for source in sources if source.split("\n")[0] == INSTALL]


def imports(notebook: Notebook) -> list[tuple[int, ast.Import | ast.ImportFrom]]:
    """Return the imports outside the install cell, nested ones too, in order."""
    return [
        (place, node)
        for place, tree in parsed(notebook)
        if notebook["cells"][place]["source"] not in install_cells(notebook)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def defined(notebook: Notebook) -> set[str]:
    """Return the names of all functions and classes that a notebook defines."""
    return {
        node.name
        for _, tree in parsed(notebook)
        for node in ast.walk(tree)
        if isinstance(node, DEFINITIONS)
    }
