"""Train on phantom patients alone, and keep the weights for others to start from."""

from __future__ import annotations

from pathlib import Path

from brainseg_utils.cohorts import DataConfig, load_cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import refuse_existing, write_bytes
from brainseg_utils.pretrained import PHANTOMS, halve
from brainseg_utils.run_files.weights import pack_weights, read_weights
from brainseg_utils.runs import Run
from brainseg_utils.training import train
from brainseg_utils.workspace import Workspace

FOLDS = 20  # A twentieth of the patients to watch by, another one to test.
SLICES = 1600  # In an epoch.


def pretrain(
    workspace: Workspace,
    output: str | Path,
    patients: int = 600,
    epochs: int = 30,
    wide: bool = True,
) -> Run:
    """Train CNN2 by the recommended recipe on phantoms, and write its weights.

    Interrupted, the same call goes on where it was.

    Args:
        workspace: Where phantoms and the run go.
        output: File for the weights, in half precision; it must not exist.
        patients: Phantom patients to make; 0.4 s on one core and 1 MB each.
        epochs: Of `SLICES` slices.
        wide: Whether phantoms are as various as can be, or the ordinary ones.

    Returns:
        The finished run.

    Raises:
        BrainSegError: `E-EXISTS` where `output` is there already.
    """
    refuse_existing(output)  # Before the work, and not after it.
    data = DataConfig(patients=patients, **{**PHANTOMS, "wide": wide})
    run = train(pretraining_config(epochs), load_cohort(data, workspace), workspace)
    weights = read_weights(run.folder / "weights.npz")
    write_bytes(output, pack_weights(halve(weights)))
    return run


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
