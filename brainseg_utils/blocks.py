"""What both networks are built of, with every choice that the paper leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import layers

from brainseg_utils.normalization import BatchNormalization

PLACEMENTS = ("everywhere", "encoder", "decoder", "bottleneck")
GROUPS = 8  # Of channels, in group normalisation; fewer where there are fewer.


@dataclass(frozen=True)
class Blocks:
    """Makes a network's layers, named after the block they belong to.

    Blocks are called `encoder1`, `bottleneck`, `decoder1` and so on.

    Attributes:
        dropout_rate: Share of activations dropped, in [0, 1).
        dropout_placement: Which blocks drop: `"everywhere"` (the paper), `"encoder"`,
            `"decoder"` or `"bottleneck"`.
        spatial_dropout: Whether whole channels are dropped (Tompson et al. 2015,
            arXiv:1411.4280) in place of single values, which their neighbours tell.
        normalization: `"batch"`, or `"group"` (Wu and He 2018, arXiv:1803.08494).

    Raises:
        ValueError: A rate or a name does not fit.
    """

    dropout_rate: float = 0.0
    dropout_placement: str = "everywhere"
    spatial_dropout: bool = False
    normalization: str = "batch"

    def __post_init__(self):
        if not 0 <= self.dropout_rate < 1:
            raise ValueError(
                f"dropout_rate must be in [0, 1). Got: {self.dropout_rate}"
            )
        for name, known in (
            ("dropout_placement", PLACEMENTS),
            ("normalization", ("batch", "group")),
        ):
            if getattr(self, name) not in known:
                got = getattr(self, name)
                raise ValueError(f"{name} must be one of {known}. Got: {got!r}")

    def double(self, x: Any, filters: int, block: str) -> Any:
        """Append two convolutions and the block's dropout."""
        x = self.convolve(x, filters, f"{block}_conv1")
        return self.drop(self.convolve(x, filters, f"{block}_conv2"), block)

    def convolve(self, x: Any, filters: int, name: str) -> Any:
        """Append a 3x3 convolution, its normalisation and ReLU."""
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
        x = self._normalization(filters, f"{name}_norm")(x)
        return layers.Activation("relu", name=f"{name}_relu")(x)

    def drop(self, x: Any, block: str) -> Any:
        """Append the block's dropout, which does nothing where none is placed."""
        placed = self.dropout_placement in ("everywhere", block.rstrip("0123456789"))
        kind = layers.SpatialDropout2D if self.spatial_dropout else layers.Dropout
        rate = self.dropout_rate if placed else 0.0
        # Without a seed a layer draws one, and other initial weights follow from it.
        # `EpochSeeds` sets it anew in every epoch.
        return kind(rate, seed=0, name=f"{block}_dropout")(x)

    def _normalization(self, filters: int, name: str) -> layers.Layer:
        if self.normalization == "group":
            return layers.GroupNormalization(min(GROUPS, filters), name=name)
        # A few hundred steps must suffice for the running averages to settle.
        return BatchNormalization(momentum=0.9, name=name)


def enlarge(x: Any, filters: int, block: str) -> Any:
    """Append a transposed convolution that doubles both sides."""
    kind = layers.Conv2DTranspose
    return kind(filters, 2, strides=2, activation="relu", name=f"{block}_up")(x)


def space_to_depth(x: Any) -> Any:
    """Turn each 2x2 pixels into one with four times the channels; nothing is lost.

    At a quarter of the pixels a network takes about a quarter of the time (Shi et al.
    2016, arXiv:1609.05158, whose shuffle this is backwards).
    """
    _, height, width, channels = x.shape
    x = layers.Reshape((height // 2, 2, width // 2, 2, channels), name="stem_pairs")(x)
    x = layers.Permute((1, 3, 2, 4, 5), name="stem_turned")(x)
    shape = (height // 2, width // 2, 4 * channels)
    return layers.Reshape(shape, name="stem_pixels")(x)


def probability(x: Any) -> Any:
    """Append the last layer: one probability a pixel."""
    # float32 also under mixed precision: half precision rounds probabilities near 1.
    return layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="tumour")(x)
