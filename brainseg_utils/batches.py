"""Batches of slices, each a function of (seed, epoch, step) and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from brainseg_utils.augmentation import Augmentation, Draw, draw
from brainseg_utils.changes.changed_slices import apply
from brainseg_utils.changes.painting import paint_lesion
from brainseg_utils.errors import BrainSegError
from brainseg_utils.store import SliceStore
from brainseg_utils.store.codes import decode

ALIGNMENT = 64  # Bytes, as TensorFlow and the processor's vectors want it.


@dataclass(frozen=True)
class Batches:
    """Which slices come when, and how they are changed.

    A run that is taken up at any epoch and step sees what the uninterrupted one would
    have seen, in whichever order and by however many workers batches are made.

    Attributes:
        store: Where the slices lie; `SliceStore.held()` keeps them in memory.
        rows: Row numbers in the store, from `SliceStore.rows`.
        batch_size: Slices in a batch; the last one of an epoch may be smaller.
        augmentation: How to change images and masks together; None leaves them.
        shuffle: Whether every epoch has an order of its own.
        seed: Seed of order and augmentation.
        slices_per_epoch: How many slices an epoch draws; 0 draws each one once. More
            than there are enlarges the set by copies, each augmented on its own, as
            the paper does; fewer draws another part in every epoch.
        tumour_share: Least share of an epoch's slices that show tumour, in [0, 1]: in
            place of some others, tumour slices come several times, evenly over the
            batches. It needs `shuffle`.
        painted_share: Share of slices without tumour that get one of another slice of
            `rows` painted into them, in [0, 1].
        failures: Filled with the errors of batches that could not be made: TensorFlow
            passes on their text alone.

    Raises:
        ValueError: `rows` is empty, or `tumour_share` does not fit.
    """

    store: SliceStore
    rows: np.ndarray
    batch_size: int = 16
    augmentation: Augmentation | None = None
    shuffle: bool = False
    seed: int = 0
    slices_per_epoch: int = 0
    tumour_share: float = 0.0
    painted_share: float = 0.0
    failures: list[BrainSegError] = field(default_factory=list, repr=False)

    def __post_init__(self):
        if not len(self.rows):
            raise ValueError("rows must name at least one slice. Got: none")
        if not 0 <= self.tumour_share <= 1 or (self.tumour_share and not self.shuffle):
            raise ValueError(
                "tumour_share must lie in [0, 1] and needs shuffle=True. "
                f"Got: {self.tumour_share}, shuffle={self.shuffle}"
            )
        if not 0 <= self.painted_share <= 1:
            share = self.painted_share
            raise ValueError(f"painted_share must lie in [0, 1]. Got: {share}")
        # Of this object alone: an epoch's order serves all of its steps.
        object.__setattr__(self, "order", lru_cache(maxsize=2)(self._order))

    @property
    def slices(self) -> int:
        """Slices that an epoch draws."""
        return self.slices_per_epoch or len(self.rows)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self.slices / self.batch_size)

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return images and masks of one step.

        Returns:
            `[batch, height, width, channel]` float32 z-scores, and
            `[batch, height, width, 1]` uint8 of 0 and 1.

        Raises:
            BrainSegError: `E-CACHE-GONE` when the store is no longer there.
        """
        start = step * self.batch_size
        rows = self.order(epoch)[start : start + self.batch_size]
        images = aligned((len(rows), *self.store.images.shape[1:]), np.float32)
        masks = aligned((len(rows), *self.store.masks.shape[1:], 1), np.uint8)
        draws = self._draws(epoch, step, len(rows))
        painting = np.random.default_rng((self.seed, epoch, step, 1))
        for image, mask, row, drawn in zip(images, masks, rows, draws, strict=True):
            codes, stored = self._painted(*self._read(row), painting)
            if drawn is None:
                decode(codes, image)
                mask[..., 0] = stored
            else:
                mask[..., 0] = apply(codes, stored, drawn, image)
        return images, masks

    def case_ids(self, epoch: int, step: int) -> list[str]:
        """Return the patients whose slices are in one step's batch."""
        start = step * self.batch_size
        rows = self.order(epoch)[start : start + self.batch_size]
        spans = [(case["start"], case["stop"], case["id"]) for case in self.store.cases]
        return sorted({i for a, b, i in spans if np.any((rows >= a) & (rows < b))})

    def _draws(self, epoch: int, step: int, count: int) -> Sequence[Draw | None]:
        if self.augmentation is None:
            return [None] * count
        rng = np.random.default_rng((self.seed, epoch, step))
        return draw(rng, self.augmentation, count, len(self.store.sequences))

    def _painted(
        self, codes: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a slice, painted if it has no tumour and the lot falls on it."""
        chance, mirror, number = rng.random(3)
        if chance >= self.painted_share or mask.any() or not len(self._tumour):
            return codes, mask
        donor = self._tumour[int(number * len(self._tumour))]
        return paint_lesion(codes, *self._read(donor), mirror < 0.5)

    def _read(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        try:
            return self.store.images.row(row), self.store.masks.row(row)
        except BrainSegError as error:
            self.failures.append(error)
            raise

    def _order(self, epoch: int) -> np.ndarray:
        """Return the rows of an epoch in the order in which they are drawn."""
        if not self.shuffle:
            return np.resize(self.rows, self.slices)
        rng = np.random.default_rng((self.seed, epoch))
        order = _draw_rows(rng, self.rows, self.slices)
        tumour = self._tumour
        if self.tumour_share and len(tumour):
            missing = self.tumour_share - np.isin(order, tumour).mean()
            if missing > 0:
                others = np.flatnonzero(~np.isin(order, tumour))
                count = min(math.ceil(missing * len(order)), len(others))
                places = rng.choice(others, count, replace=False)
                order[places] = _draw_rows(rng, tumour, count)
        return order

    @cached_property
    def _tumour(self) -> np.ndarray:
        return np.intersect1d(self.rows, self.store.tumour_rows())


def _draw_rows(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """Draw `count` rows, each as often as any other or once more."""
    rounds = math.ceil(count / len(rows))
    return np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:count]


def aligned(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Return an empty array that TensorFlow takes as it is; others it copies."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
