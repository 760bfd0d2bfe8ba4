"""The other end of a `MonaiPeer`'s pipe: a line of JSON in, a line of JSON out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any


def open_pipe() -> tuple[Iterator[Any], Callable[[Any], None]]:
    """Return what is asked, until stdin ends, and how to reply.

    Whatever libraries print from here on goes to stderr.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Else it would get among the answers.

    def reply(value: Any) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    return map(json.loads, sys.stdin), reply
