"""The `brainseg` command, thin over the package's functions."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from brainseg_utils.errors import BrainSegError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 after an explained error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Names may hold what a console cannot show.
            stream.reconfigure(errors="backslashreplace")
    parser = _make_parser()
    options = parser.parse_args(arguments)
    try:
        return options.command(options) or 0
    except BrainSegError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads has seen enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return 130


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="brainseg", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="execute notebooks 01 to 05 and report")
    run.add_argument("--all", action="store_true", help="notebooks 06 and on as well")
    run.add_argument("--profile", default="quick", help="quick (default) or paper")
    run.add_argument("--data", default="", help="folder of real patients")
    run.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="other parameters"
    )
    run.set_defaults(command=_run)

    _add_sweep(commands)
    _add_predict(commands)

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

    pretrain = commands.add_parser(
        "pretrain", help="train on phantom patients, for others to start from"
    )
    pretrain.add_argument("output", help="file for the weights, such as mine.npz")
    pretrain.add_argument("--patients", type=int, default=600, metavar="N")
    pretrain.add_argument("--epochs", type=int, default=30, metavar="N")
    pretrain.add_argument(
        "--ordinary", action="store_true", help="phantoms like those of one hospital"
    )
    pretrain.set_defaults(command=_pretrain)

    colab = commands.add_parser(
        "install-missing", help="install missing requirements, changing no others"
    )
    colab.set_defaults(command=_install_missing)
    return parser


def _add_sweep(commands: argparse._SubParsersAction) -> None:
    sweep = commands.add_parser("sweep", help="execute a notebook over a grid")
    sweep.add_argument("notebook")
    sweep.add_argument(
        "--grid", nargs="+", default=[], metavar="NAME=[A,B]", help="what varies"
    )
    sweep.add_argument("--seeds", nargs="+", type=int, default=[], metavar="N")
    sweep.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="other parameters"
    )
    sweep.add_argument("--workers", type=int, default=2, help="how many at a time")
    sweep.add_argument(
        "--timeout", type=float, default=0, metavar="S", help="seconds a cell may take"
    )
    sweep.add_argument("--to", default="", metavar="FOLDER", help="runs/sweeps/NAME")
    sweep.add_argument(
        "--dask", default="", metavar="ADDRESS", help="use a Dask scheduler's workers"
    )
    sweep.set_defaults(command=_sweep)


def _add_predict(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser("predict", help="write masks for new patients")
    predict.add_argument("patients", nargs="+", metavar="PATIENT", help="folders")
    predict.add_argument(
        "--run", default="", metavar="FOLDER", help="else the best CNN2 of `make run`"
    )
    predict.add_argument("--output", default="predictions", metavar="FOLDER")
    predict.add_argument(
        "--force", action="store_true", help="replace masks that are there"
    )
    predict.add_argument(
        "--probability", action="store_true", help="write probabilities as well"
    )
    predict.add_argument(
        "--report", action="store_true", help="write a page with pictures as well"
    )
    predict.set_defaults(command=_predict)


def _add_folder_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder")
    parser.add_argument(
        "--sequences", nargs="+", default=None, help="t1 t1ce t2 flair, or some of them"
    )
    parser.add_argument("--layout", default="", help="YAML file, or a layout's name")
    parser.add_argument("--labels", default="", help="label scheme of the masks")


def _run(options: argparse.Namespace) -> None:
    from brainseg_utils.suite import run_suite

    run_suite(options.profile, options.data, options.set, options.all)


def _sweep(options: argparse.Namespace) -> int:
    from brainseg_utils.sweep.command import sweep_notebook

    done = sweep_notebook(
        options.notebook,
        options.grid,
        options.seeds,
        options.set,
        options.workers,
        options.timeout,
        options.to,
        options.dask,
    )
    return 0 if done else 1


def _predict(options: argparse.Namespace) -> int:
    from brainseg_utils.predict_command import predict_patients

    done = predict_patients(
        options.patients,
        options.run,
        options.output,
        options.force,
        options.probability,
        options.report,
    )
    return 0 if done else 1


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


def _pretrain(options: argparse.Namespace) -> None:
    from brainseg_utils.pretraining import pretrain
    from brainseg_utils.workspace import open_workspace

    workspace = open_workspace("pretraining")
    choices = options.patients, options.epochs, not options.ordinary
    run = pretrain(workspace, options.output, *choices)
    print(f"trained in {run.folder}; weights are in {options.output}")


def _install_missing(options: argparse.Namespace) -> None:
    from brainseg_utils.requirements import install_missing

    install_missing()


if __name__ == "__main__":
    sys.exit(main())
