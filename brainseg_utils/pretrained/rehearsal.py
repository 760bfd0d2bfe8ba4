"""Phantom slices among a training's own, so that it keeps what phantoms had taught.

A few patients soon teach what holds for them alone. Mixing in examples of what came
before is rehearsal (Robins 1995, doi:10.1080/09540099550039318).
"""

from __future__ import annotations

from brainseg_utils.cases import find_cases
from brainseg_utils.cohorts import DataConfig, phantom_patients
from brainseg_utils.pretrained import PHANTOMS, check_sequences
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store import SliceStore
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.workspace import Workspace, smoke_wanted

SMOKE_PATIENTS = 2
PATIENTS = 60  # Made in 22 s on two cores, once for all trainings.


def rehearsal_store(store: SliceStore, workspace: Workspace) -> SliceStore:
    """Return the slices of wide phantom patients, with a store's channels and size.

    They are the first of those from which the weights to start from learned, and are
    made, and prepared, if need be.

    Args:
        store: The training's own slices.
        workspace: Where phantom patients and their slices go.

    Raises:
        BrainSegError: `E-START` for a sequence that phantom patients do not have.
    """
    check_sequences(store.sequences)
    # Never shrunk for smoke, as slices must be as large as the training's.
    patients = SMOKE_PATIENTS if smoke_wanted() else PATIENTS
    config = DataConfig(**{**PHANTOMS, "patients": patients})
    found, _ = find_cases(phantom_patients(config, workspace), store.sequences)
    grid = SliceGrid(config.crop_size, store.grid.image_size)
    return prepare_slices(found[:patients], workspace.data / "prepared", grid)
