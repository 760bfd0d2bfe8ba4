"""One slice drawn into an `ax`, with what is outlined on it.

Slices are shown as radiologists see them: the front upwards and the patient's right
on the left.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from brainseg_utils.pictures.colours import PREDICTION, TRUTH

SEQUENCE_NAMES = {"t1": "T1", "t1ce": "T1ce", "t2": "T2", "flair": "FLAIR"}


def show_slice(ax: Axes, image: np.ndarray, title: str = "") -> Axes:
    """Show one sequence of one slice, `[height, width]`, in grey on black.

    Pixels of exactly 0 are outside the brain, in files as in z-scored slices.
    """
    image = np.ma.masked_equal(np.asarray(image, np.float32), 0)
    inside = image.compressed() if image.count() else np.zeros(1)
    low, high = np.percentile(inside, (0.5, 99.5))
    grey = plt.colormaps["gray"].with_extremes(bad="black")
    ax.imshow(image, cmap=grey, origin="lower", vmin=low, vmax=high)
    return _bare(ax, title)


def show_mask(ax: Axes, mask: np.ndarray, title: str = "") -> Axes:
    """Show a mask `[height, width]` in black and white."""
    ax.imshow(
        mask, cmap="gray", origin="lower", vmin=0, vmax=1, interpolation="nearest"
    )
    return _bare(ax, title)


def outline_mask(ax: Axes, mask: np.ndarray, colour: str = TRUTH) -> Axes:
    """Draw the outline of a mask `[height, width]` over a slice."""
    if np.any(mask):
        ax.contour(mask, levels=[0.5], colors=[colour], linewidths=1.4)
    return ax


def show_difference(
    ax: Axes, mask_true: np.ndarray, mask_pred: np.ndarray, title: str = ""
) -> Axes:
    """Show where a prediction `[height, width]` hits, misses and invents tumour."""
    kinds = np.asarray(mask_true, int) + 2 * np.asarray(mask_pred, int)
    colours = ListedColormap(["black", TRUTH, PREDICTION, "white"])
    ax.imshow(
        kinds, cmap=colours, vmin=0, vmax=3, origin="lower", interpolation="nearest"
    )
    return _bare(ax, title)


def difference_legend() -> list[Patch]:
    """Return legend handles for `show_difference`."""
    names = {"white": "both", TRUTH: "mask only (missed)", PREDICTION: "model only"}
    return [Patch(fc=colour, ec="black", label=name) for colour, name in names.items()]


def largest_tumour_slice(mask: np.ndarray) -> int:
    """Return the first axis' index with most tumour in `[slice, height, width]`."""
    return int(np.asarray(mask).sum(axis=(1, 2)).argmax())


def _bare(ax: Axes, title: str) -> Axes:
    ax.set_title(title)
    ax.set_xticks([])
    ax.set_yticks([])
    if not ax.xaxis_inverted():
        ax.invert_xaxis()
    return ax
