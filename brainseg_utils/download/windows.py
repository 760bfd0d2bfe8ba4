"""Parts of a remote file, one after the other: how much to ask for, and when anew."""

from __future__ import annotations

import math

from brainseg_utils.download.http_ranges import Part, RangeClient

CHUNK = 2**17
# Asking anew takes about as long as reading some 100 KB; shorter jumps read through.
READ_THROUGH = 2**18
FIRST_WINDOW = 2**15  # Bytes asked for after a jump: a tar header and its neighbours.
GROWTH = 8  # Each further window without a jump is larger, so that few are needed.


class Windows:
    """The present part of a file, and the way to the next.

    Attributes:
        received: Bytes read from the network so far.
    """

    def __init__(self, client: RangeClient):
        self.received = 0
        self._client = client
        self._part: Part | None = None
        self._window = FIRST_WINDOW

    @property
    def at(self) -> int:
        """Position in the file of the present part's next byte."""
        return self._part.at

    def is_near(self, start: int) -> bool:
        """Whether reading on in the present part is the way to `start`."""
        gap_limit = READ_THROUGH if self._client.ranges else math.inf
        part = self._part
        return (
            part is not None
            and part.at <= start < part.end
            and (start - part.at <= gap_limit)
        )

    def ask(self, start: int, wanted: int) -> None:
        """Ask for a part from `start` on, growing in length while no one jumps."""
        part = self._part
        reads_on = part is not None and 0 <= start - part.at <= READ_THROUGH
        window = self._window * GROWTH if reads_on else FIRST_WINDOW
        self._window = max(window, min(wanted, CHUNK))
        if part is not None and part.end - part.at <= FIRST_WINDOW:
            # A short rest is read, so that the connection can be used again.
            self.received += len(part.read(FIRST_WINDOW)) if part.at < part.end else 0
        self.drop()
        self._part = self._client.ask(start, self._window)

    def read(self, wanted: int) -> bytes:
        """Read on in the part: at least a byte, or none where the file may end."""
        chunk = self._part.read(min(wanted, CHUNK))
        if not chunk:
            self._client.identity["size"] = self.at  # The server had not told.
        self.received += len(chunk)
        return chunk

    def drop(self) -> None:
        """Give the present part's connection back."""
        if self._part is not None:
            self._part.close()
        self._part = None
