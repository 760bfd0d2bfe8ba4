"""Figure parts that draw into an `ax`; the notebooks lay them out.

Curves and scores are here; slices and colours are in `pictures.slice_plots` and
`pictures.colours`, and by their names here as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from brainseg_utils.pictures.colours import (
    MODEL_COLOURS,
    MUTED,
    PREDICTION,
    THIRD,
    TRUTH,
    colours_of,
)
from brainseg_utils.pictures.slice_plots import (
    SEQUENCE_NAMES,
    difference_legend,
    largest_tumour_slice,
    outline_mask,
    show_difference,
    show_mask,
    show_slice,
)

__all__ = [
    "MODEL_COLOURS",
    "MUTED",
    "PREDICTION",
    "SEQUENCE_NAMES",
    "THIRD",
    "TRUTH",
    "colours_of",
    "difference_legend",
    "largest_tumour_slice",
    "mark_baseline",
    "mark_phase_switch",
    "outline_mask",
    "plot_band",
    "plot_history",
    "plot_pairs",
    "plot_scores",
    "plot_ways",
    "show_difference",
    "show_mask",
    "show_slice",
]

PAPER_BASELINE_STYLE = {"color": MUTED, "linestyle": ":", "linewidth": 1.2}


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
