"""What the pictures are drawn with: each function draws one slice's part into an `ax`.

Axes are in millimetres from the picture's upper left corner, so that voxels keep their
true proportions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage

from brainseg_utils.pictures.colours import PREDICTION, TRUTH
from brainseg_utils.pictures.views import PLANES, View

MARGIN_MM = 14.0
BARS_MM = (50, 20, 10, 5, 1)
# The two differ in stroke as well as in colour.
STROKES = {
    "mask": {"colors": [PREDICTION], "linewidths": 1.6},
    "thin": {"colors": [PREDICTION], "linewidths": 0.7},
    "truth": {"colors": [TRUTH], "linewidths": 1.3, "linestyles": "dashed"},
}


def show_slice(ax: Axes, view: View, plane: str, grey: np.ndarray) -> Axes:
    """Show one slice `[row, column]` uint8 of a plane in grey, with a black margin."""
    height, width = view.size_mm(plane)
    _lay(ax, grey, (height, width), cmap="gray", vmin=0, vmax=255)
    ax.set(
        xlim=(-MARGIN_MM, width + MARGIN_MM),
        ylim=(height + MARGIN_MM, -MARGIN_MM),
        xticks=[],
        yticks=[],
        facecolor="black",
    )
    return ax


def outline(ax: Axes, view: View, plane: str, mask: np.ndarray, stroke: str) -> Axes:
    """Draw the outline of a mask `[row, column]` with one of `STROKES`.

    The line runs half-way between the centres of voxels inside and outside.
    """
    if mask.any():
        # A rim of zeros closes lines that would end at the picture's edge.
        rim = np.pad(mask, 1).astype(np.float32)
        places = [
            (np.arange(count) - 0.5) * size / (count - 2)
            for count, size in zip(rim.shape, view.size_mm(plane), strict=True)
        ]
        ax.contour(*places[::-1], rim, levels=[0.5], **STROKES[stroke])
    return ax


def tint(ax: Axes, view: View, plane: str, strength: np.ndarray) -> AxesImage:
    """Lay colour over a slice, clear where `[row, column]` is 0 and full where 1."""
    colours = LinearSegmentedColormap.from_list(
        "doubt", [(0.94, 0.89, 0.26, 0.0), (0.94, 0.89, 0.26, 0.75), "#D55E00"]
    )
    return _lay(ax, strength, view.size_mm(plane), cmap=colours, vmin=0, vmax=1)


def name_sides(ax: Axes, plane: str) -> Axes:
    """Write at each edge which side of the patient lies there."""
    places = ((0.015, 0.5), (0.985, 0.5), (0.5, 0.985), (0.5, 0.015))
    alignments = (
        ("left", "center"),
        ("right", "center"),
        ("center", "top"),
        ("center", "bottom"),
    )
    for letter, place, (across, along) in zip(
        PLANES[plane].sides, places, alignments, strict=True
    ):
        _write(ax, *place, letter, ha=across, va=along)
    return ax


def draw_bar(ax: Axes, view: View, plane: str) -> Axes:
    """Draw a bar of a round number of millimetres, at most 2/5 of the width."""
    height, width = view.size_mm(plane)
    fitting = [length for length in BARS_MM if length <= 0.4 * (width + 2 * MARGIN_MM)]
    length = fitting[0] if fitting else BARS_MM[-1]
    begin, level = -0.75 * MARGIN_MM, height + 0.7 * MARGIN_MM
    ax.plot([begin, begin + length], [level, level], color="white", linewidth=2)
    ax.text(
        begin,
        level - 0.2 * MARGIN_MM,
        f"{length} mm",
        color="white",
        fontsize=8,
        va="bottom",
    )
    return ax


def _lay(
    ax: Axes, pixels: np.ndarray, size_mm: tuple[float, float], **style: Any
) -> AxesImage:
    height, width = size_mm
    return ax.imshow(pixels, extent=(0, width, height, 0), origin="upper", **style)


def _write(ax: Axes, x: float, y: float, text: str, **style: Any) -> None:
    style = {"color": "white", "fontsize": 10, "fontweight": "bold", **style}
    ax.text(x, y, text, transform=ax.transAxes, **style)
