"""How fast augmented slices come: ours, the usual ways, MONAI, and the copy floor.

    python benchmarks/input_pipeline.py --data FOLDER --json OUT.json

All ways augment the same slices. The floor copies a batch's stored slices and changes
nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from command_line import (
    check_output,
    duration,
    make_parser,
    patients_to_use,
    positive,
    run,
)
from findings import both_ratios, describe_run, settings_of, show, temporary_folder
from measuring import CORES, interleave, summarise

from brainseg_utils.augmentation import RICH
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid

# Read when TensorFlow is imported. Input pipelines run on the processor.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
os.environ["KERAS_BACKEND"] = "tensorflow"

UNIT = "slices_per_second"
NOTES = """\
Flips: mirrored left-right and up-down, each with probability 1/2, and turned by 0, 90,
  180 or 270 degrees. Rich: flips, free rotation, scaling, contrast, brightness, gamma
  and noise, as `augmentation.RICH` says; its figures stand in the JSON.
Equal in all ways: the slices, the batch size, images and masks moved together, linear
  interpolation for images and nearest neighbours for masks.
Ours: out of int16, so that it decodes as well; every sequence draws its own changes of
  intensity; the background stays 0; a batch depends on (seed, epoch, step) alone.
MONAI: out of float32, in a CacheDataset. Tuned: without records of changes, without
  copies of what is cached, and with one thread a process. Rich: the same ranges and
  probabilities, but each axis is scaled by itself, gamma and noise are one draw for all
  sequences, and the background changes too.
Keras: out of float32, changed batch by batch in tf.data. It cannot say quarter turns:
  its "flips" rotates freely. Its "rich" has neither gamma nor noise, and one draw for
  all sequences.
nibabel generator: reads a patient's files at each step and takes its middle slices."""


def main(arguments: Sequence[str] | None) -> None:
    """Measure, print the table, write the JSON."""
    options = parse(arguments)
    check_output(options.json)
    data, cases = patients_to_use(options)
    outcome = describe_run("input_pipeline", data, cases)
    # Not before it is known that there is something to measure: TensorFlow takes long.
    from pipeline_ways import Settings, collect_ways

    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        grid = SliceGrid(options.size, options.size)
        store = prepare_slices(cases, folder / "prepared", grid)
        rows = store.rows([case.id for case in cases], at_most=options.slices)
        settings = Settings(store, rows, options.batch_size, options.seconds, folder)
        ways, facts = collect_ways(settings, cases, options.without_monai, stack)
        runs = interleave(ways, options.repeats)
    outcome["settings"] = settings_of(options) | {
        "workers": CORES,
        "slices": len(rows),
        "rich": asdict(RICH),
    }
    results = summarise(ways, runs, UNIT, max)
    outcome |= {"started": facts, "results": results}
    outcome |= both_ratios(results, UNIT, wanted_ratios(results))
    show(outcome, table(results), NOTES, options.json)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; `--quick` goes before the other settings."""
    parser = make_parser(__doc__.split("\n")[0])
    parser.add_argument("--size", type=positive, default=240, help="of slices (240)")
    parser.add_argument("--slices", type=positive, default=256, help="in all (256)")
    parser.add_argument("--batch-size", type=positive, default=16, help="slices (16)")
    parser.add_argument("--seconds", type=duration, default=2.0, help="a run (2)")
    options = parser.parse_args(arguments)
    if options.quick:
        options.size, options.slices, options.batch_size = 48, 24, 4
        options.repeats, options.seconds = 1, 0.05
    return options


def wanted_ratios(results: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return which quotients to tell; MONAI counts by its faster number of workers."""
    wanted = {}
    for change in ("flips", "rich"):
        us = f"ours_{change}_memory_dataset"
        for monai in ("monai", "monai_tuned"):
            ways = [way for way in results if way.startswith(f"{monai}_{change}_")]
            if ways:
                fastest = max(ways, key=lambda way: results[way][UNIT])
                wanted[f"{change}_ours_over_{monai}"] = us, fastest
        wanted[f"{change}_ours_over_keras"] = us, f"keras_{change}"
        wanted[f"{change}_ours_over_nibabel"] = us, f"nibabel_{change}"
        wanted[f"{change}_ours_over_the_copy_floor"] = us, "floor_numpy"
    return wanted


def table(results: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of the table, header first."""
    rows = [("", "slices/s, median", "best", "of the floor")]
    for result in results.values():
        share = result[UNIT] / results["floor_numpy"][UNIT]
        figures = f"{result[UNIT]:,.0f}", f"{result['best']:,.0f}", f"{share:.1%}"
        rows.append((result["label"], *figures))
    return rows


if __name__ == "__main__":
    sys.exit(run(main))
