"""From a recipe to the batches that a network learns from."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from brainseg_utils.augmentation import RICH, Augmentation
from brainseg_utils.batches import Batches
from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.mixed_batches import MixedBatches
from brainseg_utils.store import SliceStore


def draw_batches(
    config: TrainingConfig,
    store: SliceStore,
    rows: np.ndarray,
    batch_size: int,
    slices_per_epoch: int,
    rehearsed: SliceStore | None = None,
    whole: bool = False,
) -> Batches | MixedBatches:
    """Return batches to learn from, augmented and sampled as the recipe says.

    Args:
        config: The recipe.
        store: Where the slices lie.
        rows: Which of them to draw.
        batch_size: Slices in a batch, those of `rehearsed` included.
        slices_per_epoch: As in `Batches`, those of `rehearsed` included; 0 draws each
            of `rows` once.
        rehearsed: Phantom patients' slices, of which the recipe's share is in every
            batch, rounded down; needed where that is not 0.
        whole: Whether an epoch's last batch is filled up, as replicas need it.
    """
    added = int(config.rehearsal_share * batch_size)
    size = batch_size - added
    slices = math.ceil(slices_per_epoch * size / batch_size) or len(rows)
    if whole:
        slices = math.ceil(slices / size) * size
    own = _draw(config, store, rows, size, slices)
    if not added:
        return own
    every = rehearsed.rows(case["id"] for case in rehearsed.cases)
    return MixedBatches(own, _draw(config, rehearsed, every, added, own.steps * added))


def _draw(
    config: TrainingConfig,
    store: SliceStore,
    rows: np.ndarray,
    batch_size: int,
    slices_per_epoch: int,
) -> Batches:
    return Batches(
        store.with_neighbours(config.neighbours),
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
