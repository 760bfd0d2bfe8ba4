"""One slice that two networks of the same layers and weights answer alike."""

from __future__ import annotations

import numpy as np


def make_probe(size: int, channels: int) -> np.ndarray:
    """Return a batch of one slice `[1, size, size, channels]` float32 in [-1, 1]."""
    waves = np.sin(np.arange(size * size * channels, dtype=np.float64))
    return waves.reshape(1, size, size, channels).astype(np.float32)


def largest_difference(one: list, other: list) -> float:
    """Return how far two answers are apart, at most."""
    return float(np.abs(np.subtract(one, other)).max())
