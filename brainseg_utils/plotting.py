"""Figure parts that draw into an `ax`; the notebooks lay them out.

Slices are shown as radiologists see them: the front upwards and the patient's right
on the left. Colours are those of Okabe and Ito (2008), told apart by the colour-blind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

TRUTH, PREDICTION, THIRD, MUTED = "#E69F00", "#0072B2", "#009E73", "#7F7F7F"
MODEL_COLOURS = {"cnn1": "#D55E00", "cnn2": PREDICTION}
OKABE_ITO = (
    *("#000000", "#E69F00", "#56B4E9", "#009E73"),
    *("#0072B2", "#D55E00", "#CC79A7", "#F0E442"),
)
SEQUENCE_NAMES = {"t1": "T1", "t1ce": "T1ce", "t2": "T2", "flair": "FLAIR"}
PAPER_BASELINE_STYLE = {"color": MUTED, "linestyle": ":", "linewidth": 1.2}


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


def plot_history(
    ax: Axes,
    history: Mapping[str, Sequence[float]],
    figure: str,
    switch_epoch: int | None = None,
) -> Axes:
    """Plot a figure of the history for training and validation over epochs.

    Args:
        ax: Where to draw.
        history: Columns by name, among them `"epoch"`, from `Run.history`.
        figure: `"loss"` or `"dice"`.
        switch_epoch: First epoch of the second phase counted from 0, marked by a line.
    """
    epochs = history["epoch"]
    ax.plot(epochs, history[figure], color=MUTED, label="training")
    ax.plot(epochs, history[f"val_{figure}"], color=PREDICTION, label="validation")
    if switch_epoch is not None and switch_epoch < len(epochs):
        mark_phase_switch(ax, switch_epoch)
    _count_epochs(ax)
    pooled = {"loss": "loss (mean over batches)", "dice": "Dice (all slices pooled)"}
    ax.set(xlabel="epoch", ylabel=pooled[figure])
    if figure == "dice":
        ax.set_ylim(0, 1)
    ax.legend(frameon=False)
    return ax


def plot_band(ax: Axes, curves: np.ndarray, colour: Any, label: str) -> Axes:
    """Plot the mean of several runs' curves, and their range as a band.

    Args:
        ax: Where to draw.
        curves: `[run, epoch]`, NaN after a run's end. The line ends with the shortest
            run, because a mean of the survivors would be of other runs.
        colour: Of line and band.
        label: For the legend.
    """
    epochs = np.arange(1, curves.shape[1] + 1)
    low, high = curves.min(axis=0), curves.max(axis=0)
    ax.plot(epochs, curves.mean(axis=0), color=colour, label=label)
    ax.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    return _count_epochs(ax)


def _count_epochs(ax: Axes) -> Axes:
    """Put ticks at whole epochs alone."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def colours_of(names: Sequence[str]) -> dict[str, Any]:
    """Return each name's colour: Okabe and Ito's, or shades where there are more."""
    if len(names) <= len(OKABE_ITO):
        return dict(zip(names, OKABE_ITO, strict=False))
    shades = plt.colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    return dict(zip(names, shades, strict=True))


def mark_phase_switch(ax: Axes, switch_epoch: int | None) -> Axes:
    """Mark the start of the second phase; nothing is drawn for None."""
    if switch_epoch is not None:
        ax.axvline(
            switch_epoch + 0.5, color=THIRD, linestyle="--", label="phase switch"
        )
    return ax


def mark_baseline(ax: Axes, dice: float) -> Axes:
    """Draw the paper's baseline across the picture."""
    ax.axhline(dice, **PAPER_BASELINE_STYLE, label=f"paper's baseline {dice:.2f}")
    return ax


def plot_scores(
    ax: Axes,
    position: float,
    scores: Sequence[float],
    summary: Mapping[str, Any],
    **style,
) -> Axes:
    """Draw patients as dots, and their mean with its 95 % interval beside them.

    Args:
        ax: Where to draw.
        position: Place on the x axis.
        scores: One score a patient.
        summary: `mean`, `low`, `high` from `intervals.bootstrap_interval`.
        **style: `color` and `label`, for the mean.
    """
    spread = np.linspace(-0.08, 0.08, len(scores)) if len(scores) > 1 else [0.0]
    colour = style.get("color", PREDICTION)
    ax.plot(position + np.array(spread), scores, ".", color=colour, alpha=0.45)
    mean = summary["mean"]
    low = mean if summary["low"] is None else summary["low"]
    high = mean if summary["high"] is None else summary["high"]
    error = [[mean - low], [high - mean]]
    ax.errorbar(position + 0.16, mean, error, fmt="o", capsize=3, **style)
    return ax


def plot_pairs(ax: Axes, scores: Mapping[str, Mapping[str, float]]) -> Axes:
    """Draw a line for each patient from its score in one column to that in the next.

    Args:
        ax: Where to draw.
        scores: `{id: score}` of the same patients, by the columns' names. The means
            stand beside the columns, as larger dots.
    """
    columns = [*scores]
    for case_id in scores[columns[0]]:
        line = [scores[column][case_id] for column in columns]
        ax.plot(range(len(columns)), line, ".-", color=MUTED, alpha=0.6)
    means = [np.mean([*scores[column].values()]) for column in columns]
    ax.plot(range(len(columns)), means, "o-", color=PREDICTION, label="mean", lw=2)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_xlim(-0.4, len(columns) - 0.6)
    return ax


def plot_ways(
    ax: Axes, entries: Mapping[str, Mapping[str, float]], colours: Sequence[str]
) -> Axes:
    """Draw how the same masks score in several ways: a row a way, a dot an entry.

    Args:
        ax: Where to draw.
        entries: `{way: score}` by the name of whose masks they are.
        colours: One for each entry.
    """
    ways = [*next(iter(entries.values()))]
    for (name, scores), colour in zip(entries.items(), colours, strict=True):
        places = range(len(ways))
        ax.plot([scores[way] for way in ways], places, "o", color=colour, label=name)
    ax.set_yticks(range(len(ways)), ways)
    ax.invert_yaxis()
    ax.grid(axis="y", alpha=0.4)
    return ax


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
