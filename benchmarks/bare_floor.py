"""Unpack files in a process that does nothing else: `bare_floor.py THREADS FILE...`.

Prints the seconds it took. The files are read once before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from isal import igzip


def unpack_all(
    threads: Executor, decompress: Callable[[bytes], bytes], files: list[Path]
) -> float:
    """Return how many seconds it takes to read and unpack files and keep nothing."""

    def unpack(path: Path) -> int:
        content = path.read_bytes()
        return len(decompress(content) if content[:2] == b"\x1f\x8b" else content)

    start = time.perf_counter()
    sum(threads.map(unpack, files))
    return time.perf_counter() - start


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[2:]]
    for file in files:
        file.read_bytes()
    with ThreadPoolExecutor(int(sys.argv[1])) as pool:
        print(unpack_all(pool, igzip.decompress, files))
