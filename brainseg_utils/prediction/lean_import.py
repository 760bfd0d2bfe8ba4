"""TensorFlow and Keras, imported without what they only look for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Keras and TensorFlow import them where they are installed, and go on where they are
# not. They serve tables, plots and other kinds of models; on a slow and busy machine
# they took 1 to 4 of the 8 to 10 s of TensorFlow's import.
EXTRAS = ("matplotlib", "pandas", "sklearn")


@contextmanager
def without_extras() -> Iterator[None]:
    """Hide `EXTRAS` from imports inside; afterwards they can be imported as ever.

    For a command's own process: Keras does without them from then on.
    """
    hidden = [name for name in EXTRAS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # None there means: not installed.
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
