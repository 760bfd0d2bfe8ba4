"""What `brainseg check`, `prepare` and `download` take, and what they call."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands on patients' files to a parser's commands."""
    check = commands.add_parser("check", help="list every problem of a folder")
    _add_folder_options(check)
    check.add_argument(
        "--no-masks", action="store_true", help="patients are for prediction only"
    )
    check.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="print the report as JSON, or write it to FILE",
    )
    check.set_defaults(command=_check)

    prepare = commands.add_parser("prepare", help="list patients, prepare their slices")
    _add_folder_options(prepare)
    prepare.set_defaults(command=_prepare)

    download = commands.add_parser("download", help="fetch a public data set")
    download.add_argument("name", help="msd or kaggle-brats2020")
    download.add_argument("--to", default="", metavar="FOLDER", help="data/ by default")
    download.add_argument(
        "--patients", type=int, default=0, metavar="N", help="the first N alone"
    )
    download.set_defaults(command=_download)


def _add_folder_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder")
    parser.add_argument(
        "--sequences", nargs="+", default=None, help="t1 t1ce t2 flair, or some of them"
    )
    parser.add_argument("--layout", default="", help="YAML file, or a layout's name")
    parser.add_argument("--labels", default="", help="label scheme of the masks")


def _check(options: argparse.Namespace) -> int:
    from brainseg_utils.cases import SEQUENCES
    from brainseg_utils.checks import check_folder
    from brainseg_utils.files import refuse_existing, write_new

    if options.json not in (None, "-"):
        refuse_existing(options.json)  # Before the work, and not after it.
    report = check_folder(
        Path(options.folder).expanduser(),
        options.sequences or SEQUENCES,
        need_mask=not options.no_masks,
        layout=options.layout,
        labels=options.labels,
    )
    as_json = json.dumps(report.as_dict(), indent=2)
    print(as_json if options.json == "-" else report.as_text())
    if options.json not in (None, "-"):
        write_new(options.json, f"{as_json}\n")
    return 0 if report.healthy else 1


def _prepare(options: argparse.Namespace) -> None:
    from brainseg_utils.cases import SEQUENCES
    from brainseg_utils.cohorts import DataConfig, load_cohort
    from brainseg_utils.workspace import open_workspace

    config = DataConfig(
        data_dir=str(Path(options.folder).expanduser().resolve()),
        sequences=tuple(options.sequences or SEQUENCES),
        layout=options.layout,
        labels=options.labels,
        on_bad="exclude",
    )
    cohort = load_cohort(config, open_workspace())
    for problem in cohort.problems:
        print(problem)
    for name, ml in cohort.store.tumour_ml.items():
        print(f"{name}  tumour {ml:.1f} ml")
    print(f"{len(cohort.cases)} patients, {len(cohort.store.images)} slices")
    print(f"prepared in {cohort.store.folder}")


def _download(options: argparse.Namespace) -> None:
    from brainseg_utils.download import download
    from brainseg_utils.workspace import open_workspace

    folder = options.to or open_workspace().data
    print(f"patients are in {download(options.name, folder, options.patients)}")
