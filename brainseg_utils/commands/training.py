"""What `brainseg run`, `sweep` and `pretrain` take, and what they call."""

from __future__ import annotations

import argparse


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands that train to a parser's commands."""
    run = commands.add_parser("run", help="execute notebooks 01 to 05 and report")
    run.add_argument("--all", action="store_true", help="notebooks 06 and on as well")
    run.add_argument("--profile", default="quick", help="quick (default) or paper")
    run.add_argument("--data", default="", help="folder of real patients")
    run.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="other parameters"
    )
    run.set_defaults(command=_run)

    _add_sweep(commands)

    pretrain = commands.add_parser(
        "pretrain", help="train on phantom patients, and keep the run to predict with"
    )
    pretrain.add_argument("output", help="folder for the run, such as mine")
    pretrain.add_argument(
        "--patients", type=int, default=600, metavar="N", help="(600)"
    )
    pretrain.add_argument("--epochs", type=int, default=30, metavar="N", help="(30)")
    pretrain.add_argument(
        "--ordinary", action="store_true", help="phantoms like those of one hospital"
    )
    pretrain.set_defaults(command=_pretrain)


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


def _run(options: argparse.Namespace) -> None:
    from brainseg_utils.suite.running import run_suite

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


def _pretrain(options: argparse.Namespace) -> None:
    from brainseg_utils.commands.pretraining import pretrain
    from brainseg_utils.workspace import open_workspace

    workspace = open_workspace("pretraining")
    choices = options.patients, options.epochs, not options.ordinary
    run = pretrain(workspace, options.output, *choices)
    print(f"predict with it: --run {run.folder.resolve()}")
