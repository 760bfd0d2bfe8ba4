"""The completion record of a point: what alone makes it count as done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brainseg_utils.files import file_digest, read_json, write_json
from brainseg_utils.sweep.points import Outcome, Point
from brainseg_utils.sweep.results import read_result
from brainseg_utils.system.crashpoints import crashpoint


def write_record(point: Point, folder: Path, seconds: float) -> None:
    """Write, behind the executed notebook, that all of it ran, and what it showed."""
    output = folder / point.output_name
    crashpoint("sweep.executed")
    record = {
        **_identity(point),
        "output": file_digest(output),
        "seconds": seconds,
        "figures": read_result(output),
    }
    write_json(output.with_suffix(".json"), record)
    crashpoint("sweep.recorded")


def read_record(point: Point, folder: Path) -> dict[str, Any] | None:
    """Return the record where it fits notebook, parameters and output; else None."""
    output = folder / point.output_name
    try:
        record = read_json(output.with_suffix(".json"))
        identity = {name: record[name] for name in ("notebook", "parameters")}
        fits = identity == _identity(point) and record["output"] == file_digest(output)
        return record if fits and {"seconds", "figures"} <= set(record) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def kept(point: Point, folder: Path) -> Outcome:
    """Return the outcome of a point that was done before."""
    record = read_record(point, folder)
    if not record:
        return Outcome(point, "kept")
    output = folder / point.output_name
    seconds, figures = record["seconds"], record["figures"]
    return Outcome(point, "kept", seconds, output, figures=figures)


def _identity(point: Point) -> dict[str, Any]:
    # A notebook that was changed since is another one.
    return {"notebook": file_digest(point.notebook), "parameters": point.parameters}
