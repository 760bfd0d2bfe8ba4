"""MONAI's side of `predict.py`, in MONAI's own environment.

As a `MonaiPeer`: the set-up is the settings of `Predictor`, answered with facts; each
further line names one of `WINDOWS`, answered with seconds. As a process of its own,
`monai_predictor.py SETTINGS.json WAY` predicts once.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from monai import transforms as mt
from monai.inferers import SliceInferer
from probe import make_probe
from serving import open_pipe
from torch_networks import NETWORKS, parameters, take_over

MIRRORED = ((), (2,), (3,), (2, 3))
MULTIPLE = 16  # Of which both sides of a slice must be, with four poolings.
# How much of a slice is a window (0 is all of it), overlap, and what windows weigh.
WINDOWS = {
    "our_pixels": (0, 0.25, "constant"),
    "slices": (0, 0.25, "constant"),
    "brain": (0, 0.25, "constant"),
    "windows_25": (1, 0.25, "constant"),
    "windows_50": (1, 0.5, "gaussian"),
}


def main() -> None:
    """Answer line after line until stdin ends, or predict once."""
    if len(sys.argv) > 1:
        settings, way = sys.argv[1:]
        Predictor(**json.loads(Path(settings).read_text())).predict(way)
        return
    questions, reply = open_pipe()
    predictor = Predictor(**next(questions))
    reply(predictor.facts)
    for way in questions:
        reply(predictor.measure(way))


class Predictor:
    """Our network in PyTorch, and MONAI's way from files to a mask.

    Args:
        images: The sequences' files, in the order of the channels.
        weights: Our network's, as the run has them.
        model: `"cnn1"` or `"cnn2"`.
        filters: Of its first level.
        crop_size: Side in voxels of the square that we cut.
        image_size: Side in pixels of our slices, and of windows.
        mirror: Whether to average over four mirrored passes.
        threshold: Probability from which a voxel is tumour.
        batch_size: Windows at a time.
        threads: PyTorch's.
        output: Folder for the masks, one for each way.
    """

    def __init__(
        self,
        images: list[str],
        weights: str,
        model: str,
        filters: int,
        crop_size: int,
        image_size: int,
        mirror: bool,
        threshold: float,
        batch_size: int,
        threads: int,
        output: str,
    ):
        torch.set_num_threads(threads)
        self.images, self.threshold = images, threshold
        self.crop_size, self.image_size = crop_size, image_size
        self.passes = MIRRORED if mirror else MIRRORED[:1]
        self.batch_size, self.output = batch_size, Path(output)
        self.network = NETWORKS[model](filters).eval()
        with np.load(weights) as arrays:
            take_over(self.network, {as_path(name): arrays[name] for name in arrays})
        # Channels last are what convolutions on a CPU are quickest with.
        self.network.to(memory_format=torch.channels_last)
        self.facts = {
            "parameters": parameters(self.network),
            "answer": self.answer().ravel().tolist(),
            "versions": {n: metadata.version(n) for n in ("monai", "torch", "numpy")},
        }

    @torch.inference_mode()
    def answer(self) -> np.ndarray:
        """Return what the network makes of the probe."""
        channels = next(self.network.parameters()).shape[1]
        probe = torch.from_numpy(make_probe(self.image_size, channels))
        return self.network(probe.permute(0, 3, 1, 2)).numpy()

    def measure(self, way: str) -> dict[str, float]:
        """Return seconds, and the processor's."""
        start, start_cpu = time.perf_counter(), time.process_time()
        self.predict(way)
        return {
            "seconds": time.perf_counter() - start,
            "cpu_seconds": time.process_time() - start_cpu,
        }

    @torch.inference_mode()
    def predict(self, way: str) -> None:
        """Read the files and write the mask."""
        before = mt.Compose(self.transforms(way))
        case = before({"image": self.images})
        case["pred"] = self.infer(case["image"][None], way)[0]
        after = mt.Compose(
            [
                mt.Invertd("pred", before, orig_keys="image", nearest_interp=False),
                mt.AsDiscreted("pred", threshold=self.threshold),
                mt.SaveImaged(
                    "pred",
                    output_dir=self.output / way,
                    output_postfix="mask",
                    output_dtype=np.uint8,
                    separate_folder=False,
                    resample=False,
                    print_log=False,
                ),
            ]
        )
        after(case)

    def transforms(self, way: str) -> list:
        """Return what happens to a patient before the network sees it."""
        wanted = [
            mt.LoadImaged("image"),
            mt.EnsureChannelFirstd("image"),
            mt.Orientationd("image", "ARS"),  # Rows along y, as the network knows them.
            mt.NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        ]
        if way in ("our_pixels", "brain"):
            wanted.append(mt.CropForegroundd("image", "image", select_fn=not_zero))
        if way == "our_pixels":
            square, pixels = (
                (side, side, -1) for side in (self.crop_size, self.image_size)
            )
            wanted.append(mt.ResizeWithPadOrCropd("image", square))
            # To the half, and back, linear is what we do.
            wanted.append(mt.Resized("image", pixels, mode="trilinear"))
        return wanted

    def infer(self, image: torch.Tensor, way: str) -> torch.Tensor:
        """Return probabilities `[1, 1, x, y, z]`, the mean over mirrored passes."""
        windowed, overlap, mode = WINDOWS[way]
        whole = [-(-side // MULTIPLE) * MULTIPLE for side in image.shape[2:4]]
        window = [self.image_size] * 2 if windowed else whole
        inferer = SliceInferer(
            roi_size=window,
            spatial_dim=2,
            sw_batch_size=self.batch_size,
            overlap=overlap,
            mode=mode,
        )
        total = 0
        for axes in self.passes:
            found = inferer(torch.flip(image, axes), self.network)
            total = total + torch.flip(found, axes)
        return total / len(self.passes)


def as_path(name: str) -> str:
    """Return the name `layer.weight` as `torch_networks.take_over` wants it."""
    return "|".join(name.rsplit(".", 1))


def not_zero(image: torch.Tensor) -> torch.Tensor:
    return image != 0


if __name__ == "__main__":
    main()
