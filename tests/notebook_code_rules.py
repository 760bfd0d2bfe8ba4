"""What the code of every notebook keeps to; the rules are as in `notebook_rules`."""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import papermill
from notebook_cells import (
    INSTALL,
    Notebook,
    defined,
    imports,
    install_cells,
    of_kind,
    parameters,
    parameters_cells,
    parse,
    read_notebook,
    siblings,
    write_notebook,
)

PARAMETER = re.compile(r"([a-z]\w*): (\w+) = (.+?)  # ([^a-z\s].*[.!?])")
MOST_LINES = 25


def one_parameters_cell_before_imports(path: Path, notebook: Notebook) -> list[str]:
    places = parameters_cells(notebook)
    if len(places) != 1:
        return [f"cells {places} are tagged 'parameters': tag exactly one"]
    early = [place for place, _ in imports(notebook) if place <= places[0]]
    if early:
        return [f"cells {early} import before the parameters: move the imports down"]
    return []


def parameters_are_typed_literals_with_help(
    path: Path, notebook: Notebook
) -> list[str]:
    found = []
    for line in parameters(notebook).split("\n"):
        parts = PARAMETER.fullmatch(line)
        if not parts or line.count("=") != 1:
            found.append(f"{line!r} is not 'name: type = value  # Sentence.', one '='")
        elif _literal_type(parts[3]) != parts[2]:
            found.append(f"{line!r}: {parts[3]} is no literal of {parts[2]}: mend one")
    return found


def papermill_reads_every_parameter(path: Path, notebook: Notebook) -> list[str]:
    """papermill skips lines that it cannot parse, so ask what it saw."""
    lines = parameters(notebook).split("\n")
    wanted = {re.split(r"\W", line)[0] for line in lines if re.match("[a-z]", line)}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.ipynb"
        write_notebook(copy, notebook)
        seen = papermill.inspect_notebook(str(copy))
    complete = {
        name
        for name, entry in seen.items()
        if entry["help"] and entry["inferred_type_name"] != "None"
    }
    return [
        f"papermill does not see {name} with type, value and help: "
        "write it on one line, 'name: type = value  # Sentence.'"
        for name in sorted(wanted - complete)
    ]


def install_cell_is_the_same_everywhere(path: Path, notebook: Notebook) -> list[str]:
    mine = install_cells(notebook)
    if len(mine) != 1:
        return [f"{len(mine)} cells begin with {INSTALL!r}: keep exactly one"]
    return [
        f"its install cell differs from that of {other.name}: make them the same"
        for other in siblings(path)
        if install_cells(read_notebook(other)) != mine
    ]


def imports_stand_alone_in_one_cell(path: Path, notebook: Notebook) -> list[str]:
    places = sorted({place for place, _ in imports(notebook)})
    if len(places) != 1:
        return [f"imports stand in cells {places}: gather them in one cell"]
    others = [
        ast.unparse(node)
        for node in parse(notebook["cells"][places[0]]["source"]).body
        if not isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return [f"{other!r} stands among the imports: move it down" for other in others]


def imports_are_sorted(path: Path, notebook: Notebook) -> list[str]:
    keys = [_import_key(node) for _, node in imports(notebook)]
    names = [
        [_name_key(alias.name) for alias in node.names] for _, node in imports(notebook)
    ]
    if keys == sorted(keys) and all(group == sorted(group) for group in names):
        return []
    return [f"its imports are not sorted: run ruff check --select I --fix {path.name}"]


def code_cells_are_short(path: Path, notebook: Notebook) -> list[str]:
    return [
        f"cell {place} has {lines} lines, {MOST_LINES} at most: split it or move code "
        "into brainseg_utils"
        for place, source in of_kind(notebook, "code")
        if (lines := len(source.split("\n"))) > MOST_LINES
    ]


def code_cells_are_python(path: Path, notebook: Notebook) -> list[str]:
    found = []
    for place, source in of_kind(notebook, "code"):
        try:
            parse(source)
        except SyntaxError as error:
            found.append(f"cell {place}, line {error.lineno}: {error.msg}: mend it")
    return found


def builds_no_network(path: Path, notebook: Notebook) -> list[str]:
    return [
        f"it defines {name}: networks live in brainseg_utils/models.py"
        for name in sorted(defined(notebook))
        if name.startswith("build_")
    ]


def defines_no_name_of_another(path: Path, notebook: Notebook) -> list[str]:
    mine = defined(notebook)
    return [
        f"{name} is defined in {other.name} too: move it into brainseg_utils"
        for other in siblings(path)
        for name in sorted(mine & defined(read_notebook(other)))
    ]


def _literal_type(text: str) -> str:
    try:
        return type(ast.literal_eval(text)).__name__
    except (ValueError, SyntaxError):
        return ""


def _import_key(node: ast.Import | ast.ImportFrom) -> tuple[Any, ...]:
    """Sort as ruff does: standard library, others, ours; `import` before `from`."""
    by_name = isinstance(node, ast.ImportFrom)
    module = (node.module or "") if by_name else node.names[0].name
    package = module.split(".")[0]
    section = (
        2 if package == "brainseg_utils" else package not in sys.stdlib_module_names
    )
    return int(section), by_name, module.lower()


def _name_key(name: str) -> tuple[int, str]:
    """Sort as ruff does: CONSTANTS, Classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name.lower()


CODE_RULES = (
    one_parameters_cell_before_imports,
    parameters_are_typed_literals_with_help,
    papermill_reads_every_parameter,
    install_cell_is_the_same_everywhere,
    imports_stand_alone_in_one_cell,
    imports_are_sorted,
    code_cells_are_short,
    code_cells_are_python,
    builds_no_network,
    defines_no_name_of_another,
)
