"""The paper's grid: both networks over dropout rates, CNN2 over lengths as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from brainseg_utils.cohorts import Cohort, DataConfig, load_cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import patient_means
from brainseg_utils.execution.parameters import notebook_parameters, unknown_parameter
from brainseg_utils.files import read_json, write_json, write_text
from brainseg_utils.plans import default_folds, find_run, resolve
from brainseg_utils.runs import Run, stack_histories
from brainseg_utils.sweep import Point, expand_grid
from brainseg_utils.workspace import Workspace

# What the grid itself varies, and by which parameter of notebook 04.
VARIED = {"dropout_rate": "dropout_rates", "seed": "seeds", "fold": "folds"}
NOTEBOOKS = {"cnn1": "02_cnn1.ipynb", "cnn2": "03_cnn2.ipynb"}


class DropoutSweep:
    """Executions of notebooks 02 and 03, and the runs that they leave.

    Args:
        workspace: Where notebooks and runs lie.
        overrides: Parameters passed on to both notebooks, where they know them.

    Raises:
        BrainSegError: `E-PARAM` where neither notebook knows an override.
    """

    def __init__(self, workspace: Workspace, overrides: Mapping[str, Any]):
        self.workspace = workspace
        self.paths = {m: workspace.notebooks / name for m, name in NOTEBOOKS.items()}
        self.defaults = {m: notebook_parameters(p) for m, p in self.paths.items()}
        self._check(overrides)
        # The sweep's runs must lie in its own profile's folder.
        self.overrides = {**overrides, "profile": workspace.profile}

    def _check(self, overrides: Mapping[str, Any]) -> None:
        known = {name for defaults in self.defaults.values() for name in defaults}
        varied = sorted(set(overrides) & set(VARIED))
        unknown = sorted(set(overrides) - known)
        if varied:
            what = f"cannot take {varied[0]!r}."
            remedy = f"The sweep varies it: set {VARIED[varied[0]]} instead."
            raise BrainSegError("E-PARAM", "overrides", what, remedy)
        if unknown:
            what = "neither notebook has a parameter of this name."
            raise unknown_parameter(unknown[0], what, sorted(known - set(VARIED)))

    @cached_property
    def cohort(self) -> Cohort:
        """The patients, as notebooks 02 and 03 see them."""
        config = DataConfig.from_parameters({**self.defaults["cnn2"], **self.overrides})
        return load_cohort(config, self.workspace)

    def default_folds(self) -> list[int]:
        """Return every fold of a small cohort, else fold 0 alone."""
        return default_folds(self.cohort, self.overrides.get("split_file", ""))

    def points(
        self, rates: Sequence[float], seeds: Sequence[int], folds: Sequence[int]
    ) -> list[Point]:
        """Return the grid, CNN2's half-length runs at the lowest rate among it."""
        if self.workspace.profile == "smoke":
            rates, seeds = rates[:2], seeds[:1]
        points = []
        for model, path in self.paths.items():
            known = self.defaults[model]
            fixed = {k: [v] for k, v in self.overrides.items() if k in known}
            varied = {"dropout_rate": rates, "seed": seeds, "fold": folds}
            points += expand_grid(path, {**fixed, **varied})
            if model == "cnn2":
                half = {
                    "dropout_rate": [min(rates)],
                    "epochs": [self.epochs(model) // 2],
                }
                points += expand_grid(path, {**fixed, **varied, **half})
        return points

    def config_of(self, point: Point) -> TrainingConfig:
        """Return the configuration that a point's notebook trains."""
        model = next(m for m, path in self.paths.items() if path == point.notebook)
        parameters = {**self.defaults[model], **point.parameters}
        return resolve(TrainingConfig.from_parameters(model, parameters))

    def run_of(self, point: Point) -> Run:
        """Return the run folder of a point, finished or not."""
        return find_run(self.config_of(point), self.cohort, self.workspace)

    def epochs(self, model: str) -> int:
        """Return the full length, in epochs, as asked for (smoke shrinks it later)."""
        return {**self.defaults[model], **self.overrides}["epochs"]

    def switch_epoch(self, model: str) -> int | None:
        """Return where the second phase of the full-length runs begins."""
        parameters = {**self.defaults[model], **self.overrides}
        return resolve(TrainingConfig.from_parameters(model, parameters)).switch_epoch

    def table(self, points: Sequence[Point]) -> pd.DataFrame:
        """Return one row for each finished point: what it was, and how it scored."""
        rows = [self._row(point) for point in points if self.run_of(point).done]
        return pd.DataFrame(rows)

    def _row(self, point: Point) -> dict[str, Any]:
        run, asked = self.run_of(point), self.config_of(point)
        dice = {
            part: np.mean([s["dice_volume"] for s in run.scores[part].values()])
            for part in ("validation", "test")
        }
        return {
            "model": asked.model,
            "dropout_rate": asked.dropout_rate,
            "epochs": run.config["epochs"],
            "half_epochs": point.parameters.get("epochs") == self.epochs("cnn2") // 2,
            "seed": asked.seed,
            "fold": asked.fold,
            "validation_dice": dice["validation"],
            "test_dice": dice["test"],
            "seconds": run.training["seconds"],
            "run": run.folder.name,
        }

    def runs(self, table: pd.DataFrame) -> list[Run]:
        """Return the run folders of a table's rows."""
        return [Run(self.workspace.run_folder(name)) for name in table["run"]]

    def curves(self, table: pd.DataFrame, figure: str) -> np.ndarray:
        """Return a history column of all rows, `[run, epoch]`, NaN after a stop."""
        return stack_histories(self.runs(table), figure)

    def patient_dice(self, table: pd.DataFrame) -> dict[str, float]:
        """Return each test patient's Dice per volume, its mean over the rows' seeds."""
        return patient_means(
            [r.scores["test"] for r in self.runs(table)], "dice_volume"
        )


def write_results(sweep: DropoutSweep, table: pd.DataFrame) -> None:
    """Write the table, and what the sweep was given, for notebook 05.

    Raises:
        BrainSegError: `E-RESULTS` for an empty table; an earlier one is left alone.
    """
    path = sweep.workspace.runs / "sweep.csv"
    if table.empty:
        raise BrainSegError(
            "E-RESULTS", path, "no run finished.", "See the causes named by the sweep."
        )
    write_text(path, table.to_csv(index=False))
    write_json(path.with_suffix(".json"), sweep.overrides)


def read_results(workspace: Workspace) -> tuple[DropoutSweep, pd.DataFrame]:
    """Return the sweep of notebook 04 and its table.

    Raises:
        BrainSegError: `E-RESULTS` where there is none yet, or a run of it has changed
            or was scored by an earlier version.
    """
    path = workspace.runs / "sweep.csv"
    if not (path.is_file() and path.with_suffix(".json").is_file()):
        raise BrainSegError(
            "E-RESULTS", path, "there are no results.", "Run notebook 04 first."
        )
    sweep = DropoutSweep(workspace, read_json(path.with_suffix(".json")))
    table = pd.read_csv(path)
    stale = [run.folder.name for run in sweep.runs(table) if not run.done]
    if stale:
        raise BrainSegError(
            "E-RESULTS",
            path,
            f"{len(stale)} of its {len(table)} runs are not whole, or were scored by "
            f"an earlier version: {stale[0]}.",
            "Run notebook 04 again: it repeats what is missing, and no training for a "
            "score.",
        )
    return sweep, table
