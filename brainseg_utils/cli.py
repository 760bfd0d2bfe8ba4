"""The `brainseg` command, thin over the package's functions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from brainseg_utils.commands import data, prediction, training
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
    for part in (training, prediction, data):
        part.add_commands(commands)
    colab = commands.add_parser(
        "install-missing", help="install missing requirements, changing no others"
    )
    colab.set_defaults(command=_install_missing)
    return parser


def _install_missing(options: argparse.Namespace) -> None:
    from brainseg_utils.commands.requirements import install_missing

    install_missing()


if __name__ == "__main__":
    sys.exit(main())
