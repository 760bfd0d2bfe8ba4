"""Phantom slices among a training's own, so that it keeps what phantoms had taught.

A few patients soon teach what holds for them alone. Mixing in examples of what came
before is rehearsal (Robins 1995, doi:10.1080/09540099550039318).
"""

from __future__ import annotations

from brainseg_utils.cohorts import DataConfig, load_cohort
from brainseg_utils.pretrained import PHANTOMS, check_sequences
from brainseg_utils.store import SliceStore
from brainseg_utils.workspace import Workspace

PATIENTS = 60  # Made in half a minute on two cores, once for all trainings.


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
    like = {"sequences": store.sequences, "image_size": store.grid.image_size}
    config = DataConfig(**{**PHANTOMS, "patients": PATIENTS, **like})
    return load_cohort(config, workspace).store
