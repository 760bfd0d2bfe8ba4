"""What both benchmarks are told on the command line, and the patients it leads to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from brainseg_utils.cases import SEQUENCES, Case, find_cases
from brainseg_utils.cohorts import DataConfig, patients_folder
from brainseg_utils.errors import BrainSegError, errors_of, raise_all
from brainseg_utils.files import read_json
from brainseg_utils.workspace import open_workspace


def make_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that both benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--data", default="", metavar="FOLDER", help="patients; phantoms if not named")
    add("--patients", type=positive, default=5, metavar="N", help="the first N (5)")
    add("--sequences", nargs="+", default=SEQUENCES, help="t1 t1ce t2 flair, or some")
    add("--repeats", type=positive, default=5, metavar="N", help="of each way (5)")
    add("--json", type=Path, metavar="OUT.json", help="write the figures there")
    add("--without-monai", action="store_true", help="leave MONAI out")
    add("--quick", action="store_true", help="seconds, to see that everything works")
    return parser


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def duration(text: str) -> float:
    """Return a number of seconds above 0, at most an hour."""
    if not 0 < float(text) <= 3600:
        raise ValueError
    return float(text)


def progress(text: str) -> None:
    """Say on stderr what is going on; stdout is for the table."""
    print(text, file=sys.stderr, flush=True)


def patients_to_use(options: argparse.Namespace) -> tuple[Path, list[Case]]:
    """Return the folder and its first patients; phantoms are made where none is named.

    Raises:
        BrainSegError: The folder or one of its patients cannot be used.
    """
    small = {"patients": 2, "spacing_mm": 4.0} if options.quick else {}
    phantoms = DataConfig(**{"patients": options.patients, **small})
    if not options.data:
        progress("no --data: phantom patients, made on first use")
    data = Path(options.data or patients_folder(phantoms, open_workspace()))
    cases, problems = find_cases(data.expanduser(), options.sequences)
    raise_all(errors_of(problems))
    chosen = cases[: phantoms.patients]
    progress(f"{len(chosen)} of {len(cases)} patients of {data}")
    return data, chosen


def check_output(path: Path | None) -> None:
    """Refuse, before anything is measured, to write over what is no benchmark's.

    Raises:
        BrainSegError: `E-EXISTS`.
    """
    if path is None or not path.exists() or _is_ours(path):
        return
    what = "is there already, and no benchmark wrote it."
    raise BrainSegError("E-EXISTS", path, what, "Choose another name, or delete it.")


def run(main: Callable, arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark; return 0 whatever it measured, 1 after an explained error."""
    try:
        main(arguments)
    except BrainSegError as error:
        progress(str(error))
        return 1
    except KeyboardInterrupt:
        progress("interrupted")
        return 130
    return 0


def _is_ours(path: Path) -> bool:
    try:
        if path.is_file() and not path.stat().st_size:
            return True
        found = read_json(path)
        return isinstance(found, dict) and "benchmark" in found
    except (OSError, ValueError):
        return False
