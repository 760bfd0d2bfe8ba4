"""How often a network may fail in a row, and how long to wait before another try."""

from __future__ import annotations

from collections.abc import Callable

CALM = 2**16  # Bytes after which earlier failures are forgotten.
RETRIES = 5
RETRIES_AT_FIRST = 2  # Whoever is offline is told soon.


class Patience:
    """Failures in a row: counted, waited after, forgotten when reading goes on.

    Args:
        retries: Failures in a row after which to give up.
        sleep: Called with the seconds to pause.

    Attributes:
        failures: How many there were in a row.
    """

    def __init__(self, retries: int, sleep: Callable[[float], None]):
        self.failures = 0
        self._retries, self._sleep = retries, sleep
        self._calm = self._furthest = 0

    def ends(self, known: bool) -> bool:
        """Count a failure; return whether it is one too many.

        Args:
            known: Whether the source has answered before.
        """
        self.failures, self._calm = self.failures + 1, 0
        limit = self._retries if known else min(RETRIES_AT_FIRST, self._retries)
        return self.failures > limit

    def pause(self) -> None:
        """Wait, longer after each failure in a row."""
        self._sleep(2.0 ** (self.failures - 1))

    def note(self, before: int, after: int) -> None:
        """Take note that the bytes between two positions were read."""
        # Only new ground counts: a server may break at one byte for ever.
        self._calm += max(0, after - max(before, self._furthest))
        self._furthest = max(self._furthest, after)
        if self._calm >= CALM:
            self.failures = 0
