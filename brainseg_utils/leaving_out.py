"""Packages that a command does without, though others would import them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leaving_out(*packages: str) -> Iterator[None]:
    """Let imports of packages fail for a while, as if they were not installed.

    Those that are imported already stay so, and afterwards all can be. That `None` in
    `sys.modules` makes an import fail is in Python's language reference, 5.3.1.

    Args:
        packages: Names, such as `"pandas"`.
    """
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
