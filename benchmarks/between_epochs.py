"""How much of an epoch's time passes between its last step and the next one's first.

    python benchmarks/between_epochs.py --data FOLDER --json OUT.json

The trainings are real ones, with everything that `train` does between two epochs:
state, history, TensorBoard, a line of text. Validation is counted by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from command_line import check_output, make_parser, patients_to_use, run
from findings import describe_run, settings_of, show, temporary_folder

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
NOTES = """\
Between: from the end of an epoch's last step to the start of the next epoch's first,
  less validation. The switch of CNN2's phases is in the last column alone, and so is
  the very first step: both compile the step."""


def main(arguments: Sequence[str] | None) -> None:
    """Measure, print the table, write the JSON."""
    options = parse(arguments)
    check_output(options.json)
    data, cases = patients_to_use(options)
    outcome = describe_run("between_epochs", data, cases)
    results = {}
    with temporary_folder() as folder:
        for model in ("cnn1", "cnn2"):
            results[model] = measure(model, data, folder, options)
    outcome |= {"settings": settings_of(options), "results": results}
    outcome |= {"ratios": {}, "ratios_of_best": {}}
    show(outcome, table(results), NOTES, options.json)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; `--quick` goes before the other settings."""
    parser = make_parser(__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=8, help="of a training (8)")
    options = parser.parse_args(arguments)
    options.slices, options.size = (64, 32) if options.quick else (800, 96)
    options.filters = 4 if options.quick else 8
    options.epochs = 4 if options.quick else options.epochs
    return options


def measure(
    model: str, data: Path, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Train once, as notebooks 02 and 03 do, with a clock among the callbacks."""
    from clock import Clock

    from brainseg_utils.cohorts import DataConfig, load_cohort
    from brainseg_utils.config import TrainingConfig
    from brainseg_utils.fitting.fit import Fit
    from brainseg_utils.training import train
    from brainseg_utils.workspace import Workspace

    workspace = Workspace(folder, "benchmark")
    sequences = tuple(options.sequences)
    cohort = load_cohort(
        DataConfig(str(data.resolve()), sequences=sequences, image_size=options.size),
        workspace,
    )
    config = TrainingConfig(
        model,
        filters=options.filters,
        epochs=options.epochs,
        patience=options.epochs,
        learning_rate=3e-3,
        fine_learning_rate=5e-4 if model == "cnn2" else 0.0,
        slices_per_epoch=options.slices,
    )
    clock, real = Clock(), Fit._callbacks

    def with_clock(fit: Fit, *arguments: Any) -> list[Any]:
        # First and last: nothing that happens between two epochs is outside.
        return [clock.first, *real(fit, *arguments), clock.last]

    with mock.patch.object(Fit, "_callbacks", with_clock):
        train(config, cohort, workspace, verbose=False)
    return figures(clock, config.switch_epoch)


def figures(clock: Any, switch: int | None) -> dict[str, Any]:
    """Return the shares of the epochs, and seconds."""
    pairs = list(zip(clock.between, clock.epochs[1:], strict=True))
    usual = [pair for number, pair in enumerate(pairs, 1) if number != switch]
    return {
        "between_seconds": median(between for between, _ in usual),
        "epoch_seconds": median(epoch for _, epoch in usual),
        "validation_seconds": median(clock.validations),
        "share": median(between / epoch for between, epoch in usual),
        "shares": [between / epoch for between, epoch in pairs],
        "switch_seconds": pairs[switch - 1][0] if switch else None,
        "first_step_seconds": clock.first_step,
    }


def table(results: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of the table, header first."""
    rows = [
        (
            "",
            "between, s",
            "epoch, s",
            "share",
            "validation, s",
            "first, switch, s",
        )
    ]
    for model, one in results.items():
        switch = f", {one['switch_seconds']:.1f}" if one["switch_seconds"] else ""
        rows.append(
            (
                model,
                f"{one['between_seconds']:.3f}",
                f"{one['epoch_seconds']:.2f}",
                f"{one['share']:.1%}",
                f"{one['validation_seconds']:.2f}",
                f"{one['first_step_seconds']:.1f}{switch}",
            )
        )
    return rows


if __name__ == "__main__":
    sys.exit(run(main))
