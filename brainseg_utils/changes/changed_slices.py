"""Slices changed as was drawn: image and mask moved together, intensities varied."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from brainseg_utils.augmentation import Draw
from brainseg_utils.store.codes import CODES_PER_DEVIATION, Z_LIMIT, as_pixels
from brainseg_utils.system.opencv import cv2

NOISE_SUPPLY = 2**22  # Numbers, 16 MB: each slice begins somewhere else in them.


def apply(
    codes: np.ndarray, mask: np.ndarray, drawn: Draw, image: np.ndarray
) -> np.ndarray:
    """Make one changed copy.

    Args:
        codes: `[height, width, channel]` int16, as a store keeps them; square. With
            neighbours the sequences come several times, all changed like the first.
        mask: `[height, width]` uint8 of 0 and 1.
        drawn: What to do.
        image: Receives the copy: `[height, width, channel]` float32 z-scores, by linear
            interpolation. What comes from outside the slice is 0; where the image is 0
            (no brain) intensities stay 0.

    Returns:
        The mask that belongs to it, by nearest neighbour, so that it stays 0 and 1.
    """
    moved = _turned(as_pixels(codes), drawn).view(np.int16).reshape(codes.shape)
    mask = _turned(mask, drawn)
    if drawn.matrix is None:
        np.copyto(image, moved)
    else:
        affine = _about_middle(drawn.matrix, len(mask))
        # OpenCV knows a single channel only without its axis.
        target = image[..., 0] if image.shape[-1] == 1 else image
        _warp(moved.astype(np.float32), affine, cv2.INTER_LINEAR, target)
        mask = _warp(mask, affine, cv2.INTER_NEAREST)
    image *= np.float32(1 / CODES_PER_DEVIATION)
    vary_intensities(image, drawn)
    return mask


def vary_intensities(image: np.ndarray, drawn: Draw) -> None:
    """Change an image's intensities in place, inside the brain.

    In order: contrast and brightness, `gain * z + offset`; gamma, a bend that keeps
    place and slope of the mean, `((z + L) / 2L) ** gamma` rescaled, L being `Z_LIMIT`;
    noise.
    """
    curved = bool(np.any(drawn.gamma != 1))
    shifted = bool(np.any(drawn.gain != 1) or np.any(drawn.offset != 0))
    noisy = bool(drawn.noise.any())
    if not (curved or shifted or noisy):
        return
    brain = image != 0
    # Long rows are quicker than short channels.
    wide = image.reshape(len(image), -1)
    repeat = wide.shape[1] // len(drawn.gain)
    if shifted:
        wide *= np.tile(drawn.gain, repeat).astype(np.float32)
        wide += np.tile(drawn.offset, repeat).astype(np.float32)
    if curved:
        _bend(wide, np.tile(drawn.gamma, repeat).astype(np.float32))
    if noisy:
        noise = _noise(wide.size, drawn.noise_at).reshape(wide.shape)
        wide += noise * np.tile(drawn.noise, repeat).astype(np.float32)
    image *= brain


def _bend(z_scores: np.ndarray, gamma: np.ndarray) -> None:
    limit = np.float32(Z_LIMIT)
    np.clip(z_scores, -limit, limit, out=z_scores)
    z_scores += limit
    z_scores *= 1 / (2 * limit)
    np.power(z_scores, gamma, out=z_scores)
    z_scores -= np.float32(0.5) ** gamma
    # The curve's slope at the mean, so that gamma bends and does not stretch.
    z_scores *= 2 * limit / (gamma * np.float32(0.5) ** (gamma - 1))


def _noise(size: int, at: float) -> np.ndarray:
    """Return `size` normal numbers from a supply, beginning `at` a share of it.

    Drawing them anew would cost more than all the rest of an augmentation.
    """
    supply = _noise_supply(max(size, NOISE_SUPPLY))
    start = int(at * (len(supply) - size))
    return supply[start : start + size]


@lru_cache(maxsize=1)
def _noise_supply(size: int) -> np.ndarray:
    supply = np.random.default_rng(0).standard_normal(size, np.float32)
    supply.flags.writeable = False
    return supply


def _about_middle(matrix: np.ndarray, size: int) -> np.ndarray:
    middle = np.full(2, (size - 1) / 2)
    # Not `@`: its library takes 32 MB of memory a thread, for four numbers.
    return np.column_stack([matrix, middle - (matrix * middle).sum(axis=1)])


def _warp(
    array: np.ndarray, affine: np.ndarray, how: int, target: np.ndarray | None = None
) -> np.ndarray:
    flags, size = how | cv2.WARP_INVERSE_MAP, array.shape[1::-1]
    return cv2.warpAffine(array, affine, size, dst=target, flags=flags)


def _turned(pixels: np.ndarray, drawn: Draw) -> np.ndarray:
    """Turn and mirror `[height, width]` without interpolation; return a copy."""
    turned = np.rot90(pixels, drawn.quarter_turns)
    up_down, left_right = drawn.flips
    flipped = turned[:: -1 if up_down else 1, :: -1 if left_right else 1]
    return np.ascontiguousarray(flipped)
