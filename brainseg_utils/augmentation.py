"""Changed copies of slices: image and mask moved together, intensities varied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg_utils.codes import CODES_PER_DEVIATION, Z_LIMIT, as_pixels
from brainseg_utils.opencv import cv2


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


# Ranges as nnU-Net's 2-D recipe has them (Isensee et al. 2021, supplementary note 4),
# applied per sequence because scanners change sequences one by one.
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
        gain, offset, gamma: `[channel]` each; 1, 0 and 1 change nothing.
        noise: `[channel]` deviations.
        noise_seed: Seed of the noise.
    """

    quarter_turns: int
    flips: tuple[bool, bool]
    matrix: np.ndarray | None
    gain: np.ndarray
    offset: np.ndarray
    gamma: np.ndarray
    noise: np.ndarray
    noise_seed: int


def draw(rng: np.random.Generator, augmentation: Augmentation, channels: int) -> Draw:
    """Draw what happens to one slice.

    As many numbers are taken from `rng` whatever the augmentation is, so that changing
    one part of it leaves the draws of the others as they were.
    """
    a = augmentation
    turns, up_down, left_right = rng.integers(0, (4, 2, 2))
    angle, zoom = rng.uniform(-1, 1, 2)
    happens = rng.random(4) < a.intensity_probability
    shares = rng.uniform(-1, 1, (4, channels)) * happens[:, None]
    seed = rng.integers(2**31)
    return Draw(
        int(turns) if a.quarter_turns else 0,
        (bool(up_down and a.flip), bool(left_right and a.flip)),
        _matrix(angle * a.rotation_degrees, (1 + a.scale) ** zoom)
        if a.moves_freely
        else None,
        gain=(1 + a.contrast) ** shares[0],
        offset=a.brightness * shares[1],
        gamma=(1 + a.gamma) ** shares[2],
        noise=a.noise * np.abs(shares[3]),
        noise_seed=int(seed),
    )


def apply(
    codes: np.ndarray, mask: np.ndarray, drawn: Draw
) -> tuple[np.ndarray, np.ndarray]:
    """Make one changed copy.

    Args:
        codes: `[height, width, channel]` int16, as a store keeps them; square.
        mask: `[height, width]` uint8 of 0 and 1.
        drawn: What to do.

    Returns:
        The image, float32 z-scores (linear interpolation), and the mask (nearest
        neighbour, so that it stays 0 and 1). What comes from outside the slice is 0;
        where the image is 0 (no brain) intensities stay 0.
    """
    moved = _turned(as_pixels(codes), drawn).view(np.int16)
    image = moved.reshape(codes.shape).astype(np.float32)
    mask = _turned(mask, drawn)
    if drawn.matrix is not None:
        affine = _about_middle(drawn.matrix, len(mask))
        image = _warp(image, affine, cv2.INTER_LINEAR)
        mask = _warp(mask, affine, cv2.INTER_NEAREST)
    image = image.reshape(*mask.shape, -1)  # OpenCV drops a single channel.
    image *= np.float32(1 / CODES_PER_DEVIATION)
    vary_intensities(image, drawn)
    return image, mask


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
    wide = image.reshape(len(image), -1)  # Long rows are quicker than short channels.
    repeat = image.shape[1]
    if shifted:
        wide *= np.tile(drawn.gain, repeat).astype(np.float32)
        wide += np.tile(drawn.offset, repeat).astype(np.float32)
    if curved:
        _bend(wide, np.tile(drawn.gamma, repeat).astype(np.float32))
    if noisy:
        noise = np.empty_like(wide)
        cv2.setRNGSeed(drawn.noise_seed)  # Of this thread alone.
        cv2.randn(noise, 0, 1)
        noise *= np.tile(drawn.noise, repeat).astype(np.float32)
        wide += noise
    image *= brain


def _bend(z_scores: np.ndarray, gamma: np.ndarray) -> None:
    np.clip(z_scores, -Z_LIMIT, Z_LIMIT, out=z_scores)
    z_scores += Z_LIMIT
    z_scores *= 1 / (2 * Z_LIMIT)
    np.power(z_scores, gamma, out=z_scores)
    z_scores -= 0.5**gamma
    # The curve's slope at the mean, so that gamma bends and does not stretch.
    z_scores *= 2 * Z_LIMIT / (gamma * 0.5 ** (gamma - 1))


def _matrix(degrees: float, factor: float) -> np.ndarray:
    """Return the inverse of turning by `degrees` and enlarging by `factor`."""
    radians = np.deg2rad(degrees)
    cos, sin = np.cos(radians), np.sin(radians)
    return np.array([[cos, sin], [-sin, cos]]) / factor


def _about_middle(matrix: np.ndarray, size: int) -> np.ndarray:
    middle = np.full(2, (size - 1) / 2)
    return np.column_stack([matrix, middle - matrix @ middle])


def _warp(array: np.ndarray, affine: np.ndarray, how: int) -> np.ndarray:
    size = array.shape[1::-1]
    return cv2.warpAffine(array, affine, size, flags=how | cv2.WARP_INVERSE_MAP)


def _turned(pixels: np.ndarray, drawn: Draw) -> np.ndarray:
    """Turn and mirror `[height, width]` without interpolation; return a copy."""
    turned = np.rot90(pixels, drawn.quarter_turns)
    up_down, left_right = drawn.flips
    flipped = turned[:: -1 if up_down else 1, :: -1 if left_right else 1]
    return np.ascontiguousarray(flipped)
