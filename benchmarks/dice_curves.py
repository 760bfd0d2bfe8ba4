"""What `time_to_dice.py` makes of its turns: figures, a table, a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from brainseg_utils.intervals import bootstrap_interval, paired_difference

COLOURS = {
    "paper": "#7F7F7F",
    "monai-dynunet": "#E69F00",
    "recommended-from-scratch": "#009E73",
    "recommended": "#0072B2",
}


def summarise(
    results: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, dict[str, Any]]:
    """Return for each system its Dice by patient, its curve and its speed.

    Args:
        results: Each system's turns; over turns the test patients differ.
    """
    return {name: _summary(turns) for name, turns in results.items() if turns}


def _summary(turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    curves = [turn["curve"] for turn in turns]
    points = [
        {
            "seconds": mean(point["seconds"] for point in at_once),
            "dice": mean(d for point in at_once for d in point["dice"].values()),
        }
        # A turn of fewer steps than points has fewer of them.
        for at_once in zip(*curves, strict=False)
    ]
    dice = {case_id: d for curve in curves for case_id, d in curve[-1]["dice"].items()}
    return {
        "dice": dice,
        "mean_dice": mean(dice.values()),
        "curve": points,
        "seconds": mean(turn["seconds"] for turn in turns),
        "slices_per_s": mean(turn["slices_per_s"] for turn in turns),
        "parameters": turns[0]["parameters"],
        "turns": list(turns),
    }


def seconds_to(summary: Mapping[str, Any], dice: float) -> float | None:
    """Return when a curve first reaches a Dice, or None; points are not joined."""
    return next((p["seconds"] for p in summary["curve"] if p["dice"] >= dice), None)


def table(results: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of the table, header first.

    "To its Dice" is when the mean reaches what DynUNet (else the first) ends with.
    """
    last = results.get("monai-dynunet", next(iter(results.values())))
    rows = [
        ("", "Dice", "95 % interval", "lowest", "less paper", "to its Dice", "slices/s")
    ]
    for name, one in results.items():
        interval = bootstrap_interval(one["dice"].values())
        spread = "" if interval["low"] is None else _span(interval)
        when = seconds_to(one, last["mean_dice"])
        rows.append(
            (
                name,
                f"{one['mean_dice']:.3f}",
                spread,
                f"{min(one['dice'].values()):.3f}",
                _difference(one, results.get("paper")),
                "never" if when is None else f"{when:.0f} s",
                f"{one['slices_per_s']:.0f}",
            )
        )
    return rows


def _difference(one: Mapping[str, Any], other: Mapping[str, Any] | None) -> str:
    if other is None or other is one or set(other["dice"]) != set(one["dice"]):
        return ""
    difference = paired_difference(one["dice"], other["dice"])
    spread = "" if difference["low"] is None else f" ({_span(difference)})"
    return f"{difference['mean']:+.3f}{spread}"


def _span(interval: Mapping[str, float]) -> str:
    return f"{interval['low']:.3f} to {interval['high']:.3f}"


def draw_curves(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw Dice over seconds of training: means as lines, final patients as dots."""
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, one in results.items():
        seconds = [point["seconds"] for point in one["curve"]]
        dice = [point["dice"] for point in one["curve"]]
        ax.plot(seconds, dice, "o-", ms=4, color=COLOURS[name], label=name)
        finals = list(one["dice"].values())
        ax.plot([seconds[-1] * 1.02] * len(finals), finals, "_", color=COLOURS[name])
    ax.set(xlabel="seconds of training", ylabel="Dice per patient volume", ylim=(0, 1))
    ax.legend(frameon=False, loc="lower right")
    fig.savefig(path, dpi=120)
