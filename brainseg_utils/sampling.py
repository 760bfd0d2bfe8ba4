"""From a recipe to the batches that a network learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from brainseg_utils.augmentation import RICH, Augmentation
from brainseg_utils.batches import Batches
from brainseg_utils.config import TrainingConfig
from brainseg_utils.store import SliceStore


def draw_batches(
    config: TrainingConfig,
    store: SliceStore,
    rows: np.ndarray,
    batch_size: int,
    slices_per_epoch: int,
) -> Batches:
    """Return batches to learn from, augmented and sampled as the recipe says."""
    return Batches(
        store,
        rows,
        batch_size,
        _augmentation(config),
        shuffle=True,
        seed=config.seed,
        slices_per_epoch=slices_per_epoch,
        tumour_share=config.tumour_share,
        painted_share=config.painted_share,
    )


def _augmentation(config: TrainingConfig) -> Augmentation | None:
    if config.augmentation == "none":
        return None
    kinds = {"paper": Augmentation(), "rich": RICH}
    degrees = config.rotation_degrees
    return replace(kinds[config.augmentation], rotation_degrees=degrees)
