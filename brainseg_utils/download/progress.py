"""Tell now and then how far a download is, in plain lines."""

from __future__ import annotations

import time

from brainseg_utils.download.data_sets import Report
from brainseg_utils.download.remote import RemoteFile

SECONDS_A_LINE = 5


class Progress:
    """Reports on the reading of a remote file, at most a line every few seconds.

    Args:
        report: Called with each line.
        remote: The file that is read.
        state: What else to tell, as it is when its text is asked for.
    """

    def __init__(self, report: Report, remote: RemoteFile, state: object):
        self._report, self._remote, self._state = report, remote, state
        self._begin = self._last = time.monotonic()

    def tick(self, doing: str) -> None:
        """Report, unless it is too early for another line."""
        if time.monotonic() - self._last >= SECONDS_A_LINE:
            self.tell(doing)

    def tell(self, doing: str) -> None:
        """Report what is done, how much has come, how fast, and where in the file."""
        self._last = time.monotonic()
        mb = self._remote.received / 1e6
        rate = mb / max(self._last - self._begin, 1e-3)
        line = f"{doing}: {self._state}, {mb:.1f} MB at {rate:.1f} MB/s"
        if self._remote.size:
            line += f", {self._remote.tell() / self._remote.size:.0%} of the archive"
        self._report(line)
