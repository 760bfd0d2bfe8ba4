"""A head made of formulas: a brain, and what encloses it where nothing strips it."""

import numpy as np
from scipy import ndimage

SPACING_MM = 2.5
SHAPE = (44, 48, 44)
BRAIN_MM = np.array([36.0, 42.0, 36.0])  # Half axes along z, y, x.
# Thickness in mm from the brain outwards, and brightness beside a brain of 100.
LAYERS = {"fluid": (2.5, 30), "bone": (7.5, 12), "scalp": (7.5, 190)}


def brain_of(seed=0, edge=60.0):
    """Return `[z, y, x]`: bright in the middle, darker at the edge, 0 outside."""
    axes = np.ogrid[tuple(slice(n) for n in SHAPE)]
    far = [
        ((axis - (n - 1) / 2) * SPACING_MM / mm) ** 2
        for axis, n, mm in zip(axes, SHAPE, BRAIN_MM, strict=True)
    ]
    radius = np.sqrt(sum(far))
    noise = np.random.default_rng(seed).normal(0, 3, SHAPE)
    data = 100 + (edge - 100) * radius + noise
    return np.where(radius <= 1, data, 0).astype(np.float32)


def head_of(brain, layers=LAYERS):
    """Put layers round a brain, each as thick as it says."""
    distance = ndimage.distance_transform_edt(brain == 0, SPACING_MM)
    head, reached = brain.copy(), 0.0
    noise = np.random.default_rng(9).normal(0, 3, brain.shape)
    for thickness, brightness in layers.values():
        layer = (distance > reached) & (distance <= reached + thickness)
        head[layer] = brightness + noise[layer]
        reached += thickness
    return head
