"""From a trained network to a patient's mask, as the recipe says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from brainseg_utils.config import TrainingConfig
from brainseg_utils.store import SliceStore
from brainseg_utils.store.neighbour_slices import NeighbourSlices

if TYPE_CHECKING:
    import keras

MIRRORS = ((1, -1), (-1, 1), (-1, -1))  # Steps through rows and columns.
# A probability. A slice below it reaches 0.5 in the mean of four looks only where the
# others see 0.66 on average. By this no pixel changed in masks of five real patients;
# of 60 phantoms' one lost 27 voxels, wrong ones.
FAINT = 0.01


def predict_mask(
    model: keras.Model, store: SliceStore, case_id: str, config: TrainingConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Predict a patient with the recipe's mirroring, threshold and smallest part.

    Returns:
        Masks of 0 and 1: `[slice, height, width]` bool on the store's grid, before
        small parts are dropped, and `[x, y, z]` uint8 at full resolution.
    """
    seen = {"mirror": config.mirror, "neighbours": config.neighbours}
    probabilities = predict_slices(model, store, case_id, **seen)
    choices = config.threshold, config.smallest_ml
    mask = restore_mask(store, case_id, probabilities, *choices)
    return probabilities >= config.threshold, mask


def predict_slices(
    model: keras.Model,
    store: SliceStore,
    case_id: str,
    batch_size: int = 16,
    mirror: bool = False,
    neighbours: int = 0,
) -> np.ndarray:
    """Return tumour probabilities of a patient's slices, `[slice, height, width]`.

    Args:
        model: The network.
        store: Where the slices lie.
        case_id: The patient.
        batch_size: Slices at a time.
        mirror: Whether to average over the slices as they are, mirrored left-right,
            up-down, and both: four times the work. Slices where the first look finds
            no pixel above `FAINT` are spared the others.
        neighbours: How many slices to either side the network sees with each one.
    """
    record = store.case(case_id)
    images = store.images[record["start"] : record["stop"]]
    return predict_images(model, images, batch_size, mirror, neighbours)


def predict_images(
    model: keras.Model,
    images: np.ndarray,
    batch_size: int = 16,
    mirror: bool = False,
    neighbours: int = 0,
) -> np.ndarray:
    """Return tumour probabilities, `[slice, height, width]` float32.

    Args:
        model: The network.
        images: `[slice, height, width, sequence]` float32, z-scored inside the brain;
            one patient's, from the lowest up.
        batch_size: Slices at a time.
        mirror: As for `predict_slices`.
        neighbours: As for `predict_slices`.
    """
    if neighbours:
        images = NeighbourSlices(images, [(0, len(images))], neighbours)[:]
    found = _predict(model, images, batch_size)
    if mirror:
        likely = found.max(axis=(1, 2)) > FAINT
        turned = _predict_mirrored(model, images[likely], batch_size)
        found[likely] = (found[likely] + turned) / 4
    return found


def _predict_mirrored(
    model: keras.Model, images: np.ndarray, batch_size: int
) -> np.ndarray:
    """Return the sum of what a network says of slices in three mirrors."""
    total = np.zeros(images.shape[:3], np.float32)
    for y, x in MIRRORS if len(images) else ():
        turned = np.ascontiguousarray(images[:, ::y, ::x])
        total += _predict(model, turned, batch_size)[:, ::y, ::x]
    return total


def _predict(model: keras.Model, images: np.ndarray, batch_size: int) -> np.ndarray:
    batches = range(0, len(images), batch_size)
    # predict_on_batch spares the set-up that predict repeats for every patient.
    parts = [model.predict_on_batch(images[i : i + batch_size]) for i in batches]
    return np.concatenate(parts)[..., 0]


def restore_mask(
    store: SliceStore,
    case_id: str,
    probabilities: np.ndarray,
    threshold: float = 0.5,
    smallest_ml: float = 0.0,
) -> np.ndarray:
    """Return the mask `[x, y, z]` uint8, at full resolution, of predicted slices.

    Args:
        store: Where the slices lie.
        case_id: The patient.
        probabilities: `[slice, height, width]`, all of the patient's slices.
        threshold: Probability from which a voxel is tumour.
        smallest_ml: Connected parts below this volume are dropped.
    """
    record = store.case(case_id)
    volume = store.grid.restore(
        probabilities, record["z"], record["corner"], record["shape"]
    )
    voxel_ml = float(np.prod(record["spacing_mm"])) / 1000
    return decide_mask(volume, threshold, smallest_ml / voxel_ml)


def decide_mask(
    probabilities: np.ndarray, threshold: float, smallest_voxels: float = 0.0
) -> np.ndarray:
    """Return the mask `[x, y, z]` uint8 of a volume of probabilities.

    Args:
        probabilities: `[x, y, z]`.
        threshold: Probability from which a voxel is tumour.
        smallest_voxels: Connected parts of fewer voxels are dropped.
    """
    mask = (probabilities >= threshold).astype(np.uint8)
    return drop_small_parts(mask, smallest_voxels) if smallest_voxels else mask


def drop_small_parts(mask: np.ndarray, voxels: float) -> np.ndarray:
    """Return a mask `[x, y, z]` without its connected parts of fewer voxels.

    Voxels that share a face, an edge or a corner are connected. The largest part
    stays however small it is: every patient here has a tumour.
    """
    parts, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if not count:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept = sizes >= min(voxels, sizes.max())
    return kept[parts].astype(mask.dtype)
