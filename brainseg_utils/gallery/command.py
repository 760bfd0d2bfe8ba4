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

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_text
from brainseg_utils.gallery.executed_notebooks import (
    describe_run,
    is_kept,
    notebook_stamp,
    read_executed,
    read_notebook,
)
from brainseg_utils.gallery.page import (
    Page,
    hide_folders,
    image_name,
    render_page,
    write_page,
)
from brainseg_utils.workspace import Workspace, open_workspace

STAMP = re.compile(r"<!-- notebook sha256: ([0-9a-f]{64}) -->")

INDEX = """# Gallery

What the notebooks show when they are executed, written by `make run ALL=1` and
`make gallery`. Each page says when its notebook was executed; the last `make run`:
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
    run = describe_run(workspace, workspace.runs / "summary.json")
    paths, folder = _notebooks(workspace.root), workspace.root / "gallery"
    kept = [path for path in paths if is_kept(path, workspace)]
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


def _notebooks(root: Path) -> list[Path]:
    return sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def _unexecuted(path: Path) -> Page:
    """Return a page with what the index takes from the notebook itself."""
    return render_page(path.stem, read_notebook(path).cells, notebook_stamp(path), "")


def _render(path: Path, workspace: Workspace) -> Page:
    executed = read_executed(path, workspace)
    # What was executed on request may be of another day than the rest.
    study = workspace.runs / f"study-{path.stem[3:]}.json"
    summary = workspace.runs / "summary.json"
    run = describe_run(workspace, study if study.is_file() else summary)
    page = render_page(path.stem, executed.cells, notebook_stamp(path), run)
    roots = [workspace.root]
    # A run may have been made in another checkout than this one.
    made_from = Path(executed.metadata.get("papermill", {}).get("input_path") or "")
    if made_from.is_absolute():
        roots.append(made_from.parents[1])
    return replace(page, text=hide_folders(page.text, roots))


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
