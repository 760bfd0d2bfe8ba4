"""Many executions of notebooks, of which only the missing ones run."""

from brainseg_utils.sweep.executors import open_executor
from brainseg_utils.sweep.points import Outcome, Point, expand_grid
from brainseg_utils.sweep.results import read_result, show_result
from brainseg_utils.sweep.running import run_sweep
from brainseg_utils.sweep.tables import make_table, write_table

__all__ = [
    "Outcome",
    "Point",
    "expand_grid",
    "make_table",
    "open_executor",
    "read_result",
    "run_sweep",
    "show_result",
    "write_table",
]
