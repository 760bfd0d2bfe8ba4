"""Changed copies of slices: image and mask moved together, intensities varied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from brainseg_utils.codes import CODES_PER_DEVIATION, Z_LIMIT, as_pixels
from brainseg_utils.opencv import cv2

NOISE_SUPPLY = 2**22  # Numbers, 16 MB: each slice begins somewhere else in them.


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a slice; the defaults are the paper's rotations and flips.

    Attributes:
        rotation_degrees: Largest free rotation to either side, about the middle.
        scale: Largest enlargement as a share: 0.2 draws factors from 1/1.2 to 1.2.
        flip: Whether to mirror left-right and up-down, each with probability 1/2.
        quarter_turns: Whether to turn by 0, 90, 180 or 270 degrees beforehand.
        brightness: Largest shift of a sequence, in deviations.
        contrast: Largest gain in contrast as a share, drawn like `scale`.
        gamma: Largest bend of the intensity curve as a share, drawn like `scale`.
        noise: Largest deviation of added Gaussian noise, in deviations.
        intensity_probability: How often each of the four intensity changes happens to
            a slice; each sequence then draws its own.
    """

    rotation_degrees: float = 15.0
    scale: float = 0.0
    flip: bool = True
    quarter_turns: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    intensity_probability: float = 0.5

    @property
    def moves_freely(self) -> bool:
        """Whether voxels have to be interpolated."""
        return self.rotation_degrees > 0 or self.scale > 0


# What nnU-Net's 2-D recipe changes too (any rotation, mirroring, size, brightness,
# contrast, gamma, noise), in ranges of ours that no result was used to choose; per
# sequence, because scanners change sequences one by one.
RICH = Augmentation(
    rotation_degrees=180.0,
    scale=0.25,
    brightness=0.3,
    contrast=0.3,
    gamma=0.4,
    noise=0.3,
)


@dataclass(frozen=True)
class Draw:
    """What happens to one slice.

    Attributes:
        quarter_turns: Turns by 90 degrees, from 0 to 3.
        flips: Whether to mirror up-down, and left-right.
        matrix: `[2, 2]` from pixels of the copy to pixels of the original, both (x, y)
            from the middle; None where nothing is interpolated.
        gain, offset, gamma: `[sequence]` each; 1, 0 and 1 change nothing.
        noise: `[sequence]` deviations.
        noise_at: Where in the supply of noise this slice's begins, from 0 to 1.
    """

    quarter_turns: int
    flips: tuple[bool, bool]
    matrix: np.ndarray | None
    gain: np.ndarray
    offset: np.ndarray
    gamma: np.ndarray
    noise: np.ndarray
    noise_at: float


def draw(
    rng: np.random.Generator, augmentation: Augmentation, count: int, sequences: int
) -> list[Draw]:
    """Draw what happens to each of `count` slices.

    As many numbers are taken from `rng` whatever the augmentation is, so that changing
    one part of it leaves the draws of the others as they were.
    """
    a = augmentation
    turns = rng.integers(0, 4, count) * a.quarter_turns
    flips = (rng.integers(0, 2, (count, 2)) * a.flip).astype(bool)
    angle, zoom = rng.uniform(-1, 1, (2, count))
    happens = rng.random((4, count, 1)) < a.intensity_probability
    shares = rng.uniform(-1, 1, (4, count, sequences)) * happens
    gain, gamma = (1 + a.contrast) ** shares[0], (1 + a.gamma) ** shares[1]
    offset, noise = a.brightness * shares[2], a.noise * np.abs(shares[3])
    noise_at = rng.random(count)
    matrices = _matrices(angle * a.rotation_degrees, (1 + a.scale) ** zoom)
    return [
        Draw(
            int(turns[n]),
            tuple(flips[n]),
            matrices[n] if a.moves_freely else None,
            *(figures[n] for figures in (gain, offset, gamma, noise)),
            float(noise_at[n]),
        )
        for n in range(count)
    ]


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


def _matrices(degrees: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return `[n, 2, 2]`, the inverses of turning by `degrees` and enlarging."""
    radians = np.deg2rad(degrees)
    cos, sin = np.cos(radians) / factor, np.sin(radians) / factor
    return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)


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
