"""What an HTTP answer tells of a file: its size, its part, and which file it is."""

from __future__ import annotations

import re
from typing import Any

import requests

CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


def same_file(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two identities, as of `RangeClient`, can be of the same file."""
    sizes = (one["size"], other["size"])
    key = "etag" if one["etag"] and other["etag"] else "last_modified"
    return (None in sizes or sizes[0] == sizes[1]) and one[key] == other[key]


def content_length(answer: requests.Response) -> int | None:
    """Return how many bytes an answer has; None where the server does not tell."""
    told = answer.headers.get("content-length", "")
    return int(told) if re.fullmatch(r"[0-9]{1,18}", told) else None


def parse_range(
    answer: requests.Response, start: int, length: int
) -> tuple[int, int, int]:
    """Return where a part begins and ends, and the whole file's size.

    Args:
        answer: With status 206.
        start: First byte that was asked for.
        length: How many bytes were.

    Raises:
        ConnectionError: What the answer tells of itself does not agree.
    """
    told = answer.headers.get("content-range", "")
    match = CONTENT_RANGE.fullmatch(told)
    first, last, size = map(int, match.groups()) if match else (-1, -1, -1)
    sound = first == start <= last < min(size, start + length)
    if not sound or content_length(answer) not in (None, last + 1 - first):
        raise ConnectionError(
            f"{length} bytes were asked for from {start}, the server gave "
            f"{told[:100]!r} of length {answer.headers.get('content-length')}"
        )
    return first, last + 1, size
