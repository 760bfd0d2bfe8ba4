"""A file behind a web address: read where it is wanted, taken up where it breaks."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brainseg_utils.download.http_ranges import NETWORK_ERRORS, TIMEOUTS, RangeClient
from brainseg_utils.download.patience import RETRIES, Patience
from brainseg_utils.download.windows import CHUNK, FIRST_WINDOW, Windows
from brainseg_utils.errors import BrainSegError


class RemoteFile(io.RawIOBase):
    """The file at an http(s) address, readable and seekable without a local copy.

    Nothing is asked for before the first read. Reading on streams over one kept-alive
    connection; a short jump forward reads through, a long one asks for another part.
    A connection that breaks is taken up at the very byte, after growing pauses. A
    server that gives no parts serves as well: every jump is then read through.

    Args:
        url: Where the file lies.
        digest: A `hashlib` object for the whole file. With it every jump forward is
            read through, so that all bytes pass it, in order.
        timeouts: Seconds to wait for a connection, and for the next bytes.
        retries: Failures in a row after which to give up.
        sleep: Called with the seconds to pause.

    Raises:
        BrainSegError: `E-DOWNLOAD`, at once for an address that is none, and from any
            read: the source refuses, gives something else than a file, breaks off too
            often, or its file has changed since the first read.
    """

    def __init__(
        self,
        url: str,
        digest: Any = None,
        timeouts: tuple[float, float] = TIMEOUTS,
        retries: int = RETRIES,
        sleep: Callable[[float], None] = time.sleep,
    ):
        super().__init__()
        self._client = RangeClient(url, timeouts)
        self._windows = Windows(self._client)
        self._patience = Patience(retries, sleep)
        self._digest, self._digested = digest, 0
        self._position = 0

    @property
    def received(self) -> int:
        """Bytes read from the network so far."""
        return self._windows.received

    @property
    def identity(self) -> dict[str, Any]:
        """`etag` and `last_modified` as the server tells them, and `size` in bytes.

        Each is None where the server does not tell.
        """
        while self._client.identity is None:
            self._try(lambda: self._reach(FIRST_WINDOW))
        return self._client.identity

    @property
    def size(self) -> int | None:
        """Bytes of the whole file; None where the server does not tell."""
        return self.identity["size"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; the network is asked only by the next read."""
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            if self.size is None:
                raise self._client.error("does not tell its size.", "Read it through.")
            offset += self.size
        if offset < 0:
            raise ValueError(f"position must not be negative. Got: {offset}")
        self._position = offset
        return offset

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` whole, save at the end of the file."""
        view, filled = memoryview(buffer).cast("B"), 0
        while filled < len(view):
            chunk = self._next_bytes(len(view) - filled)
            if not chunk:
                break
            view[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        return filled

    def stand_in(self, path: Path, offset: int) -> None:
        """Jump over the bytes at `offset` of which `path` is a copy.

        The digest, where there is one, takes the copy's bytes in their place.
        """
        if self._digest is not None:
            self.seek(self._digested)
            self.read(max(0, offset - self._digested))
            with open(path, "rb") as file:
                while chunk := file.read(CHUNK):
                    self._digest.update(chunk)
                    self._digested += len(chunk)
        self.seek(offset + path.stat().st_size)

    def hexdigest(self) -> str:
        """Read what is left and return the digest of the whole file."""
        self.seek(self._digested)
        while self.read(CHUNK):
            pass
        return self._digest.hexdigest()

    def close(self) -> None:
        if not self.closed:
            self._windows.drop()
            self._client.close()
        super().close()

    def _next_bytes(self, wanted: int) -> bytes:
        """Return some bytes at the position and pass them; none only at the end."""
        chunk = None
        while chunk is None and not self._at_end():
            chunk = self._try(lambda: self._read_there(wanted))
        self._position += len(chunk or b"")
        return chunk or b""

    def _at_end(self) -> bool:
        size = (self._client.identity or {}).get("size")
        return size is not None and self._position >= size

    def _try(self, step: Callable[[], bytes | None]) -> bytes | None:
        """Take a step; where the network fails, pause and return None."""
        try:
            return step()
        except NETWORK_ERRORS as error:
            self._windows.drop()
            if self._patience.ends(known=self._client.identity is not None):
                raise self._given_up(error) from error
        self._patience.pause()
        return None

    def _given_up(self, error: Exception) -> BrainSegError:
        reason = str(error)[:300] or type(error).__name__
        return self._client.error(
            f"failed {self._patience.failures} times in a row "
            f"at byte {self._position}: {reason}.",
            "Check the network and call again; what is complete is kept.",
        )

    def _read_there(self, wanted: int) -> bytes:
        self._reach(wanted)
        return b"" if self._at_end() else self._take(wanted)

    def _reach(self, wanted: int) -> None:
        """Bring the part to the position; where a digest is due, by reading on."""
        while not self._at_end():
            start = self._position
            if self._digest is not None:
                start = min(start, self._digested)
            if not self._windows.is_near(start):
                self._windows.ask(start, wanted)
            if self._windows.at >= self._position:
                return
            if not self._take(self._position - self._windows.at):
                return  # The file ends before the position.

    def _take(self, wanted: int) -> bytes:
        """Read on: at least a byte, or none where the file may end."""
        before = self._windows.at
        chunk = self._windows.read(wanted)
        after = self._windows.at
        if self._digest is not None:
            self._digest.update(chunk[self._digested - before :])
            self._digested = max(self._digested, after)
        self._patience.note(before, after)
        return chunk
