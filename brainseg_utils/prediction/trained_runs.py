"""A finished run's network, ready to predict; and which run to take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import read_json
from brainseg_utils.run_files.foreign_runs import open_run
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import Run
from brainseg_utils.workspace import Workspace

if TYPE_CHECKING:
    import keras

MAX_FILTERS = 512
# What files of JSON raise that are missing, damaged, or of another form.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
REMEDY = "Name the folder of a finished run (--run); `make run` leaves some in runs/."


@dataclass(frozen=True)
class TrainedRun:
    """A run with its network.

    Attributes:
        run: The run folder.
        config: Its recipe: mirroring, threshold, smallest part.
        inputs: What its network was trained on.
        model: The network, with the run's weights.
    """

    run: Run
    config: TrainingConfig
    inputs: RunInputs
    model: keras.Model


def load_trained(run: Run | Path | str) -> TrainedRun:
    """Build a finished run's network and load its weights.

    Raises:
        BrainSegError: `E-RUN` where the folder is no finished run of this version, or
            its files are not those of its completion record; `E-CKPT` or
            `E-CKPT-MISMATCH` where the weights do not fit.
    """
    run = open_run(run.folder if isinstance(run, Run) else run)
    if not run.done:
        raise _no_run(run.folder, "is no finished run, or its files have changed.")
    config, inputs = _read(run)
    # TensorFlow takes seconds; what is refused is refused before.
    from brainseg_utils.fitting.compiling import load_network

    model = load_network(config, inputs.input_shape, run.folder / "weights.npz")
    return TrainedRun(run, config, inputs, model)


def _read(run: Run) -> tuple[TrainingConfig, RunInputs]:
    try:
        config, inputs = run.training_config, RunInputs.read(run.folder)
        if config.filters > MAX_FILTERS:  # Which would fill the memory.
            raise ValueError(f"{config.filters} filters are more than {MAX_FILTERS}")
    except (*UNREADABLE, BrainSegError) as error:
        raise _no_run(run.folder, f"tells not what it is: {error}.") from error
    return config, inputs


def best_run(workspace: Workspace) -> Run:
    """Return the CNN2 of a workspace's profile with the highest validation Dice.

    Only finished runs count, and of these the ones on the patients of the last
    `make run`. Test patients have no say.

    Raises:
        BrainSegError: `E-RUN` where there is none.
    """
    folders = sorted(workspace.run_folder("x").parent.glob("cnn2*"))
    cohort = _last_cohort(workspace)
    found = [run for run in map(Run, folders) if _scored(run, cohort)]
    best = sorted(found, key=validation_dice, reverse=True)
    # Digests take longer than scores, so the best are looked at first.
    run = next((run for run in best if run.done), None)
    if run is None:
        raise _no_run(workspace.runs, "holds no finished CNN2.")
    return run


def validation_dice(run: Run) -> float:
    """Return the mean Dice per volume over a run's validation patients."""
    scores = run.scores["validation"].values()
    return float(np.mean([score["dice_volume"] for score in scores]))


def describe(run: Run) -> str:
    """Say in a line which run it is, and how good on whom."""
    facts: dict[str, Any] = run.config
    patients = len(facts["split"]["train"])
    return (
        f"{run.folder.name}: trained on {patients} patients of {facts['cohort']}, "
        f"validation Dice {validation_dice(run):.3f}"
    )


def _last_cohort(workspace: Workspace) -> str:
    """Return whose runs count; empty where `make run` has left no summary."""
    try:
        return read_json(workspace.runs / "summary.json")["cohort"]["name"]
    except UNREADABLE:
        return ""


def _scored(run: Run, cohort: str) -> bool:
    try:
        theirs = not cohort or run.config["cohort"] == cohort
        return theirs and validation_dice(run) >= 0
    except UNREADABLE:
        return False  # Not finished.


def _no_run(folder: Path, what: str) -> BrainSegError:
    return BrainSegError("E-RUN", folder, what, REMEDY)
