"""Train on phantom patients alone, and keep the run to predict with and start from."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from brainseg_utils.cohorts import Cohort, DataConfig, load_cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.evaluation import score_run
from brainseg_utils.files import (
    refuse_existing,
    replacing_folder,
    write_bytes,
    write_json,
)
from brainseg_utils.fitting.compiling import load_model
from brainseg_utils.pretrained import PHANTOMS, halve
from brainseg_utils.run_files.weights import pack_weights, read_weights
from brainseg_utils.runs import Run
from brainseg_utils.training import train
from brainseg_utils.workspace import Workspace

FOLDS = 20  # A twentieth of the patients to watch by, another one to test.
SLICES = 1600  # In an epoch.
TRAINED = ("weights.npz", "history.csv")


def pretrain(
    workspace: Workspace,
    output: str | Path,
    patients: int = 600,
    epochs: int = 30,
    wide: bool = True,
) -> Run:
    """Train CNN2 by the recommended recipe on phantoms, and leave a finished run.

    Interrupted, the same call goes on where it was.

    Args:
        workspace: Where phantoms and the training go.
        output: Folder for the run, with weights in half precision; it must not exist.
        patients: Phantom patients to make; some 0.4 s and 1 MB each.
        epochs: Of `SLICES` slices.
        wide: Whether phantoms are as various as can be, or the ordinary ones.

    Returns:
        The run in `output`, to predict with; `pretrained.load_pretrained` starts from
        its weights.

    Raises:
        BrainSegError: `E-EXISTS` where `output` is there already.
    """
    refuse_existing(output)  # Before the work, and not after it.
    data = DataConfig(patients=patients, **{**PHANTOMS, "wide": wide})
    cohort = load_cohort(data, workspace)
    run = train(pretraining_config(epochs), cohort, workspace)
    return keep_run(run, cohort, output)


def pretraining_config(epochs: int) -> TrainingConfig:
    """Return the recommended recipe, from random weights."""
    return TrainingConfig(
        "cnn2",
        recipe="recommended",
        start="",
        rehearsal_share=0.0,
        neighbours=0,  # Whoever starts from the weights adds them.
        learning_rate=3e-3,
        epochs=epochs,
        slices_per_epoch=SLICES,
        folds=FOLDS,
    )


def keep_run(run: Run, cohort: Cohort, output: str | Path) -> Run:
    """Copy a trained run, halve its weights' precision, and score these.

    Args:
        run: A trained run; it stays as it is.
        cohort: The patients of its split.
        output: Folder for the copy, without predicted masks.

    Returns:
        The copy, whole.
    """
    output = Path(output)
    with TemporaryDirectory() as home:
        # Of the later name, which stands in the model card.
        kept = Run(Path(home) / output.resolve().name)
        _copy_halved(run, kept)
        score_run(kept, load_model(kept, cohort), cohort, masks=False)
        with replacing_folder(output) as folder:
            shutil.copytree(kept.folder, folder, dirs_exist_ok=True)
    return Run(output)


def _copy_halved(run: Run, kept: Run) -> None:
    write_json(kept.folder / "config.json", run.config)
    shutil.copy(run.folder / "history.csv", kept.folder)
    weights = halve(read_weights(run.folder / "weights.npz"))
    write_bytes(kept.folder / "weights.npz", pack_weights(weights))
    facts = {**run.training, "files": kept.digests(TRAINED)}
    write_json(kept.folder / "training.json", facts)
