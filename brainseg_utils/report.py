"""One HTML page of a suite's executed notebooks, and its table in plain text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from brainseg_utils.evaluation import PAPER_BASELINE
from brainseg_utils.files import write_text
from brainseg_utils.page import folded, paragraph, render_page, table

NAMES = {
    "cnn1": "CNN1",
    "cnn2": "CNN2",
    "predict_nothing": "control: predict nothing",
    "best_threshold": "control: best threshold",
}
COLUMNS = (
    "",
    "Dice per patient volume",
    "95 % interval",
    "HD95 mm",
    "surface Dice",
    "per slice",
    "per batch",
    "s",
)


def result_rows(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the rows of the result table, header first, as text."""
    entries = {**summary["models"], **summary["controls"]}
    rows = [COLUMNS]
    for name, entry in entries.items():
        dice = entry["dice_volume"]
        interval = "one patient"
        if dice["low"] is not None:
            interval = f"{dice['low']:.3f} to {dice['high']:.3f}"
        keys = ("surface_dice", "dice_slice", "dice_batch")
        figures = [f"{entry['hd95_mm']:.1f}", *(f"{entry[key]:.3f}" for key in keys)]
        seconds = f"{entry['seconds']:.0f}" if "seconds" in entry else ""
        rows.append((NAMES[name], f"{dice['mean']:.3f}", interval, *figures, seconds))
    blank = [""] * (len(COLUMNS) - 2)
    rows.append(("paper's baseline", f"{PAPER_BASELINE:.3f}", *blank))
    return rows


def text_table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows as aligned plain text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def describe_cohort(summary: dict[str, Any]) -> str:
    """Say in a sentence what the table was measured on."""
    patients = len(summary["models"]["cnn2"]["dice_volume"]["patients"])
    return (
        f"{patients} test patients of {summary['cohort']['name']} "
        f"({summary['cohort']['patients']} in all), {summary['folds']} fold(s), "
        f"{summary['seeds']} seed(s); intervals are over patients. "
        f"Training seconds are of one run of the chosen configuration."
    )


def write_report(
    path: str | Path, notebooks: Sequence[str | Path], summary: dict[str, Any]
) -> None:
    """Write executed notebooks and the result table as one page that opens offline."""
    page = render_page(
        f"brainseg: {summary['cohort']['name']}, profile {summary['profile']}",
        table(result_rows(summary)),
        paragraph(f"{describe_cohort(summary)} {summary['machine']}."),
        *(
            # The last one concludes, and lies open.
            _html_notebook(Path(notebook), is_open=notebook == notebooks[-1])
            for notebook in notebooks
        ),
    )
    write_text(path, page)


def _for_the_page(path: Path) -> nbformat.NotebookNode:
    """Return a notebook without what is no result, or needs the network to be seen."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # TensorFlow's log of the machine.
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        else:
            lines = cell.source.split("\n")
            cell.source = "\n".join(x for x in lines if not x.startswith("[![Open In"))
    return notebook


def _html_notebook(path: Path, is_open: bool) -> str:
    from nbconvert import HTMLExporter

    # The basic template holds no scripts and no links to other sites.
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True)
    exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(_for_the_page(path))
    return folded(path.stem, body, is_open)
