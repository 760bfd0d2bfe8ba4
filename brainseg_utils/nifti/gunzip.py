"""Decompress gzip no further than asked, and let no damaged stream pass."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor, IsalError

from brainseg_utils.errors import BrainSegError

MAX_EXPANSION = 1032  # Deflate's limit, from https://zlib.net/zlib_tech.html.
MAX_MEMBERS = 20_000  # bgzip cuts every 64 KiB: more than these would be over 1 GiB.
WINDOW = 2**16
PIECE = 2**18  # Copied while it is still in the processor's cache.

NOT_ZERO = re.compile(rb"[^\0]")


def gunzip(path: Path, content: bytes | bytearray, limit: int) -> memoryview:
    """Return the first `limit` bytes that the gzip members in `content` hold.

    Several members in a row are one stream, and zeros may follow each of them (RFC
    1952 and the gzip program). A result shorter than `limit` is the whole of it:
    then every checksum and length has been compared.

    Args:
        path: The file, for messages.
        content: The compressed bytes, from the first member's start.
        limit: Bytes after which to stop.

    Raises:
        BrainSegError: `E-NII-GZ` where the stream is damaged, ends early, or is
            followed by something else.
    """
    # NumPy asks the system for large pages, which come many times faster than small.
    target = memoryview(np.empty(limit, np.uint8))
    view, done, start, window = memoryview(content), 0, 0, len(content)
    for _ in range(MAX_MEMBERS):
        count, start = _member(path, view, start, window, target[done:])
        done += count
        rest = NOT_ZERO.search(view, start)
        if done == limit or not rest:
            return target[:done]
        # Each member leaves a copy of what was fed beyond it; many of them would
        # take the square of the file's size if all were fed the whole rest.
        start, window = rest.start(), WINDOW
        if view[start : start + 2] != b"\x1f\x8b":
            raise _damaged(path, f"{len(view) - start} other bytes follow its data")
    raise _damaged(path, f"it is cut into more than {MAX_MEMBERS} members")


def _member(
    path: Path, view: memoryview, start: int, window: int, target: memoryview
) -> tuple[int, int]:
    """Fill `target` from the member at `start`; return its bytes and where it ends."""
    decoder, done = IgzipDecompressor(flag=DECOMP_GZIP), 0
    while done < len(target) and not decoder.eof:
        fed = view[start : start + window] if decoder.needs_input else b""
        if decoder.needs_input and not fed:
            raise _damaged(path, "it ends too early")
        try:
            piece = decoder.decompress(fed, min(PIECE, len(target) - done))
        except IsalError as error:
            # "Error -6 Incorrect checksum found": the number says nothing to a user.
            raise _damaged(path, str(error).split(" ", 2)[-1].lower()) from None
        target[done : done + len(piece)] = piece
        start, done = start + len(fed), done + len(piece)
    return done, start - len(decoder.unused_data)


def _damaged(path: Path, reason: str) -> BrainSegError:
    return BrainSegError(
        "E-NII-GZ",
        path,
        f"its gzip stream is damaged: {reason}.",
        "Get the file again; the copy or the download was cut short or changed.",
    )
