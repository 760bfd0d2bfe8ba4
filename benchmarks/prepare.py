"""How long patients take to become training data: ours, the usual ways, and the floor.

    python benchmarks/prepare.py --data FOLDER --json OUT.json

Every way reads the same files, from the system's page cache, on as many cores. The
floor is decompression of all files and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from command_line import check_output, make_parser, patients_to_use, run
from findings import both_ratios, describe_run, settings_of, show, temporary_folder
from measuring import CORES, WayFailed, interleave, peak_memory_mb, summarise
from preparation_ways import all_files, collect_ways, read_all

from brainseg_utils.store.grid import SliceGrid

UNIT = "seconds"
RATIOS = {
    "ours_over_the_decompression_floor": ("ours", "floor_isal"),
    "ours_over_the_floor_in_a_bare_process": ("ours", "floor_bare"),
    "monai_over_ours": ("monai", "ours"),
    "nibabel_over_ours": ("nibabel_pool", "ours"),
    "monai_over_the_decompression_floor": ("monai", "floor_isal"),
}
NOTES = """\
Floor: reads and unpacks every file and keeps nothing, so that each file finds memory
  that the one before has left. In a bare process the system hands it out and clears it
  anew for each file, as it must for whoever keeps the volumes.
Ours: prepare_slices into a new folder, whole: digests of all files, every check,
  z-scores inside the brain, cutting, writing, fsync. Again: the same call on what it
  left, which compares every checksum.
nibabel: get_fdata, z-score, central crop, cv2.resize, np.save; no checks, no fsync.
MONAI: LoadImaged, EnsureChannelFirstd, Orientationd, ConcatItemsd, NormalizeIntensityd;
  it cuts nothing, writes nothing, checks nothing, and sends nothing between processes.
Processes of pools were started and warmed up before; see "start_seconds" in the JSON.
Memory is of one more run, all processes of a way together, libraries included."""


def main(arguments: Sequence[str] | None) -> None:
    """Measure, print the table, write the JSON."""
    options = make_parser(__doc__.split("\n")[0]).parse_args(arguments)
    check_output(options.json)
    data, cases = patients_to_use(options)
    grid = SliceGrid(48, 24) if options.quick else SliceGrid()
    repeats = 1 if options.quick else options.repeats
    outcome = describe_run("prepare", data, cases)
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        ways, facts = collect_ways(cases, grid, folder, options.without_monai, stack)
        read_all(cases)
        runs = interleave(ways, repeats)
        results = summarise(ways, runs, UNIT, min)
        for way in (way for way in ways if way.name in results):
            with suppress(WayFailed):
                results[way.name]["peak_memory_mb"] = round(peak_memory_mb(way))
    outcome["settings"] = settings_of(options) | {
        "workers": CORES,
        "crop_size": grid.crop_size,
        "image_size": grid.image_size,
        "compressed_bytes": sum(path.stat().st_size for path in all_files(cases)),
    }
    outcome |= {"started": facts, "results": results}
    outcome |= both_ratios(results, UNIT, RATIOS)
    show(outcome, table(results, len(cases)), NOTES, options.json)


def table(results: dict[str, dict[str, Any]], patients: int) -> list[tuple[str, ...]]:
    """Return the rows of the table, header first."""
    rows = [("", "s, median", "best", "a patient", "x floor", "x ours", "MB")]
    for result in results.values():
        seconds, memory = result[UNIT], result.get("peak_memory_mb")
        rows.append(
            (
                result["label"],
                f"{seconds:.3f}",
                f"{result['best']:.3f}",
                f"{seconds / patients:.3f}",
                f"{seconds / results['floor_isal'][UNIT]:.2f}",
                f"{seconds / results['ours'][UNIT]:.2f}",
                f"{memory:,}" if memory else "",
            )
        )
    return rows


if __name__ == "__main__":
    sys.exit(run(main))
