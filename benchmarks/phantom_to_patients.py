"""What is learned on phantom patients alone is worth on real ones.

    python benchmarks/phantom_to_patients.py --test FOLDER --json OUT.json

The weights are those that lie in the package, or with `--weights` `weights.npz` of
another run that `brainseg pretrain` made. They have seen no patient of the folder, nor
any real one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from command_line import check_output, progress, run
from findings import describe_run, show, temporary_folder

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
NOTES = """\
Dice per patient volume at full resolution, threshold 0.5; predictions are means over
  three planes, each seen twice. The interval is over patients. Five patients of
  UPENN-GBM were looked at while planes were chosen and phantoms were made
  (brainseg_utils/pretrained/README.md): on these the figure flatters."""


def main(arguments: Sequence[str] | None) -> None:
    """Score every patient of the folder, print the table, write the JSON."""
    from brainseg_utils.cases import SEQUENCES, find_cases
    from brainseg_utils.errors import errors_of, raise_all
    from brainseg_utils.slices import prepare_slices
    from brainseg_utils.store.grid import SliceGrid

    options = parse(arguments)
    check_output(options.json)
    cases, problems = find_cases(
        options.test.expanduser(), options.sequences or SEQUENCES
    )
    raise_all(errors_of(problems))
    outcome = describe_run("phantom_to_patients", options.test, cases)
    with temporary_folder() as folder:
        grid = SliceGrid(options.crop_size, options.image_size)
        store = prepare_slices(cases, folder, grid)
        dice = score({case.id: case for case in cases}, store, options.weights)
    outcome |= {"weights": str(options.weights or "the package's"), "dice": dice}
    outcome |= {"results": summary(dice), "ratios": {}, "ratios_of_best": {}}
    show(outcome, table(dice, outcome["results"]), NOTES, options.json)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--test", type=Path, required=True, metavar="FOLDER", help="real patients")
    add("--weights", type=Path, metavar="FILE.npz", help="else the package's")
    add("--sequences", nargs="+", help="t1 t1ce t2 flair, or some")
    add("--crop-size", type=int, default=192, metavar="VOXELS", help="(192)")
    add("--image-size", type=int, default=96, metavar="PIXELS", help="(96)")
    add("--json", type=Path, metavar="OUT.json", help="write the figures there")
    return parser.parse_args(arguments)


def score(cases: dict, store, weights: Path | None) -> dict[str, float]:
    """Return each patient's Dice."""
    from brainseg_utils.config import TrainingConfig
    from brainseg_utils.evaluation import dice_score
    from brainseg_utils.fitting.compiling import build_bare_model
    from brainseg_utils.masks.predictions import predict_mask
    from brainseg_utils.pretrained import PRETRAINED, load_pretrained
    from brainseg_utils.volumes import read_mask

    config = TrainingConfig("cnn2", recipe="recommended")
    model = build_bare_model(config, store.images.shape[1:])
    load_pretrained(model, store.sequences, weights or PRETRAINED, config.neighbours)
    dice = {}
    for case_id, case in cases.items():
        _, mask = predict_mask(model, store, case_id, config)
        dice[case_id] = dice_score(read_mask(case)[0], mask)
        progress(f"{case_id}  {dice[case_id]:.3f}")
    return dice


def summary(dice: dict[str, float]) -> dict[str, float | None]:
    """Return the mean with its interval, and the lowest."""
    from brainseg_utils.intervals import bootstrap_interval

    return {**bootstrap_interval(dice.values()), "lowest": min(dice.values())}


def table(dice: dict[str, float], results: dict) -> list[tuple[str, ...]]:
    """Return the rows of the table, header first."""
    spread = "one patient"
    if results["low"] is not None:
        spread = f"{results['low']:.3f} to {results['high']:.3f}"
    rows = [("", "Dice"), *((name, f"{score:.3f}") for name, score in dice.items())]
    return [*rows, ("mean", f"{results['mean']:.3f}"), ("95 % interval", spread)]


if __name__ == "__main__":
    sys.exit(run(main))
