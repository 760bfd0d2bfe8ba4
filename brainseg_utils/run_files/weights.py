"""A model's weights as plain arrays on disk."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_bytes
from brainseg_utils.run_files.npz import read_arrays
from brainseg_utils.run_files.states import check_same

if TYPE_CHECKING:
    import keras

MAX_BYTES = 2**30  # CNN2 with 180 filters, where a U-Net usually has up to 64.


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
    check_weights(model, path, arrays)
    for weight in model.weights:
        weight.assign(arrays[weight.path.replace("/", ".")])


def check_weights(
    model: keras.Model, path: Path, arrays: Mapping[str, np.ndarray]
) -> None:
    """Refuse arrays whose names or shapes are not those of a model's weights.

    Raises:
        BrainSegError: `E-CKPT-MISMATCH`, with the differences.
    """
    shapes = {name: array.shape for name, array in arrays.items()}
    here = {w.path.replace("/", "."): tuple(w.shape) for w in model.weights}
    remedy = f"Build {model.name} with the run's own config.json."
    check_same(path, shapes, here, remedy)


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file of weights by name.

    Raises:
        BrainSegError: `E-READ` where the system refuses the file; `E-CKPT` where it is
            damaged or too large, or holds anything but finite floating-point numbers.
    """
    try:
        arrays = read_arrays(_read(path))
        _check_numbers(arrays)
    except ValueError as error:
        raise BrainSegError(
            "E-CKPT",
            path,
            f"holds no weights: {error}.",
            "Get it again from where it came; if you trained it here, delete "
            f"{Path(path).parent} and train again.",
        ) from error
    return arrays


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise ValueError(f"it has {size:,} bytes")
            return file.read(size + 1)
    except OSError as error:
        what = f"cannot be read: {error.strerror}."
        remedy = "Check that it is there, and its disk (on Colab, mount Drive again)."
        raise BrainSegError("E-READ", path, what, remedy) from error


def _check_numbers(arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if array.dtype not in (np.float32, np.float16):
            raise ValueError(f"{name} is of {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite everywhere")
