"""What `brainseg predict` takes, and what it calls."""

from __future__ import annotations

import argparse


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command on new patients to a parser's commands."""
    predict = commands.add_parser("predict", help="write masks for new patients")
    predict.add_argument("patients", nargs="+", metavar="PATIENT", help="folders")
    predict.add_argument(
        "--run",
        default="",
        metavar="FOLDER",
        help="else the best CNN2 of `make run` on real patients, if there is one, "
        "or the package's, which 'phantom' names",
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
