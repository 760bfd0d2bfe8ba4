"""A training, whole: what, on whom, where to, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from brainseg_utils.batches import Batches
from brainseg_utils.cohorts import Cohort
from brainseg_utils.compute import Compute
from brainseg_utils.config import TrainingConfig
from brainseg_utils.drive.mirror import Mirror
from brainseg_utils.fitting.mixed_batches import MixedBatches
from brainseg_utils.fitting.sampling import draw_batches
from brainseg_utils.plans import identity_of, split_of
from brainseg_utils.runs import Run
from brainseg_utils.splits import Split
from brainseg_utils.store import SliceStore


@dataclass(frozen=True)
class Job:
    """All that one training needs.

    Attributes:
        config: What to train.
        cohort: Patients and slices.
        run: The run folder.
        mirror: The run folder's copy.
        compute: How to run it.
        report: Takes lines of text as the training goes on.
        rehearsed: Phantom patients' slices, where the recipe wants a share of them.
    """

    config: TrainingConfig
    cohort: Cohort
    run: Run
    mirror: Mirror
    compute: Compute
    report: Callable[[str], None]
    rehearsed: SliceStore | None = None

    @cached_property
    def split(self) -> Split:
        """The patients of each part."""
        return split_of(self.config, self.cohort)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a state to belong to this training."""
        return {**identity_of(self.config, self.cohort), **self.split.as_dict()}

    def training_batches(self, batch_size: int) -> Batches | MixedBatches:
        """Return the batches to learn from, augmented."""
        config, store = self.config, self.cohort.store
        return draw_batches(
            config,
            store,
            store.rows(self.split.train),
            batch_size,
            config.slices_per_epoch,
            self.rehearsed,
            whole=bool(self.compute.replicas),  # They cannot share a smaller last one.
        )

    def validation_batches(self, batch_size: int) -> Batches:
        """Return the batches to watch by."""
        store = self.cohort.store.with_neighbours(self.config.neighbours)
        # Half an epoch's slices suffice to watch by; scores come from all of them.
        at_most = self.config.slices_per_epoch // 2
        rows = store.rows(self.split.validation, at_most)
        if self.compute.replicas and len(rows) > batch_size:
            rows = rows[: len(rows) // batch_size * batch_size]
        # Mixed like the training batches: the loss of one without tumour means little.
        return Batches(store, rows, batch_size, shuffle=True)
