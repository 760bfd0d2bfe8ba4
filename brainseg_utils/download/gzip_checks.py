"""Compare the checksums of gzip data while it passes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from isal import isal_zlib

from brainseg_utils.errors import BrainSegError

CHUNK = 2**20  # Unpacked bytes held at a time.
MAX_UNPACKED_BYTES = 2**30  # Of one file; four 512 x 512 x 155 float32 are 650 MB.
MAX_STREAMS = 20_000  # bgzip makes one for each 64 KiB.


def checked_gzip(chunks: Iterable[bytes], source: str) -> Iterator[bytes]:
    """Pass gzip data on as it is; at its end refuse it unless its checksums hold.

    Raises:
        BrainSegError: `E-DOWNLOAD` for data that is damaged, cut short or no gzip;
            `E-ARCHIVE` when it unpacks to more than `MAX_UNPACKED_BYTES`.
    """
    stream, streams, unpacked = _gzip_stream(), 1, 0
    for chunk in chunks:
        rest = chunk
        # A gzip file may hold several streams, and zeros after each.
        while rest := rest.lstrip(b"\0") if stream.eof else rest:
            if stream.eof:
                stream, streams = _gzip_stream(), streams + 1
            try:
                unpacked += len(stream.decompress(rest, CHUNK))
            except isal_zlib.error as error:
                what = f"its gzip data is damaged: {error}."
                raise BrainSegError(
                    "E-DOWNLOAD", source, what, "Call again."
                ) from error
            if unpacked > MAX_UNPACKED_BYTES or streams > MAX_STREAMS:
                limits = f"{MAX_UNPACKED_BYTES} bytes or {MAX_STREAMS} gzip streams"
                what, remedy = f"unpacks to more than {limits}.", "Do not use it."
                raise BrainSegError("E-ARCHIVE", source, what, remedy)
            rest = stream.unconsumed_tail or stream.unused_data
        yield chunk
    if not stream.eof:
        what = "its gzip data ends early."
        raise BrainSegError("E-DOWNLOAD", source, what, "Call again.")


def _gzip_stream() -> Any:
    return isal_zlib.decompressobj(wbits=31)
