"""A finished run's network, ready to predict; and which run to take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brainseg_utils.cohorts import of_phantoms
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.pretrained import PACKAGED
from brainseg_utils.run_files.foreign_runs import open_run
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.run_files.scored_runs import check_told
from brainseg_utils.runs import RECORD, Run
from brainseg_utils.workspace import Workspace

if TYPE_CHECKING:
    import keras

PHANTOM = "phantom"  # In place of a folder it names the run in the package.
# What files of JSON raise that are missing, damaged, or of another form.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
NOT_DONE = "is not finished, was scored by another version, or has changed."
REMEDY = (
    "Execute its notebook again, which keeps what is trained and scores it; or name "
    "another finished run (--run), such as 'phantom', the package's own."
)


@dataclass(frozen=True)
class TrainedRun:
    """A run with its network.

    Attributes:
        run: The run folder.
        config: Its recipe: planes, mirroring, threshold, smallest part.
        inputs: What its network was trained on.
        model: The network, with the run's weights.
    """

    run: Run
    config: TrainingConfig
    inputs: RunInputs
    model: keras.Model


def load_trained(run: Run | Path | str) -> TrainedRun:
    """Build a finished run's network and load its weights.

    Args:
        run: A run, or its folder; the text `"phantom"` is the run in the package, and
            `"./phantom"` a folder of that name.

    Raises:
        BrainSegError: `E-RUN` where the folder is no finished run of this version, or
            its files are not those of its completion record; `E-CKPT` or
            `E-CKPT-MISMATCH` where the weights do not fit.
    """
    named = run.folder if isinstance(run, Run) else run
    run = open_run(PACKAGED if named == PHANTOM else named)
    if not run.done:
        raise _no_run(run.folder, NOT_DONE)
    config, inputs = _read(run)
    # TensorFlow takes seconds; what is refused is refused before.
    from brainseg_utils.fitting.compiling import load_network

    model = load_network(config, inputs.input_shape, run.folder / "weights.npz")
    return TrainedRun(run, config, inputs, model)


def _read(run: Run) -> tuple[TrainingConfig, RunInputs]:
    try:
        return run.training_config, RunInputs.read(run.folder)
    except (*UNREADABLE, BrainSegError) as error:
        raise _no_run(run.folder, f"tells not what it is: {error}.") from error


def best_run(workspace: Workspace) -> Run:
    """Return the run to predict with where none is named.

    It is a finished CNN2 on real patients, whatever the profile: of those on the
    patients of the last such run, and of its profile, the one with the highest
    validation Dice. Test patients have no say. Where there is none, it is the run in
    the package, whose phantoms are more various than those of `make run`.

    Raises:
        BrainSegError: `E-RUN` where there are such runs, and none is whole and scored
            by this version.
    """
    folders = sorted((workspace.root / "runs").glob("*/runs/cnn2*"))
    found = [run for run in map(Run, folders) if _on_real_patients(run)]
    if not found:
        return Run(PACKAGED)
    done = [run for run in found if run.done]
    if not done:
        raise _no_run(found[0].folder, NOT_DONE)
    last = max(done, key=_finished)
    alike = [run for run in done if _group(run) == _group(last)]
    return max(alike, key=validation_dice)


def validation_dice(run: Run) -> float:
    """Return the mean Dice per volume over a run's validation patients."""
    scores = run.scores["validation"].values()
    return float(np.mean([score["dice_volume"] for score in scores]))


def describe(run: Run) -> str:
    """Say in a line which run it is, and how good on whom.

    Raises:
        BrainSegError: `E-RUN` where a stranger's run tells what cannot be.
    """
    check_told(run)
    facts: dict[str, Any] = run.config
    patients, cohort = len(facts["split"]["train"]), facts["cohort"]
    dice = f"validation Dice {validation_dice(run):.3f}"
    if not of_phantoms(cohort):
        whom = f"trained on {patients} patients of {cohort}, {dice}"
    else:
        whom = f"trained on {patients} phantom patients and no real one, {dice} on such"
    packaged = " (comes with brainseg)" if run.folder == PACKAGED else ""
    return f"{run.folder.name}{packaged}: {whom}"


def _on_real_patients(run: Run) -> bool:
    if run.folder.parents[1].name == "smoke":  # Trained for seconds, as a test.
        return False
    try:
        real = not of_phantoms(run.config["cohort"])
        return real and _finished(run) > 0 and validation_dice(run) >= 0
    except UNREADABLE:
        return False  # Not finished.


def _finished(run: Run) -> float:
    return (run.folder / RECORD).stat().st_mtime


def _group(run: Run) -> tuple[Path, str]:
    """Return what runs must have in common for their Dice to be compared."""
    return run.folder.parent, run.config["cohort"]


def _no_run(folder: Path, what: str) -> BrainSegError:
    return BrainSegError("E-RUN", folder, what, REMEDY)
