"""SIGTERM as an interruption that lets a training tidy up before the process ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Terminated(BaseException):
    """Not an `Exception`, so that nothing on the way takes it for a failure."""


@contextmanager
def tidy_on_sigterm() -> Iterator[None]:
    """Unwind the body on SIGTERM, as Ctrl-C does, and then end as SIGTERM would.

    Clusters and cloud machines announce their end so. Outside the main thread, where
    Python cannot handle signals, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def unwind(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    except _Terminated:
        signal.signal(signal.SIGTERM, before)
        os.kill(os.getpid(), signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
