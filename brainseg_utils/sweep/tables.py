"""A sweep's outcomes as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from brainseg_utils.files import write_text
from brainseg_utils.sweep.points import Outcome


def make_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return one row a point: notebook, parameters, what it showed, and how it ended.

    Points that were done before and those that were done now make equal rows.
    """
    rows = [
        {
            "notebook": outcome.point.notebook.stem,
            **outcome.point.parameters,
            **outcome.figures,
            "seconds": round(outcome.seconds, 1),
            "status": "failed" if outcome.status == "failed" else "done",
            "error": outcome.error,
        }
        for outcome in outcomes
    ]
    table = pd.DataFrame(rows)
    last = ["seconds", "status", "error"]
    return table[[name for name in table.columns if name not in last] + last]


def write_table(outcomes: Sequence[Outcome], path: Path) -> pd.DataFrame:
    """Write the table as CSV, whole or not at all, and return it."""
    table = make_table(outcomes)
    write_text(path, table.to_csv(index=False))
    return table
