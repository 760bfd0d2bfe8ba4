"""What a patient's sequences look like inside the brain, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from isal import isal_zlib

from brainseg_utils.system.memory_order import forwards
from brainseg_utils.system.opencv import cv2
from brainseg_utils.volumes import CaseVolumes

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SAMPLE_STEP = 6  # Every sixth voxel along each axis: some 7,000 of a brain.
# OpenCV sums these in double precision without turning them into it first.
SUMMED_AS_STORED = (np.uint8, np.uint16, np.int16, np.float32, np.float64)
MIN_SAMPLE = 1000  # Of fewer voxels than this all are taken.


@dataclass(frozen=True)
class Profile:
    """Figures of one patient's sequences, in the order of `Case.sequences`.

    Attributes:
        voxels: Voxels of the brain.
        sums: Sum and sum of squares over all voxels of each sequence, exact for whole
            numbers of up to 16 bits.
        percentiles: `PERCENTILES` of each sequence over the brain, as scanned.
        correlations: Pearson's correlation of each two sequences over the brain.
        filled: Share of the volume in which each sequence differs from 0.
        checksums: CRC-32 of each sequence's sample in RAS+ order, whatever its type.
    """

    voxels: int
    sums: list[tuple[float, float]]
    percentiles: list[list[float]]
    correlations: list[list[float]]
    filled: list[float]
    checksums: list[int]

    @property
    def scales(self) -> list[tuple[float, float]]:
        """Mean and deviation of each sequence over the brain; it is 0 elsewhere."""
        return [mean_and_deviation(*sums, self.voxels) for sums in self.sums]

    @property
    def fingerprints(self) -> list[tuple[float, float, int]]:
        """What only the same scan has again, stored in whichever direction."""
        return [(*s, c) for s, c in zip(self.sums, self.checksums, strict=True)]


def profile_case(volumes: CaseVolumes) -> Profile:
    """Measure a patient; sums are of all voxels, the rest is of a sample."""
    arrays = list(volumes.sequences.values())
    brain, *samples = _sampled([volumes.brain, *arrays])
    inside = np.array([sample[brain] for sample in samples], np.float64)
    return Profile(
        int(np.count_nonzero(*forwards(volumes.brain))),
        [power_sums(array) for array in arrays],
        np.percentile(inside, PERCENTILES, axis=1).T.tolist() if inside.size else [],
        correlate(inside).tolist() if inside.size else [],
        [np.count_nonzero(sample) / sample.size for sample in samples],
        [isal_zlib.crc32(np.ascontiguousarray(s, np.float64)) for s in samples],
    )


def power_sums(array: np.ndarray) -> tuple[float, float]:
    """Return the sum and the sum of squares of all voxels."""
    (stored,) = forwards(array)
    if stored.dtype not in SUMMED_AS_STORED:
        stored = stored.astype(np.float64)
    rows = np.ascontiguousarray(stored).reshape(-1, stored.shape[-1])
    return cv2.sumElems(rows)[0], cv2.norm(rows, cv2.NORM_L2SQR)


def mean_and_deviation(
    total: float, squares: float, voxels: int
) -> tuple[float, float]:
    """Return mean and deviation of so many voxels from their sums; 0 of none."""
    mean = total / max(voxels, 1)
    variance = squares / max(voxels, 1) - mean * mean
    # What is left of a constant by rounding is not taken for a deviation.
    return mean, float(np.sqrt(variance)) if variance > 1e-12 * mean * mean else 0.0


def _sampled(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Thin out volumes whose first one, the brain, stays large enough for it."""
    step = (slice(None, None, SAMPLE_STEP),) * 3
    enough = np.count_nonzero(arrays[0][step]) >= MIN_SAMPLE
    return [array[step] if enough else array for array in arrays]


def correlate(inside: np.ndarray) -> np.ndarray:
    """Return the correlations of `[sequence, voxel]`; 0 for what does not vary."""
    centred = inside - inside.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    scaled = centred / np.where(length > 0, length, 1)[:, None]
    # Not `@`: its library would take 32 MB of memory a thread for these few numbers.
    return np.einsum("ik,jk->ij", scaled, scaled)
