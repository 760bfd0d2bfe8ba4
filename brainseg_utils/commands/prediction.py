"""What `brainseg predict` and `report` take, and what they call."""

from __future__ import annotations

import argparse


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands that need a finished run to a parser's commands."""
    predict = commands.add_parser("predict", help="write masks for new patients")
    predict.add_argument("patients", nargs="+", metavar="PATIENT", help="folders")
    predict.add_argument(
        "--run",
        default="",
        metavar="FOLDER",
        help="a finished run, or 'phantom' for the package's; by default the best CNN2 "
        "that was trained on real patients last, else the package's",
    )
    predict.add_argument(
        "--output", default="predictions", metavar="FOLDER", help="(predictions/)"
    )
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

    report = commands.add_parser("report", help="write a page on a finished run")
    report.add_argument("run", metavar="RUN", help="folder, or 'phantom'")
    report.add_argument(
        "--data", default="", metavar="FOLDER", help="its patients, for pictures"
    )
    report.add_argument(
        "--layout", default="", help="of their files: YAML file, or a layout's name"
    )
    report.add_argument("--labels", default="", help="label scheme of their masks")
    report.add_argument(
        "--output", default="", metavar="FILE", help="RUN/report.html by default"
    )
    report.add_argument(
        "--force", action="store_true", help="replace a page that is there"
    )
    report.set_defaults(command=_report)


def _predict(options: argparse.Namespace) -> int:
    from brainseg_utils.prediction.command import predict_patients

    done = predict_patients(
        options.patients,
        options.run,
        options.output,
        options.force,
        options.probability,
        options.report,
    )
    return 0 if done else 1


def _report(options: argparse.Namespace) -> None:
    from brainseg_utils.commands.run_page import report_run

    report_run(
        options.run,
        options.data,
        options.output,
        options.force,
        options.layout,
        options.labels,
    )
