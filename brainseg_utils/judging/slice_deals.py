"""Deal slices by patients and, WRONG on purpose, one by one: only to compare the two.

Nothing but `slice_split`, which measures what the wrong way flatters by, may use this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainseg_utils.splits import Split
from brainseg_utils.store import SliceStore

SPLITS = ("patients", "slices")
HELD_OUT = 5  # One slice of so many is scored, as in a split of 80 to 20.


@dataclass(frozen=True)
class Deal:
    """Rows of the store for one comparison.

    Attributes:
        held_out: Rows to score, by test patient; in neither training.
        train: Rows to learn from, by `SPLITS`; equally many in both.
    """

    held_out: dict[str, np.ndarray]
    train: dict[str, np.ndarray]


def deal_slices(store: SliceStore, split: Split, seed: int) -> Deal:
    """Deal slices for both trainings; of a test patient, one in `HELD_OUT` is scored.

    With `"patients"` the training patients are learned from. With `"slices"` as many of
    them as there are test patients give way to these: to the slices of theirs that are
    not scored. Then both are thinned, at random, to equally many slices with tumour
    and equally many without. Of more test than training patients, as many take part.
    """
    rng = np.random.default_rng(seed)
    count = min(len(split.train), len(split.test))
    tested = sorted(rng.choice(split.test, count, replace=False).tolist())
    out = set(rng.choice(split.train, count, replace=False).tolist())
    held_out = {case_id: _hold_out(store, case_id, rng) for case_id in tested}
    others = np.setdiff1d(store.rows(tested), np.concatenate([*held_out.values()]))
    staying = store.rows(case_id for case_id in split.train if case_id not in out)
    rows = store.rows(split.train), np.concatenate([staying, others])
    kinds = [_by_kind(store, part) for part in rows]
    counts = [min(map(len, kind)) for kind in zip(*kinds, strict=True)]
    thinned = [_draw(rng, parts, counts) for parts in kinds]
    return Deal(held_out, dict(zip(SPLITS, thinned, strict=True)))


def _hold_out(store: SliceStore, case_id: str, rng: np.random.Generator) -> np.ndarray:
    # Of tumour slices and others each, lest by chance no tumour is scored.
    kinds = _by_kind(store, store.rows([case_id]))
    return _draw(rng, kinds, [math.ceil(len(kind) / HELD_OUT) for kind in kinds])


def _by_kind(store: SliceStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that show tumour, and the rest."""
    shows = np.isin(rows, store.tumour_rows())
    return rows[shows], rows[~shows]


def _draw(
    rng: np.random.Generator, kinds: Sequence[np.ndarray], counts: Sequence[int]
) -> np.ndarray:
    drawn = [rng.permutation(k)[:n] for k, n in zip(kinds, counts, strict=True)]
    return np.sort(np.concatenate(drawn))
