"""How long a patient takes from files to a mask: ours, and MONAI's sliding window.

    python benchmarks/predict.py --data FOLDER --run RUN --json OUT.json

MONAI runs the run's own network, layer for layer in PyTorch, with the run's weights,
and must give its outputs: on the pixels that ours sees, and at full resolution.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from typing import Any

from command_line import check_output, patients_to_use, positive, run
from findings import both_ratios, describe_run, settings_of, show, temporary_folder
from measuring import (
    WayFailed,
    interleave,
    peak_memory_mb,
    summarise,
)
from monai_environment import find_monai
from nibabel_ways import has_nifti_alone
from prediction_task import COLD, MONAI, Task, Works
from prediction_ways import Cold

from brainseg_utils.prediction import load_trained
from brainseg_utils.prediction.trained_runs import PHANTOM

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3"}

UNIT = "seconds"
RATIOS = {
    f"monai_{variant}_over_ours_{state}": (f"monai_{variant}_{state}", f"ours_{state}")
    for state, variants in (("cold", COLD), ("warm", MONAI))
    for variant in variants
}
NOTES = """\
From the patient's four files, in the page cache, to its mask written. Cold: a process
  is started for it, and all that it imports counts. Warm: the network is loaded.
Equal: network, weights, 16 slices or windows at a time, threads. Not equal, where the
  run's planes are three: ours looks at slices of three planes, each twice, MONAI at
  axial slices with four mirrors. The two do not do equal work then, and their masks
  differ for that too. Ours spares slices further looks where the first finds nothing.
On our pixels MONAI cuts and resizes as we do and undoes it; "dice_with_ours" in the
  JSON tells how alike the masks are, whose pixels may also begin a voxel apart.
Whole slices: at the files' own resolution, each one window, as where a network was
  trained on whole slices; cropped to the brain, as nnU-Net has it. Windows: of as many
  pixels as our slices, at the files' resolution; overlap 0.25 is MONAI's default, 0.5
  with Gaussian weights nnU-Net's.
Ours alone checks the files, and holds the patient against those of training.
CPU: seconds of all threads, user and system. MB: resident peak, the process and what it
  starts, in one more run."""


def main(arguments: Sequence[str] | None) -> None:
    """Measure, print the table, write the JSON."""
    options = parse(arguments)
    check_output(options.json)
    trained = load_trained(options.run)  # Refused before anything is measured.
    options.sequences = trained.inputs.sequences
    data, (case, *_) = patients_to_use(options)
    python = None
    if not options.without_monai and has_nifti_alone([case]):
        python = find_monai()
    with temporary_folder() as folder:
        task = Task.of(case, trained.run, folder / "masks")
        outcome = describe_run("predict", data, [case])
        with ExitStack() as stack:
            works, facts = task.collect(python, stack)
            runs = interleave(works, options.repeats)
        results = summarise(works, runs, UNIT, min)
        add_costs(results, works)
        ours = {"planes": trained.config.planes}  # MONAI knows axial slices alone.
        outcome["settings"] = settings_of(options) | task.settings() | ours
    outcome |= {"started": facts, "results": results}
    outcome |= both_ratios(results, UNIT, RATIOS)
    show(outcome, table(results), NOTES, options.json)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; `--quick` goes before the other settings."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add(
        "--data", default="", metavar="FOLDER", help="its first patient; else a phantom"
    )
    add("--run", default=PHANTOM, metavar="RUN", help="finished; else the package's")
    add("--repeats", type=positive, default=3, metavar="N", help="of each way (3)")
    add("--json", type=Path, metavar="OUT.json", help="write the figures there")
    add("--without-monai", action="store_true", help="leave MONAI out")
    add("--quick", action="store_true", help="seconds, to see that everything works")
    options = parser.parse_args(arguments)
    options.patients = 1
    options.repeats = 1 if options.quick else options.repeats
    return options


def add_costs(results: dict[str, dict[str, Any]], works: Works) -> None:
    """Add processor seconds, and of processes of their own the memory."""
    for work in [work for work in works if work.name in results]:
        result = results[work.name]
        result["cpu_seconds"] = median(work.cpu_seconds)
        if isinstance(work, Cold):
            with suppress(WayFailed):
                result["peak_memory_mb"] = round(peak_memory_mb(work))


def table(results: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of the table, header first."""
    rows = [("", "s, median", "best", "CPU s", "x ours", "MB")]
    for name, result in results.items():
        ours = results.get(f"ours_{name.rsplit('_', 1)[1]}")
        memory = result.get("peak_memory_mb")
        rows.append(
            (
                result["label"],
                f"{result[UNIT]:.2f}",
                f"{result['best']:.2f}",
                f"{result['cpu_seconds']:.2f}",
                f"{result[UNIT] / ours[UNIT]:.2f}" if ours else "",
                f"{memory:,}" if memory else "",
            )
        )
    return rows


if __name__ == "__main__":
    sys.exit(run(main))
