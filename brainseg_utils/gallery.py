"""Pages of the executed notebooks, for readers on GitHub: `make gallery`.

The notebooks are committed without outputs. What they show when executed stands in
`gallery/`, written from `runs/<profile>/` and stamped with the notebook it shows.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import read_json, value_digest, write_text
from brainseg_utils.gallery_page import (
    INJECTED,
    Page,
    hide_folders,
    image_name,
    render_page,
    write_page,
)
from brainseg_utils.suite import FURTHER
from brainseg_utils.workspace import Workspace, open_workspace

STAMP = re.compile(r"<!-- notebook sha256: ([0-9a-f]{64}) -->")

# Where the project is published does not change what a notebook does.
ADDRESS = re.compile(
    r"((?:colab\.research\.google\.com/github|git\+https://github\.com)/)"
    r"[\w-]+/(?:(?!\.git\b)[\w.-])+"
)

INDEX = """# Gallery

What the notebooks show when they are executed, written by `make run && make gallery`.
{run}
"""


def write_gallery(workspace: Workspace) -> list[Path]:
    """Write a page for every notebook, its images, and the index.

    A notebook that `make run` executes on request alone (`ALL=1`), and that was not,
    keeps the page that it has.

    Returns:
        The paths of the pages written and of the index.

    Raises:
        BrainSegError: `E-GALLERY`, before anything is written: an executed notebook or
            the run's summary is missing, or belongs to another version.
    """
    run = _describe_run(workspace, workspace.runs / "summary.json")
    paths, folder = _notebooks(workspace.root), workspace.root / "gallery"
    kept = [path for path in paths if _is_kept(path, workspace)]
    pages = [_render(path, workspace) for path in paths if path not in kept]
    for page in pages:
        write_page(folder, page)
    there = [path for path in kept if (folder / f"{path.stem}.md").is_file()]
    listed = [*pages, *(_unexecuted(path) for path in there)]
    write_text(folder / "README.md", _index(listed, folder, run))
    return [*(folder / f"{page.name}.md" for page in pages), folder / "README.md"]


def stale_pages(root: str | Path) -> list[str]:
    """Return the names of pages that are missing or show another notebook."""
    stale = []
    for notebook in _notebooks(Path(root)):
        page = Path(root) / "gallery" / f"{notebook.stem}.md"
        text = page.read_text(encoding="utf-8") if page.is_file() else ""
        found = STAMP.search(text)
        if not found or found[1] != notebook_stamp(notebook):
            stale.append(notebook.stem)
    return stale


def notebook_stamp(path: str | Path) -> str:
    """Return the SHA-256 of a notebook's cells, whatever its metadata and address."""
    return value_digest(_sources(_read(path).cells), length=64)


def _sources(cells: Sequence[Any]) -> list[tuple[str, str]]:
    return [(cell.cell_type, ADDRESS.sub(r"\1", cell.source)) for cell in cells]


def _notebooks(root: Path) -> list[Path]:
    return sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def _read(path: str | Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def _is_kept(path: Path, workspace: Workspace) -> bool:
    """Tell whether a notebook was to be executed on request, and was not."""
    return path.stem in FURTHER and not (workspace.runs / path.name).is_file()


def _unexecuted(path: Path) -> Page:
    """Return a page with what the index takes from the notebook itself."""
    return render_page(path.stem, _read(path).cells, notebook_stamp(path), "")


def _render(path: Path, workspace: Workspace) -> Page:
    executed = _read_executed(path, workspace)
    # What was executed on request may be of another day than the rest.
    study = workspace.runs / f"study-{path.stem[3:]}.json"
    summary = workspace.runs / "summary.json"
    run = _describe_run(workspace, study if study.is_file() else summary)
    page = render_page(path.stem, executed.cells, notebook_stamp(path), run)
    roots = [workspace.root]
    # A run may have been made in another checkout than this one.
    made_from = Path(executed.metadata.get("papermill", {}).get("input_path") or "")
    if made_from.is_absolute():
        roots.append(made_from.parents[1])
    return replace(page, text=hide_folders(page.text, roots))


def _read_executed(path: Path, workspace: Workspace) -> Any:
    """Return the executed twin of a notebook, with the address of today.

    Raises:
        BrainSegError: It is missing, stopped half-way, or of another version.
    """
    twin = workspace.runs / path.name
    if not twin.is_file():
        raise _refuse(workspace, twin, "this notebook was not executed yet.")
    present, executed = _read(path), _read(twin)
    for place, cell in enumerate(executed.cells):
        runs = cell.cell_type == "code" and cell.source.strip()
        if runs and cell.execution_count is None:
            raise _refuse(workspace, twin, f"it stopped before cell {place}.")
    own = [c for c in executed.cells if INJECTED not in c.metadata.get("tags", [])]
    if _sources(own) != _sources(present.cells):
        what = f"it was executed from another version of notebooks/{path.name}."
        raise _refuse(workspace, twin, what)
    for cell, source in zip(own, present.cells, strict=True):
        cell.source = source.source
    return executed


def _refuse(workspace: Workspace, path: Path, what: str) -> BrainSegError:
    run = "make run ALL=1" if path.stem in FURTHER else "make run"
    remedy = f"Run `{run} && make gallery`."
    if workspace.profile != "quick":
        name = workspace.profile
        command = f"python -m brainseg_utils.gallery --profile {name}"
        remedy = f"Run `{run} PROFILE={name}`, then `{command}`."
    return BrainSegError("E-GALLERY", path, what, remedy)


def _describe_run(workspace: Workspace, path: Path) -> str:
    """Return one line on date, machine and versions, from a run's summary."""
    if not path.is_file():
        raise _refuse(workspace, path, "the run left no summary.")
    summary = read_json(path)
    if not summary["cohort"]["name"].startswith("phantom-"):
        raise BrainSegError(
            "E-GALLERY",
            path,
            f"the run shows patients of {summary['cohort']['name']}, and the gallery "
            "is published.",
            "Run `make run` on phantom patients, then `make gallery`.",
        )
    versions = ", ".join(f"{name} {of}" for name, of in summary["versions"].items())
    return (
        f"*Executed {summary['date']} on {summary['machine']}, with {versions}; "
        f"profile {workspace.profile}.*"
    )


def _index(pages: Sequence[Page], folder: Path, run: str) -> str:
    parts = [INDEX.format(run=f"\n{run}").rstrip("\n")]
    for page in sorted(pages, key=lambda page: page.name):
        parts.append(f"## [{page.title}]({page.name}.md)\n\n{page.lead}")
        if (folder / image_name(page.name, 1)).is_file():
            image = f"![{page.title}]({image_name(page.name, 1)})"
            parts.append(f"[{image}]({page.name}.md)")
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the gallery; return 0, or 1 after an explained error."""
    parser = argparse.ArgumentParser(
        prog="python -m brainseg_utils.gallery", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--profile", default="quick", help="folder below runs/ to show")
    options = parser.parse_args(arguments)
    try:
        pages = write_gallery(open_workspace(options.profile))
    except BrainSegError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(pages)} pages in {pages[0].parent}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
