"""Volumes as one picture each, their slices side by side, for a browser to unpack."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from PIL import Image

JPEG_QUALITY = 60  # A 240x240x155 patient's four sequences then take under 2 MB.
BLOCK = 8  # JPEG compresses squares of this side, which no two slices should share.


def as_jpeg(volume: np.ndarray) -> str:
    """Return the data URI of a volume `[x, y, z]` uint8, its greys slightly changed."""
    return _encode(volume, "JPEG", quality=JPEG_QUALITY)


def as_png(volume: np.ndarray) -> str:
    """Return the data URI of a volume `[x, y, z]` uint8, bit for bit."""
    return _encode(volume, "PNG", optimize=True)


def tile_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return how many tiles of `[x, y, z]` stand in a row, and their width and height.

    Slices along z follow one another row by row; in each, x runs to the right and y
    downwards.
    """
    width, height = (-(-size // BLOCK) * BLOCK for size in shape[:2])
    return math.ceil(math.sqrt(shape[2])), width, height


def _encode(volume: np.ndarray, kind: str, **options: int) -> str:
    file = io.BytesIO()
    Image.fromarray(_lay_out(volume)).save(file, kind, **options)
    content = base64.b64encode(file.getvalue()).decode()
    return f"data:image/{kind.lower()};base64,{content}"


def _lay_out(volume: np.ndarray) -> np.ndarray:
    """Return the mosaic `[row, column]` of a volume `[x, y, z]`."""
    columns, width, height = tile_shape(volume.shape)
    rows = -(-volume.shape[2] // columns)
    tiles = np.zeros((rows * columns, height, width), np.uint8)
    tiles[: volume.shape[2], : volume.shape[1], : volume.shape[0]] = volume.T
    tiles = tiles.reshape(rows, columns, height, width).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width)
