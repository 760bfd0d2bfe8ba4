"""Ways from stored slices to augmented batches, and the floor below them all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from command_line import progress
from measuring import CORES, Way, WayFailed, slices_per_second
from monai_environment import MonaiPeer, find_monai
from nibabel_ways import generate_batches, has_nifti_alone
from tensorflow_ways import flips_and_rotation, gathered, rich_changes

from brainseg_utils.augmentation import RICH, Augmentation
from brainseg_utils.batches import Batches
from brainseg_utils.cases import Case
from brainseg_utils.pipelines import BatchSequence, make_dataset
from brainseg_utils.store import SliceStore
from brainseg_utils.store.codes import decode

FLIPS = Augmentation(rotation_degrees=0, flip=True, quarter_turns=True)
CHANGES = {"plain": None, "flips": FLIPS, "rich": RICH}
MONAI_WORKERS = (0, 2)
EPOCHS = 10**6  # More than any measurement takes.


@dataclass(frozen=True)
class Settings:
    """What all ways are measured on.

    Attributes:
        store: The patients' slices.
        rows: Those of them that are used.
        batch_size: Slices in a batch.
        seconds: How long to measure.
        folder: For files that are needed while measuring.
    """

    store: SliceStore
    rows: np.ndarray
    batch_size: int
    seconds: float
    folder: Path

    def way(self, name: str, label: str, start: Callable[[], Iterator]) -> Way:
        """Return the way of measuring an endless iterator of batches."""
        return Way(name, label, lambda: slices_per_second(start(), self.seconds))

    def stored(self) -> tuple[np.ndarray, np.ndarray]:
        """Return images as int16 codes, and masks with a channel."""
        images, masks = self.store.images, self.store.masks
        return images.read(self.rows), masks.read(self.rows)[..., None]


def collect_ways(
    settings: Settings, cases: list[Case], without_monai: bool, stack: ExitStack
) -> tuple[list[Way], dict[str, Any]]:
    """Return the ways to measure and facts of their start; `stack` ends them."""
    progress(f"{len(settings.rows)} slices of {settings.store.images.shape[1:]}")
    ways = [*floors(settings, stack), *ours(settings), *keras_ways(settings)]
    if has_nifti_alone(cases):
        ways.append(nibabel_way(settings, cases))
    else:
        progress("some patients are not NIfTI: the nibabel generator is left out")
    if without_monai:
        return ways, {}
    monai, facts = monai_ways(settings, stack)
    return [*ways, *monai], facts


def floors(settings: Settings, stack: ExitStack) -> list[Way]:
    """Return copies of a batch as it is stored, by NumPy and by tf.data."""
    images, masks = settings.stored()
    threads = stack.enter_context(ThreadPoolExecutor(CORES))
    copy = partial(copies, images, masks, settings.batch_size, threads)
    gather = partial(gathered, images, masks, settings.batch_size)
    return [
        settings.way("floor_numpy", f"floor: np.take, {CORES} threads", copy),
        settings.way("floor_tf_data", "floor: tf.gather in tf.data", gather),
    ]


def copies(
    images: np.ndarray, masks: np.ndarray, batch_size: int, threads: ThreadPoolExecutor
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield copies of random slices without end, made a few batches ahead."""
    rng = np.random.default_rng(0)
    coming = deque()
    while True:
        while len(coming) < 2 * CORES:
            rows = rng.integers(len(images), size=batch_size)
            coming.append(
                threads.submit(lambda r: (images.take(r, 0), masks.take(r, 0)), rows)
            )
        yield coming.popleft().result()


def ours(settings: Settings) -> list[Way]:
    """Return our ways: each augmentation, from memory and disk, through both feeds."""
    feeds = {
        "dataset": lambda batches: iter(make_dataset(batches, EPOCHS)),
        "sequence": lambda batches: in_order(BatchSequence(batches, EPOCHS)),
    }
    stores = {"memory": settings.store.held(), "disk": settings.store}
    wanted = [("plain", "memory"), *product(("flips", "rich"), stores)]
    ways = []
    for (change, place), feed in product(wanted, feeds):
        batches = Batches(
            stores[place],
            settings.rows,
            settings.batch_size,
            CHANGES[change],
            shuffle=True,
        )
        name = f"ours_{change}_{place}_{feed}"
        label = f"ours, {place}, {feed}: {change}"
        ways.append(settings.way(name, label, partial(feeds[feed], batches)))
    return ways


def in_order(sequence: Sequence) -> Iterator:
    """Yield what a sequence holds, one after the other."""
    return (sequence[number] for number in range(len(sequence)))


def keras_ways(settings: Settings) -> list[Way]:
    """Return the usual way with Keras's layers."""
    codes, masks = settings.stored()
    gather = partial(gathered, decode(codes), masks, settings.batch_size)
    changes = {"flips": flips_and_rotation(), "rich": rich_changes(RICH)}
    return [
        settings.way(f"keras_{name}", f"Keras layers: {name}", partial(gather, change))
        for name, change in changes.items()
    ]


def nibabel_way(settings: Settings, cases: list[Case]) -> Way:
    """Return the usual way of a generator that reads files at each step."""
    slices = 100  # Of 155: as many as the notebooks that go this way take.
    start = partial(generate_batches, cases, slices)
    return settings.way("nibabel_flips", "nibabel generator: flips", start)


def monai_ways(
    settings: Settings, stack: ExitStack
) -> tuple[list[Way], dict[str, Any]]:
    """Return MONAI's ways, unless it cannot be had, and facts of its start."""
    python = find_monai()
    if not python:
        return [], {}
    codes, masks = settings.stored()
    paths = {name: str(settings.folder / f"{name}.npy") for name in ("images", "masks")}
    for path, array in zip(paths.values(), (decode(codes), masks), strict=True):
        np.save(path, np.ascontiguousarray(np.moveaxis(array, -1, 1)))
    measured = {"batch_size": settings.batch_size, "seconds": settings.seconds}
    setup = {"job": "augment", "settings": {**paths, **measured, "rich": asdict(RICH)}}
    try:
        peer = MonaiPeer(python, setup)
    except WayFailed as error:
        progress(f"left out: {error}")
        return [], {}
    stack.callback(peer.close)
    ways = [
        Way(
            f"monai{'_tuned' * tuned}_{chain}_{workers}_workers",
            f"MONAI{', tuned' * tuned}, {workers} workers: {chain}",
            partial(peer.ask, {"chain": chain, "workers": workers, "tuned": tuned}),
        )
        for chain, tuned, workers in product(("flips", "rich"), (0, 1), MONAI_WORKERS)
    ]
    return ways, {"monai": peer.facts}
