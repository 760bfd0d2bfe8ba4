"""The usual ways with nibabel, NumPy and OpenCV, as many public notebooks go them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import nibabel
import numpy as np

from brainseg_utils.cases import Case


def has_nifti_alone(cases: Sequence[Case]) -> bool:
    """Tell whether all files of these patients are NIfTI, which other ways need."""
    return not any(path.is_dir() for case in cases for path in case.sequences.values())


def load_patient(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return `[x, y, z, channel]` z-scored where not 0, and `[x, y, z]` uint8 of 0, 1.

    As stored: not turned to any orientation, and checked for nothing.
    """
    files = {path: _load(path) for path in set(case.sequences.values())}
    volumes = [
        files[path][..., case.parts[name]] if name in case.parts else files[path]
        for name, path in case.sequences.items()
    ]
    for volume in volumes:
        inside = volume[volume != 0]
        volume[volume != 0] = (inside - inside.mean()) / inside.std()
    return np.stack(volumes, -1), (_load(case.mask) > 0).astype(np.uint8)


def prepare_patient(case: Case, crop_size: int, image_size: int, folder: Path) -> None:
    """Cut a patient's axial slices about the volume's middle and save them."""
    images, masks = (_central(array, crop_size) for array in load_patient(case))
    size = (image_size, image_size)
    planes = range(images.shape[2])
    small = [
        cv2.resize(images[:, :, z], size, None, 0, 0, cv2.INTER_AREA) for z in planes
    ]
    labels = [
        cv2.resize(masks[:, :, z], size, None, 0, 0, cv2.INTER_NEAREST) for z in planes
    ]
    np.save(folder / f"{case.id}_images.npy", np.asarray(small, np.float32))
    np.save(folder / f"{case.id}_masks.npy", np.stack(labels))


def generate_batches(
    cases: Sequence[Case], slices: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read a patient's files, yield slices of it, flipped and turned; again and again.

    Args:
        cases: The patients, of which one is drawn at a time.
        slices: How many slices about the volume's middle are taken of each.
        seed: Seed of what is drawn.

    Yields:
        `[slice, x, y, channel]` float32 and `[slice, x, y, 1]` uint8, square.
    """
    rng = np.random.default_rng(seed)
    while True:
        patient = load_patient(cases[rng.integers(len(cases))])
        side = min(patient[0].shape[:2])  # Turned slices must fit into one batch.
        images, masks = (_central(array, side) for array in patient)
        first = max((images.shape[2] - slices) // 2, 0)
        pairs = [
            _augmented(images[:, :, z], masks[:, :, z, None], rng)
            for z in range(first, min(first + slices, images.shape[2]))
        ]
        yield tuple(np.stack(arrays) for arrays in zip(*pairs, strict=True))


def _augmented(
    image: np.ndarray, mask: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    turns, up_down, left_right = rng.integers(0, (4, 2, 2))
    steps = (slice(None, None, -1 if flip else 1) for flip in (up_down, left_right))
    flips = tuple(steps)
    image, mask = (np.rot90(array, turns)[flips] for array in (image, mask))
    return image.astype(np.float32), mask


def _load(path: Path) -> np.ndarray:
    return nibabel.load(path).get_fdata()


def _central(array: np.ndarray, size: int) -> np.ndarray:
    low = [max((n - size) // 2, 0) for n in array.shape[:2]]
    return array[low[0] : low[0] + size, low[1] : low[1] + size]
