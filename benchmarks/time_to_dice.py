"""How good each way to train is after how many seconds of training.

    python benchmarks/time_to_dice.py --train FOLDER --test FOLDER --minutes 4 \\
        --systems paper recommended monai-dynunet --json OUT.json

    python benchmarks/time_to_dice.py --train FOLDER --minutes 4   # leave one out

Every system learns from the same prepared slices on the same cores, one after the
other, each in a process of its own, and is scored by Dice per patient volume.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from command_line import check_output, positive, progress, run
from dice_curves import draw_curves, summarise, table
from findings import describe_run, show, temporary_folder
from learners import SYSTEMS, Stores, Task, learn, score

from brainseg_utils.cases import SEQUENCES, Case, find_cases
from brainseg_utils.errors import BrainSegError, errors_of, raise_all
from brainseg_utils.files import write_json
from brainseg_utils.pretrained.rehearsal import rehearsal_store
from brainseg_utils.slices import prepare_slices
from brainseg_utils.splits import Split, patient_of
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.workspace import open_workspace

NOTES = """\
Dice per patient volume at full resolution, mean over test patients; intervals are over
  patients. Seconds are of training alone: preparing patients, predicting and scoring
  do not count, starting the network does. The last point of the package's own systems
  includes settling normalisation's averages, 8 to 20 s; the points before go without.
recommended starts from weights that were trained on phantom patients alone, as it does
  for everybody; what that took, and which real patients were looked at while phantoms
  were made, is in brainseg_utils/pretrained/README.md. Half of the slices it sees are
  of 60 such phantoms, made once. recommended-from-scratch has none of both.
DynUNet's rate is its recipe's, made for long trainings.
Each predicts by its recipe: paper axial slices as they are, recommended slices of three
  planes, each twice, DynUNet axial slices with four mirrors. On which five patients
  three planes were chosen, docs/what-was-tried.md says."""


def main(arguments: Sequence[str] | None) -> None:
    """Train and score every system, print the table, write JSON and a picture."""
    options = parse(arguments)
    check_output(options.json)
    cases, splits = find_patients(options)
    outcome = describe_run("time_to_dice", options.train, list(cases.values()))
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in options.systems}
    with temporary_folder() as folder:
        grid = SliceGrid(options.crop_size, options.image_size)
        store = prepare_slices(list(cases.values()), folder, grid)
        stores = store, rehearsal_store(store, open_workspace())
        for split, name in turns(splits, options.systems):
            results[name].append(one_turn(split, name, stores, cases, folder, options))
            outcome["results"] = summarise(results)
            if options.json:  # After every turn: an hour's work is not lost.
                write_json(options.json, outcome)
    outcome |= {"settings": settings_of(options), "ratios": {}, "ratios_of_best": {}}
    show(outcome, table(outcome["results"]), NOTES, options.json)
    if options.json:
        draw_curves(outcome["results"], options.json.with_suffix(".png"))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; `--quick` goes before the other settings."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--train", type=Path, required=True, metavar="FOLDER", help="to learn from")
    add("--test", type=Path, metavar="FOLDER", help="to score; else leave one out")
    add("--minutes", type=minutes, default=4.0, help="of training a system (4)")
    add("--systems", nargs="+", default=SYSTEMS[:3], choices=SYSTEMS)
    add("--sequences", nargs="+", default=SEQUENCES, help="t1 t1ce t2 flair, or some")
    add("--crop-size", type=positive, default=192, metavar="VOXELS", help="(192)")
    add("--image-size", type=positive, default=96, metavar="PIXELS", help="(96)")
    add("--augmentation", choices=("rich", "paper"), default="rich", help="of all")
    add("--points", type=positive, default=8, metavar="N", help="of a curve (8)")
    add("--seed", type=int, default=0)
    add("--json", type=Path, metavar="OUT.json", help="write figures and a picture")
    add("--quick", action="store_true", help="seconds, to see that everything works")
    options = parser.parse_args(arguments)
    options.systems = list(dict.fromkeys(options.systems))
    if options.quick:
        options.minutes, options.points, options.image_size = 0.1, 1, 32
    return options


def minutes(text: str) -> float:
    """Return a number above 0, at most a day."""
    if not 0 < float(text) <= 24 * 60:
        raise ValueError
    return float(text)


def find_patients(options: argparse.Namespace) -> tuple[dict[str, Case], list[Split]]:
    """Return all patients by id, and who learns and who is scored in each turn.

    Raises:
        BrainSegError: A folder cannot be used; `E-LEAK` for a patient in both.
    """
    train = cases_of(options.train, options.sequences)
    if options.test is None:
        return train, leave_one_out(train, options.train)
    test = cases_of(options.test, options.sequences)
    shared = sorted(set(train) & set(test))
    if shared:
        what = f"holds {shared[0]}, which stands in {options.train} too."
        raise BrainSegError("E-LEAK", options.test, what, "Take it out of one of them.")
    return {**train, **test}, [Split(tuple(sorted(train)), (), tuple(sorted(test)))]


def leave_one_out(cases: dict[str, Case], folder: Path) -> list[Split]:
    """Return a split for each patient, with all of its scans left out.

    Raises:
        BrainSegError: `E-FEW` for a single patient.
    """
    patients = sorted({patient_of(case_id) for case_id in cases})
    if len(patients) < 2:
        what, remedy = "holds one patient.", "Name others by --test."
        raise BrainSegError("E-FEW", folder, what, remedy)
    scans = {p: tuple(c for c in sorted(cases) if patient_of(c) == p) for p in patients}
    others = {p: tuple(c for c in sorted(cases) if c not in scans[p]) for p in patients}
    return [Split(others[patient], (), scans[patient]) for patient in patients]


def cases_of(folder: Path, sequences: Sequence[str]) -> dict[str, Case]:
    """Return a folder's patients by id."""
    cases, problems = find_cases(folder.expanduser(), sequences)
    raise_all(errors_of(problems))
    progress(f"{len(cases)} patients in {folder}")
    return {case.id: case for case in cases}


def turns(
    splits: Sequence[Split], systems: Sequence[str]
) -> Iterator[tuple[Split, str]]:
    """Return who learns next: systems take turns, so that all meet the same noise."""
    return ((split, name) for split in splits for name in systems)


def one_turn(
    split: Split,
    name: str,
    stores: Stores,
    cases: dict[str, Case],
    folder: Path,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Let a system learn, and score what it predicted at each point of its curve."""
    progress(f"{name}: {len(split.train)} patients, {options.minutes:g} minutes")
    settings = {name: getattr(options, name) for name in ("augmentation", "seed")}
    task = Task(name, options.minutes * 60, options.points, split, **settings)
    learned = learn(task, stores, folder)
    curve = score(learned, stores[0], cases, split.test, folder)
    last = curve[-1]["dice"].values()
    progress(
        f"  Dice {sum(last) / len(last):.3f}, {learned['slices_per_s']:.0f} slices/s"
    )
    return {**learned, "curve": curve}


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the command line's settings for the JSON."""
    settings = {k: v for k, v in vars(options).items() if k != "json"}
    paths = {k: str(v) for k, v in settings.items() if isinstance(v, Path)}
    return settings | paths


if __name__ == "__main__":
    sys.exit(run(main))
