"""A few variants of a training beside one another, on the same patients and seeds."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import pandas as pd

from brainseg_utils.cohorts import Cohort
from brainseg_utils.compute import Compute
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import evaluate_run, patient_means
from brainseg_utils.judging.study_rows import mean_dice, score_row
from brainseg_utils.plans import default_folds, find_run, resolve
from brainseg_utils.runs import Run, stack_histories
from brainseg_utils.times import in_words
from brainseg_utils.training import load_model, train
from brainseg_utils.workspace import Workspace, smoke_wanted

SMOKE_VARIANTS = 2


@dataclass(frozen=True)
class Study:
    """Variants x seeds x folds, each a training and its scores.

    Everything runs in this process, one after the other. What is done is taken as it
    is, so that a study that was interrupted goes on where it was. The smoke profile
    keeps the first variants alone, with one seed and one fold.

    Attributes:
        cohort: The patients.
        workspace: Where the run folders lie.
        variants: What is compared, by name; seed and fold are the study's.
        seeds: Each variant is trained with each of them.
        folds: Folds of patients; empty takes fold 0, or all where patients are few.
        compute: What to run on.

    Raises:
        BrainSegError: `E-PARAM` where there are no variants or no seeds.
    """

    cohort: Cohort
    workspace: Workspace
    variants: Mapping[str, TrainingConfig]
    seeds: Sequence[int]
    folds: Sequence[int] = ()
    compute: Compute = field(default_factory=Compute)

    def __post_init__(self):
        for name in ("variants", "seeds"):
            if not getattr(self, name):
                what = "wanted at least one, got none."
                raise BrainSegError("E-PARAM", name, what, "Name what to train.")
        split_file = next(iter(self.variants.values())).split_file
        folds = [*self.folds] or default_folds(self.cohort, split_file)
        most = (SMOKE_VARIANTS, 1, 1) if smoke_wanted() else (None, None, None)
        variants = {name: resolve(c) for name, c in [*self.variants.items()][: most[0]]}
        object.__setattr__(self, "variants", variants)
        object.__setattr__(self, "seeds", [*self.seeds][: most[1]])
        object.__setattr__(self, "folds", folds[: most[2]])

    def run(self, report: Callable[[str], None] = print) -> None:
        """Train and score what is missing, with a line a run and the time left.

        All variants meet one seed before the next, so that what an interrupted study
        has left can be compared.

        Args:
            report: Takes the lines.

        Raises:
            BrainSegError: As `training.train` and `evaluation.evaluate_run` do.
        """
        points = [*self._points()]
        missing = [c for _, c in points if not self._run_of(c).done]
        started, trained = time.perf_counter(), 0
        for number, (name, config) in enumerate(points, 1):
            begun = time.perf_counter()
            self._complete(config)
            now = time.perf_counter()
            took = "there already"
            if config in missing:
                trained += 1
                left = (now - started) / trained * (len(missing) - trained)
                took = f"{in_words(now - begun)}, about {in_words(left)} left"
            dice = mean_dice([self._run_of(config)], "validation")
            report(
                f"{number} of {len(points)}  {name}, fold {config.fold}, "
                f"seed {config.seed}: validation Dice {dice:.3f}; {took}"
            )

    def runs(self, name: str) -> list[Run]:
        """Return the run folders of a variant, finished or not."""
        return [self._run_of(config) for n, config in self._points() if n == name]

    def patient_dice(self, name: str) -> dict[str, float]:
        """Return each test patient's Dice per volume, its mean over seeds, by id."""
        return patient_means([r.scores["test"] for r in self.runs(name)], "dice_volume")

    def curves(self, name: str, figure: str) -> np.ndarray:
        """Return a history column of a variant's runs, `[run, epoch]`."""
        return stack_histories(self.runs(name), figure)

    def table(self, reference: str) -> pd.DataFrame:
        """Return a row for each variant: how it scored, and how far off the reference.

        `dice` is the mean over test patients of Dice per volume, `low` and `high` its
        95 % interval over patients; `difference`, with interval and `p`, is paired
        over the same patients and empty for the reference. `seed_spread` is how far
        the means of single seeds lie apart, `seconds` the mean of one training.

        Args:
            reference: Name of the variant to compare with.

        Raises:
            ValueError: There is no such variant.
        """
        if reference not in self.variants:
            raise ValueError(
                f"reference must be one of {[*self.variants]}. Got: {reference!r}"
            )
        rows = {name: self._row(name, reference) for name in self.variants}
        return pd.DataFrame.from_dict(rows, orient="index").astype(
            {"runs": int, "p": float}
        )

    def steps(self, names: Sequence[str]) -> pd.DataFrame:
        """Return how each variant differs from the one before it, paired by patient.

        Args:
            names: Variants in the order in which they were built up.

        Returns:
            A row for each: `dice`, `low`, `high`, `seconds` as in `table`, and
            `difference` to the row above with its interval and `p`; NaN for the first.
        """
        rows = {names[0]: self._row(names[0], names[0])}
        for before, name in itertools.pairwise(names):
            rows[name] = self._row(name, before)
        columns = ["dice", "low", "high", "difference"]
        columns += ["difference_low", "difference_high", "p", "seconds"]
        return pd.DataFrame.from_dict(rows, orient="index")[columns].astype(float)

    def _row(self, name: str, reference: str) -> dict[str, Any]:
        by_seed: dict[int, list[Run]] = {seed: [] for seed in self.seeds}
        for other, config in self._points():
            if other == name:
                by_seed[config.seed].append(self._run_of(config))
        others = None if name == reference else self.patient_dice(reference)
        return score_row(by_seed, self.patient_dice(name), others)

    def _points(self) -> Iterator[tuple[str, TrainingConfig]]:
        for fold in self.folds:
            for seed in self.seeds:
                for name, config in self.variants.items():
                    yield name, replace(config, fold=fold, seed=seed)

    def _run_of(self, config: TrainingConfig) -> Run:
        return find_run(config, self.cohort, self.workspace)

    def _complete(self, config: TrainingConfig) -> None:
        run = train(config, self.cohort, self.workspace, False, self.compute)
        known = run.done
        evaluate_run(run, None if known else load_model(run, self.cohort), self.cohort)
        if not known:
            # Else every network that was built stays in memory.
            keras.utils.clear_session()
