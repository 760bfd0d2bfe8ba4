"""The way from a volume to square slices of one size, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.transform import resize

from brainseg_utils.errors import BrainSegError


@dataclass(frozen=True)
class SliceGrid:
    """Axial slices: a square cut round the brain's middle, resized.

    Attributes:
        crop_size: Side of the square in voxels. 192 holds any adult brain at 1 mm.
        image_size: Side of a slice in pixels after resizing.
    """

    crop_size: int = 192
    image_size: int = 96

    def __post_init__(self):
        for name in ("crop_size", "image_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise BrainSegError(
                    "E-PARAMETER",
                    name,
                    f"wanted a positive whole number, got {value!r}.",
                    "Correct it.",
                )

    def corner(self, brain: np.ndarray) -> tuple[int, int]:
        """Return the voxel `(x, y)` of the square's corner; it may lie outside.

        Args:
            brain: `[x, y, z]` bool.
        """
        middles = []
        for axis in (0, 1):
            inside = np.flatnonzero(brain.any(axis=(1 - axis, 2)))
            middles.append((inside[0] + inside[-1] + 1) // 2 if len(inside) else 0)
        return tuple(int(middle) - self.crop_size // 2 for middle in middles)

    def cut_image(self, image: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
        """Cut `[x, y, z, channel]` into `[z, height, width, channel]` float32.

        Pixels are means of the voxels they cover where the sizes divide, else linear
        between smoothed voxels. Height runs along y, width along x.
        """
        return self._shrink(self._crop(image, corner).astype(np.float32, copy=False))

    def cut_mask(self, mask: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
        """Cut `[x, y, z]` of 0/1 into `[z, height, width]` uint8: 1 from half up."""
        shares = self._shrink(self._crop(mask, corner)[..., None].astype(np.float32))
        return (shares[..., 0] >= 0.5).astype(np.uint8)

    def restore(
        self,
        slices: np.ndarray,
        z: np.ndarray,
        corner: tuple[int, int],
        shape: tuple[int, int, int],
    ) -> np.ndarray:
        """Put slices back where they were cut; voxels outside all of them are 0.

        Args:
            slices: `[len(z), height, width]` float, for example probabilities.
            z: Position of each slice in the volume.
            corner: As `corner` returned it.
            shape: `(x, y, z)` of the volume.

        Returns:
            `shape` float32, linear between the slices' pixels.
        """
        size = (self.crop_size, self.crop_size)
        channels_last = np.moveaxis(slices, 0, -1).astype(np.float32)
        large = resize(channels_last, size, order=1, mode="edge", anti_aliasing=False)
        volume = np.zeros(shape, np.float32)
        inside, outside = self._overlap(corner, shape)
        # Slices are [height, width] = [y, x]; volumes are [x, y].
        volume[*inside, z] = np.moveaxis(large, (1, 0, 2), (0, 1, 2))[outside]
        return volume

    def _crop(self, volume: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
        cut = np.zeros(
            (self.crop_size, self.crop_size, *volume.shape[2:]), volume.dtype
        )
        inside, outside = self._overlap(corner, volume.shape)
        cut[outside] = volume[inside]
        # [x, y, z, ...] to [z, y, x, ...]: slices first, as they are read.
        return np.moveaxis(cut, (2, 1, 0), (0, 1, 2))

    def _overlap(self, corner: tuple[int, int], shape: tuple[int, ...]) -> tuple:
        """Return the shared part of volume and square, as indices into each."""
        low = [max(c, 0) for c in corner]
        high = [min(c + self.crop_size, n) for c, n in zip(corner, shape, strict=False)]
        inside = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        outside = tuple(
            slice(a - c, b - c) for a, b, c in zip(low, high, corner, strict=True)
        )
        return inside, outside

    def _shrink(self, slices: np.ndarray) -> np.ndarray:
        n, _, _, channels = slices.shape
        size, (factor, rest) = self.image_size, divmod(self.crop_size, self.image_size)
        if rest == 0 and factor > 0:
            blocks = slices.reshape(n, size, factor, size, factor, channels)
            return blocks.mean(axis=(2, 4))
        return np.stack([_resize(image, size) for image in slices])


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    smooth = size < image.shape[0]
    return resize(image, (size, size), order=1, mode="edge", anti_aliasing=smooth)
