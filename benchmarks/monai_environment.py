"""MONAI in an environment and a process of its own, asked over a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from command_line import progress
from measuring import WayFailed, process_tree

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / ".venv-monai"
REQUIREMENTS = HERE / "requirements-monai.txt"
PATIENCE_S = 900  # For one answer; the longest takes a minute on a slow machine.


def find_monai() -> Path | None:
    """Return the Python that has MONAI, installed first if need be; None on failure."""
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if _has_monai(python):
        return python
    progress(
        f"installing MONAI and PyTorch into {FOLDER}, once: "
        "some minutes, and between one and seven GB of disk"
    )
    make = [sys.executable, "-m", "venv", FOLDER]
    install = [python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]
    for command in (make, install):
        # Output goes to stderr, where progress goes.
        if subprocess.run(command, stdout=2).returncode:
            break
    if _has_monai(python):
        return python
    progress("MONAI could not be installed; going on without it")
    return None


def _has_monai(python: Path) -> bool:
    if not python.exists():
        return False
    check = [python, "-c", "import cv2, isal, monai, nibabel, skimage, torch"]
    return subprocess.run(check, capture_output=True).returncode == 0


class MonaiPeer:
    """A process, most often with MONAI, that does one piece of work at a time.

    Args:
        python: The environment's interpreter.
        setup: Settings of the work, sent once; see `monai_peer.py`.
        script: What runs there.

    Attributes:
        facts: What the process said when it was ready, such as `"start_seconds"`.

    Raises:
        WayFailed: It did not start.
    """

    def __init__(
        self, python: Path, setup: Mapping[str, Any], script: str = "monai_peer.py"
    ):
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [python, HERE / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.facts = self.ask(setup)

    def ask(self, question: Any) -> Any:
        """Send a question and return the answer.

        Raises:
            WayFailed: The process has ended, or does not answer.
        """
        timer = threading.Timer(PATIENCE_S, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise WayFailed(f"the process ended: {self._last_words()}") from None
        finally:
            timer.cancel()

    def processes(self) -> list[psutil.Process]:
        """Return the process and its workers."""
        return process_tree(self._process.pid)

    def close(self) -> None:
        """Let the process end, and wait for it."""
        self._process.communicate()
        self._errors.close()

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().split("\n")
        return lines[-1] or f"status {self._process.returncode}"
