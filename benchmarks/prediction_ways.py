"""Two ways from a patient's files to a mask: a new process, and one that waits."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
from measuring import WayFailed, process_tree
from monai_environment import MonaiPeer


@dataclass
class Cold:
    """A process that predicts the patient once and ends.

    Attributes:
        name: Key in the JSON.
        label: What the table calls it.
        arguments: Its command line.
        cpu_seconds: What each one took of the processors.
    """

    name: str
    label: str
    arguments: Sequence[Any]
    cpu_seconds: list[float] = field(default_factory=list)
    _process: subprocess.Popen | None = None

    def measure(self) -> float:
        """Return the seconds from its start to its end.

        Raises:
            WayFailed: It ended with an error.
        """
        command = [str(argument) for argument in self.arguments]
        with tempfile.TemporaryFile("w+") as said:
            start = time.perf_counter()
            self._process = subprocess.Popen(command, stdout=said, stderr=said)
            _, status, usage = os.wait4(self._process.pid, 0)
            seconds = time.perf_counter() - start
            self._process.returncode = os.waitstatus_to_exitcode(status)
            if status:
                said.seek(0)
                raise WayFailed(said.read().strip().split("\n")[-1])
        self.cpu_seconds.append(usage.ru_utime + usage.ru_stime)
        return seconds

    def processes(self) -> list[psutil.Process]:
        """Return the process and all that it has started, while it runs."""
        running = self._process and self._process.returncode is None
        return process_tree(self._process.pid) if running else []


@dataclass
class Warm:
    """A process that predicts the patient whenever it is asked.

    Attributes:
        name: Key in the JSON.
        label: What the table calls it.
        peer: The process.
        question: What it is asked.
        cpu_seconds: What each answer took of the processors.
    """

    name: str
    label: str
    peer: MonaiPeer
    question: str
    cpu_seconds: list[float] = field(default_factory=list)

    def measure(self) -> float:
        """Return the seconds from files to mask.

        Raises:
            WayFailed: The process has ended.
        """
        answer = self.peer.ask(self.question)
        self.cpu_seconds.append(answer["cpu_seconds"])
        return answer["seconds"]

    def processes(self) -> list[psutil.Process]:
        """Return the process and all that it has started."""
        return self.peer.processes()
