"""What may happen to a slice before a network sees it, and what does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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


def _matrices(degrees: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return `[n, 2, 2]`, the inverses of turning by `degrees` and enlarging."""
    radians = np.deg2rad(degrees)
    cos, sin = np.cos(radians) / factor, np.sin(radians) / factor
    return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)
