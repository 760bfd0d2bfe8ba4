"""Places where a test can kill the process, to prove that nothing is lost there."""

from __future__ import annotations

import os
import signal

_passed: dict[str, int] = {}


def crashpoint(name: str) -> None:
    """Kill this process where `BRAINSEG_CRASH` is `name`, or `name:k` at the k-th pass.

    Killed as by the system: nothing is flushed, closed or tidied up.
    """
    wanted = os.environ.get("BRAINSEG_CRASH")
    if not wanted:
        return
    wanted_name, _, count = wanted.partition(":")
    if wanted_name == name:
        _passed[name] = _passed.get(name, 0) + 1
        if _passed[name] == int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)
