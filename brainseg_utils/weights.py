"""A model's weights as plain arrays on disk."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_bytes
from brainseg_utils.states import check_same

if TYPE_CHECKING:
    import keras


def save_weights(model: keras.Model, path: Path) -> None:
    """Write a model's weights as NumPy arrays named by layer and variable.

    An archive of plain arrays carries checksums, holds no code and needs no pickle;
    HDF5 would load a flipped bit in silence.
    """
    arrays = {w.path.replace("/", "."): w.numpy() for w in model.weights}
    write_bytes(path, pack_weights(arrays))


def pack_weights(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a file of weights."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def load_weights(
    model: keras.Model, path: Path, arrays: Mapping[str, np.ndarray] | None = None
) -> None:
    """Load weights into a network that our own code built.

    Args:
        model: Where they go.
        path: Their file.
        arrays: What to load in place of all that the file holds.

    Raises:
        BrainSegError: The file is damaged, or is of another architecture.
    """
    arrays = read_weights(path) if arrays is None else arrays
    wanted = {w.path.replace("/", "."): w for w in model.weights}
    shapes = {name: array.shape for name, array in arrays.items()}
    here = {name: tuple(w.shape) for name, w in wanted.items()}
    remedy = f"Build {model.name} with the run's own config.json."
    check_same(path, shapes, here, remedy)
    for name, weight in wanted.items():
        weight.assign(arrays[name])


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file of weights by name.

    Raises:
        BrainSegError: `E-READ` or `E-CKPT` where it cannot be read or is damaged.
    """
    try:
        content = io.BytesIO(Path(path).read_bytes())
    except OSError as error:
        what = f"cannot be read: {error.strerror}."
        remedy = "Check that it is there, and its disk (on Colab, mount Drive again)."
        raise BrainSegError("E-READ", path, what, remedy) from error
    try:
        with np.load(content, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except MemoryError:
        raise
    except Exception as error:  # A damaged zip archive raises many kinds.
        raise BrainSegError(
            "E-CKPT",
            path,
            f"cannot be read: {error}.",
            f"Delete {Path(path).parent} and run the notebook again.",
        ) from error
