"""The still pictures of one patient: three planes, a montage, and the doubt."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from brainseg_utils.pictures.colours import PREDICTION, TRUTH
from brainseg_utils.pictures.drawing import (
    MARGIN_MM,
    draw_bar,
    name_sides,
    outline,
    show_slice,
    tint,
)
from brainseg_utils.pictures.grey import grey_levels
from brainseg_utils.pictures.slice_plots import SEQUENCE_NAMES
from brainseg_utils.pictures.views import CONVENTION, PLANES, View

WIDTH = 9.0  # Inches, at 100 pixels each: what a page on GitHub shows.
MONTAGE_COLUMNS, MONTAGE_SLICES = 4, 12
OBLIQUE_DEGREES = 1.0  # Less is what registration leaves.


def draw_planes(view: View, sequence: str) -> Figure:
    """Draw the outlines of mask and truth where the tumour is largest in each plane.

    Args:
        view: The patient.
        sequence: Which of `view.images` to show.
    """
    fig, axs = _three_planes(view)
    _show_planes(axs, view, sequence)
    return _finish(fig, view, sequence)


def draw_montage(view: View, sequence: str, count: int = MONTAGE_SLICES) -> Figure:
    """Draw axial slices from the tumour's lowest to its highest, evenly spaced.

    Args:
        view: The patient.
        sequence: Which of `view.images` to show.
        count: How many slices at most.
    """
    chosen = _spread(view, count)
    rows = -(-len(chosen) // MONTAGE_COLUMNS)
    height, width = (size + 2 * MARGIN_MM for size in view.size_mm("axial"))
    tall = rows * WIDTH / MONTAGE_COLUMNS * height / width + 0.3 * rows + 0.6
    fig, axs = plt.subplots(
        rows, MONTAGE_COLUMNS, figsize=(WIDTH, tall), layout="constrained"
    )
    grey = grey_levels(view.images[sequence])
    for ax in axs.flat[len(chosen) :]:
        ax.set_axis_off()
    for ax, index in zip(axs.flat, chosen, strict=False):
        _show(ax, view, "axial", index, grey)
    name_sides(axs.flat[0], "axial")
    draw_bar(axs.flat[0], view, "axial")
    return _finish(fig, view, sequence)


def draw_doubt(view: View, sequence: str) -> Figure:
    """Draw where the tumour's probability is near 0.5: where a mask is least sure.

    Args:
        view: The patient, with its probability.
        sequence: Which of `view.images` to show.
    """
    view = replace(view, truth=None)  # One more outline would hide the colours.
    fig, axs = _three_planes(view, extra=0.85)
    _show_planes(axs, view, sequence, "thin")
    doubt = doubt_of(view.probability)
    for ax, plane in zip(axs, PLANES, strict=True):
        strength = view.slices(plane, doubt)[view.largest(plane)]
        image = tint(ax, view, plane, strength)
    bar = fig.colorbar(image, ax=axs, location="bottom", shrink=0.6, aspect=50)
    bar.set_ticks([0, 0.5, 1], labels=["0 or 1", "0.25 or 0.75", "0.5: in doubt"])
    bar.set_label("probability of tumour", fontsize=9)
    return _finish(fig, view, sequence)


def figure_png(fig: Figure) -> bytes:
    """Return a figure as a PNG file, 900 pixels wide."""
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=100)
    return file.getvalue()


def doubt_of(probability: np.ndarray) -> np.ndarray:
    """Return 1 where a probability is 0.5, and 0 where it is 0 or 1; in between linear.

    Args:
        probability: Any shape, in [0, 1].
    """
    return 1 - 2 * np.abs(np.asarray(probability, np.float32) - 0.5)


def _three_planes(view: View, extra: float = 0.0) -> tuple[Figure, np.ndarray]:
    """Lay out three pictures of one scale; `extra` inches stay free below."""
    heights, widths = np.array([view.size_mm(p) for p in PLANES]).T + 2 * MARGIN_MM
    tall = heights.max() / widths.sum() * WIDTH + 0.9 + extra
    return plt.subplots(
        1,
        len(PLANES),
        figsize=(WIDTH, tall),
        layout="constrained",
        width_ratios=widths,
    )


def _show_planes(
    axs: np.ndarray, view: View, sequence: str, stroke: str = "mask"
) -> None:
    grey = grey_levels(view.images[sequence])
    for ax, plane in zip(axs, PLANES, strict=True):
        _show(ax, view, plane, view.largest(plane), grey, stroke)
        name_sides(ax, plane)
        draw_bar(ax, view, plane)


def _show(
    ax: Axes,
    view: View,
    plane: str,
    index: int,
    grey: np.ndarray,
    stroke: str = "mask",
) -> None:
    show_slice(ax, view, plane, view.slices(plane, grey)[index])
    if view.truth is not None:
        outline(ax, view, plane, view.slices(plane, view.truth)[index], "truth")
    outline(ax, view, plane, view.slices(plane, view.mask)[index], stroke)
    ax.set_title(view.number(plane, index), fontsize=9)


def _spread(view: View, count: int) -> list[int]:
    """Return axial slices, from the lowest with tumour to the highest."""
    tumour = view.mask if view.truth is None else view.mask | view.truth
    found = np.flatnonzero(tumour.any(axis=(0, 1)))
    if not len(found):  # Nothing was found: the whole brain is the picture.
        found = np.arange(tumour.shape[2])
    steps = np.linspace(found[0], found[-1], min(count, found[-1] - found[0] + 1))
    return [int(index) for index in steps.round()]


def _finish(fig: Figure, view: View, sequence: str) -> Figure:
    """Write what is shown, and how to read it, and take the figure off pyplot's list.

    A notebook would show a figure on that list once more at the cell's end.
    """
    handles = [Line2D([], [], color=PREDICTION, lw=1.6, label="mask of the model")]
    if view.truth is not None:
        handles.append(Line2D([], [], color=TRUTH, ls="--", label="reference mask"))
    fig.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    notes = f"{SEQUENCE_NAMES.get(sequence, sequence)}. {CONVENTION}"
    if view.oblique_degrees > OBLIQUE_DEGREES:
        notes += f" The scan is oblique by {view.oblique_degrees:.0f}°."
    if not view.mask.any():
        notes += " The model found no tumour."
    fig.supxlabel(notes, fontsize=9)
    plt.close(fig)
    return fig
