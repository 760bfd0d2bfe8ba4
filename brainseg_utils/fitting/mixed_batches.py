"""Batches of two stores: some slices of each in every one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg_utils.batches import Batches, aligned
from brainseg_utils.errors import BrainSegError
from brainseg_utils.store import SliceStore


@dataclass(frozen=True)
class MixedBatches:
    """What `Batches` is, of two: each step has slices of both, the own ones first.

    Attributes:
        own: The slices that an epoch is about; it has as many steps as they need.
        added: Slices to add to each step, drawn as often as that takes.

    Raises:
        ValueError: The parts' slices differ in size or sequences, or their steps do.
    """

    own: Batches
    added: Batches

    def __post_init__(self):
        shapes = [part.store.images.shape[1:] for part in (self.own, self.added)]
        if shapes[0] != shapes[1] or self.own.steps != self.added.steps:
            steps = self.own.steps, self.added.steps
            raise ValueError(f"both must be alike. Got: {shapes}, {steps} steps")

    @property
    def store(self) -> SliceStore:
        """The own slices' store."""
        return self.own.store

    @property
    def seed(self) -> int:
        """Seed of order and augmentation."""
        return self.own.seed

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return self.own.steps

    @property
    def failures(self) -> list[BrainSegError]:
        """Errors of batches that could not be made."""
        return self.own.failures + self.added.failures

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return images and masks of one step, as `Batches.batch` does."""
        parts = [part.batch(epoch, step) for part in (self.own, self.added)]
        images, masks = zip(*parts, strict=True)
        return _join(*images), _join(*masks)

    def case_ids(self, epoch: int, step: int) -> list[str]:
        """Return the patients whose slices are in one step's batch."""
        ids = [part.case_ids(epoch, step) for part in (self.own, self.added)]
        return ids[0] + ids[1]


def _join(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    joined = aligned((len(first) + len(second), *first.shape[1:]), first.dtype)
    return np.concatenate([first, second], out=joined)
