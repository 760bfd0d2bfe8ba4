"""The `brainseg` command, thin over the package's functions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from brainseg_utils.errors import BrainSegError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 after an explained error."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except BrainSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="brainseg", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="execute notebooks 01 to 05 and report")
    run.add_argument("--profile", default="quick", help="quick (default) or paper")
    run.add_argument("--data", default="", help="folder of real patients")
    run.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="other parameters"
    )
    run.set_defaults(command=_run)

    prepare = commands.add_parser("prepare", help="list patients, prepare their slices")
    prepare.add_argument("folder")
    prepare.set_defaults(command=_prepare)

    colab = commands.add_parser(
        "install-missing", help="install missing requirements, changing no others"
    )
    colab.set_defaults(command=_install_missing)
    return parser


def _run(options: argparse.Namespace) -> None:
    from brainseg_utils.suite import run_suite

    run_suite(options.profile, options.data, options.set)


def _prepare(options: argparse.Namespace) -> None:
    from pathlib import Path

    from brainseg_utils.cohorts import DataConfig, load_cohort
    from brainseg_utils.workspace import open_workspace

    folder = str(Path(options.folder).expanduser().resolve())
    config = DataConfig(data_dir=folder, on_bad="exclude")
    cohort = load_cohort(config, open_workspace())
    for problem in cohort.problems:
        print(problem)
    for name, ml in cohort.store.tumour_ml.items():
        print(f"{name}  tumour {ml:.1f} ml")
    print(f"{len(cohort.cases)} patients, {len(cohort.store.images)} slices")
    print(f"prepared in {cohort.store.folder}")


def _install_missing(options: argparse.Namespace) -> None:
    from brainseg_utils.requirements import install_missing

    install_missing()


if __name__ == "__main__":
    sys.exit(main())
