"""MONAI's side of the benchmarks, in MONAI's own environment; see `MonaiPeer`.

Each line of stdin is JSON. The first one is the set-up: `{"job": "prepare", ...}` or
`{"job": "augment", ...}`; it is answered with facts. Each further one asks for one
measurement, which is answered with its figure.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata

import monai
import numpy as np
import torch
from monai import transforms as mt
from monai.data import CacheDataset, DataLoader
from serving import open_pipe

BOTH = ["image", "mask"]


def main() -> None:
    """Answer line after line until stdin ends."""
    questions, reply = open_pipe()
    setup = next(questions)
    make = {"prepare": Preparation, "augment": Augmentation}[setup["job"]]
    start = time.perf_counter()
    job = make(**setup["settings"])
    facts = {"start_seconds": time.perf_counter() - start, "versions": versions()}
    reply(facts)
    for question in questions:
        reply(job.measure(question))
    job.close()


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ("monai", "torch", "numpy")}


class Preparation:
    """Load, orient and normalise patients, several processes at once.

    Args:
        patients: For each one the paths of its image files and of its mask.
        workers: Number of processes; they stay up between measurements.
    """

    def __init__(self, patients: list[dict], workers: int):
        self.patients = patients
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,))
        # The first patient of each process costs more than the others.
        list(self.pool.map(prepare_patient, patients[:1] * workers * 2))

    def measure(self, _) -> float:
        """Return the seconds that all patients take."""
        start = time.perf_counter()
        list(self.pool.map(prepare_patient, self.patients))
        return time.perf_counter() - start

    def close(self) -> None:
        self.pool.shutdown()


def prepare_patient(patient: dict) -> list[int]:
    """Prepare one patient; its voxels stay here, so that no time goes into sending."""
    images = {f"image{n}": path for n, path in enumerate(patient["images"])}
    keys = [*images, "mask"]
    prepare = mt.Compose(
        [
            mt.LoadImaged(keys),
            mt.EnsureChannelFirstd(keys),
            mt.Orientationd(keys, "RAS"),
            mt.ConcatItemsd(list(images), "image"),
            mt.NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        ]
    )
    return list(prepare({**images, "mask": patient["mask"]})["image"].shape)


class Augmentation:
    """Augment slices that are cached in memory.

    Args:
        images: Path of a `.npy` file, `[slice, channel, height, width]` float32.
        masks: Path of a `.npy` file, `[slice, 1, height, width]` uint8.
        batch_size: Slices in a batch.
        seconds: How long to measure, after half as long to warm up.
        rich: The fields of `brainseg_utils.augmentation.RICH`.
    """

    def __init__(
        self, images: str, masks: str, batch_size: int, seconds: float, rich: dict
    ):
        pairs = zip(np.load(images), np.load(masks), strict=True)
        self.slices = [
            {"image": torch.from_numpy(image), "mask": torch.from_numpy(mask)}
            for image, mask in pairs
        ]
        self.batch_size, self.seconds = batch_size, seconds
        size = self.slices[0]["image"].shape[1:]
        self.chains = {"flips": flips_and_turns(), "rich": rich_changes(size, **rich)}

    def measure(self, question: dict) -> float:
        """Return slices per second.

        Args:
            question: `"chain"`, `"flips"` or `"rich"`; `"workers"`, processes of the
                loader, 0 for none; `"tuned"`, whether to leave out what MONAI does by
                default and this work does not need.
        """
        tuned, workers = question["tuned"], question["workers"]
        # Records of what was done to each slice, with which changes can be undone.
        monai.data.set_track_meta(not tuned)
        # More threads than one wait for one another on pieces as small as slices.
        torch.set_num_threads(1 if tuned else os.cpu_count())
        dataset = CacheDataset(
            self.slices,
            mt.Compose([mt.EnsureTyped(BOTH), *self.chains[question["chain"]]]),
            copy_cache=not tuned,  # Nothing in the chains writes into what is cached.
            progress=False,
        )
        endless = torch.utils.data.RandomSampler(dataset, True, 10**9)
        loader = DataLoader(
            dataset, workers, batch_size=self.batch_size, sampler=endless
        )
        batches = iter(loader)
        draw(batches, self.seconds / 2)
        slices, elapsed = draw(batches, self.seconds)
        return slices / elapsed

    def close(self) -> None:
        pass


def draw(batches, seconds: float) -> tuple[int, float]:
    start, slices, elapsed = time.perf_counter(), 0, 0.0
    while elapsed < seconds:
        slices += len(next(batches)["image"])
        elapsed = time.perf_counter() - start
    return slices, elapsed


def flips_and_turns() -> list[Callable]:
    turns = mt.RandRotate90d(BOTH, prob=0.75, max_k=3)  # Each of four equally often.
    return [*flips(), turns]


def flips() -> list[Callable]:
    return [mt.RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in (0, 1)]


def rich_changes(
    size: tuple[int, int],
    rotation_degrees: float,
    scale: float,
    brightness: float,
    contrast: float,
    gamma: float,
    noise: float,
    intensity_probability: float,
    **_,
) -> list[Callable]:
    often = {"prob": intensity_probability}
    zoom = (1 / (1 + scale) - 1, scale)
    gain = (1 / (1 + contrast) - 1, contrast)
    bend = (1 / (1 + gamma), 1 + gamma)
    affine = mt.RandAffined(
        BOTH,
        size,
        prob=1.0,
        rotate_range=math.radians(rotation_degrees),
        scale_range=(zoom, zoom),
        mode=("bilinear", "nearest"),
        padding_mode="zeros",
        cache_grid=True,
    )
    intensities = [
        mt.RandScaleIntensityd("image", gain, channel_wise=True, **often),
        mt.RandShiftIntensityd("image", brightness, channel_wise=True, **often),
        mt.RandAdjustContrastd("image", gamma=bend, **often),
        mt.RandGaussianNoised("image", std=noise, **often),
    ]
    return [*flips(), affine, *intensities]


if __name__ == "__main__":
    main()
