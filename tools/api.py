"""Build the package's API pages from its docstrings: `make docs`.

pdoc writes the pages. Added to it are a contents page, links for names that a docstring
gives relative to the package, and an end with 1 where anything was warned of: a name
that is gone, an annotation that does not resolve, a module that does not import.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # Read when TensorFlow is imported.

import pdoc
from pdoc.doc import Module
from pdoc.render_helpers import relative_link, to_markdown_with_context

import brainseg_utils

ROOT = brainseg_utils.__name__
FOLDER = Path(__file__).resolve().parents[1] / "build" / "api"
NAME = re.compile(r"`([A-Za-z_]\w*(?:\.(?!(?:csv|html|json)`)\w+)*)`")  # No files.


def import_all() -> list[str]:
    """Import every module of the package; return their names, the package's first."""
    found = walk_packages(brainseg_utils.__path__, f"{ROOT}.")
    names = [ROOT, *sorted(module.name for module in found)]
    for name in names:
        for value in vars(import_module(name)).values():
            if hasattr(value, "_field_types") or hasattr(value, "_fields"):
                # Made by `typing`: without this its annotations are looked up there.
                value.__new__.__module__ = value.__module__
    return names


def contents(names: list[str]) -> str:
    """Return a table of all modules, each with the first line of its docstring."""
    rows = ["", "", "## All modules", "", "| module | |", "| --- | --- |"]
    for name in names[1:]:
        first = (sys.modules[name].__doc__ or "").partition("\n")[0]
        rows.append(f"| `{name.removeprefix(f'{ROOT}.')}` | {first} |")
    return "\n".join(rows)


def link_names(text: str, module: Module, pages: dict[str, Module]) -> str:
    """Return a docstring with the names of other modules, and in them, made links."""

    def linked(match: re.Match[str]) -> str:
        if module.get(match[1]):
            return match[0]  # pdoc links what the module itself holds.
        page, member = find(match[1], module, pages)
        if not page:
            return match[0]
        if member and not pages[page].get(member):
            warnings.warn(f"{module.modulename}: there is no {match[0]}", stacklevel=1)
        anchor = f"#{member}" if member else ""
        return f"[{match[0]}]({relative_link(module.modulename, page)}{anchor})"

    return NAME.sub(linked, text)


def find(name: str, module: Module, pages: dict[str, Module]) -> tuple[str, str]:
    """Return the page that a name means, and the member; empty where it means none.

    A name may begin with a module, beside this one or in the package's root, or with a
    class or function that the module imports.
    """
    head, _, rest = name.partition(".")
    imported = getattr(vars(module.obj).get(head), "__module__", None)
    if imported in pages and pages[imported].get(head):
        return imported, name
    beside = module.modulename
    if not module.is_package:
        beside = beside.rpartition(".")[0]
    for home in (beside, ROOT):
        page, member = f"{home}.{head}", rest
        while page in pages and f"{page}.{member.partition('.')[0]}" in pages:
            head, _, member = member.partition(".")
            page = f"{page}.{head}"
        if page in pages:
            return page, member
    return "", ""


def build(folder: Path) -> list[str]:
    """Write the pages into a folder; return what was warned of."""
    names = import_all()
    brainseg_utils.__doc__ += contents(names)

    def to_markdown(context, docstring):
        linked = link_names(docstring, context["module"], context["all_modules"])
        return to_markdown_with_context(context, linked)

    to_markdown.jinja_pass_arg = to_markdown_with_context.jinja_pass_arg
    pdoc.render.env.filters["to_markdown"] = to_markdown
    pdoc.render.configure(docformat="google", footer_text="brainseg")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # What is inherited from other packages is theirs to put right.
        warnings.filterwarnings("ignore", f"Error parsing .* for (?!{ROOT})")
        listed = {*pdoc.extract.walk_specs([ROOT])}
        # A package that names its functions in `__all__` hides its modules.
        hidden = [name for name in names if name not in listed]
        pdoc.pdoc(ROOT, *hidden, output_directory=folder)
    return [str(one.message) for one in caught]


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    problems = build(target)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"begin at {target / ROOT}.html")
    sys.exit(bool(problems))
