"""Our side of the training step: Keras on TensorFlow, and what the peer is given."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from measuring import CORES, Way, WayFailed

from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.compiling import compile_model
from brainseg_utils.models import BUILDERS

MATRIX_SIDES = (1024, 2048)
STEPS = 3  # Of training, after which outputs are compared again.
# Between probabilities: of equal weights, summed in another order; and after training,
# where Adam makes a whole step of a gradient that is nothing but rounding.
SAME = 1e-5, 2e-3


class Network:
    """One network at one size, in training on one batch.

    Args:
        model: `"cnn1"` or `"cnn2"`.
        size_name: What to call the size.
        side: Pixels of a slice's side.
        filters: Filters of the first level.
        batch_size: Slices in the batch.
        seconds: How long to measure.
    """

    def __init__(
        self,
        model: str,
        size_name: str,
        side: int,
        filters: int,
        batch_size: int,
        seconds: float,
    ):
        self.model, self.key = model, f"{model}_{size_name}"
        self.config = TrainingConfig(model)
        self.shape, self.filters, self.seconds = (side, side, 4), filters, seconds
        rng = np.random.default_rng(0)
        self.images = rng.normal(size=(batch_size, *self.shape)).astype(np.float32)
        self.masks = (rng.random((batch_size, side, side, 1)) > 0.9).astype(np.uint8)

    def build(self) -> keras.Model:
        """Build with the same weights each time."""
        keras.utils.set_random_seed(0)
        return BUILDERS[self.model](self.shape, 0.0, self.filters)

    @cached_property
    def gflop_per_slice(self) -> float:
        """Operations of the convolutions for one slice of a training step, in 10^9."""
        forward = sum(operations(layer) for layer in self.build().layers)
        return 3 * forward / 1e9

    def ways(self, labels: Mapping[str, str]) -> list[Way]:
        """Return the ways to run a step, each compiled when it is first measured."""
        options = {
            "ours": {},
            "ours_xla": {"jit_compile": True},
            "ours_bfloat16": {"policy": "mixed_bfloat16"},
        }
        return [
            Way(f"{self.key}_{name}", f"{self.key}  {label}", steps.rate)
            for name, label in labels.items()
            for steps in [_Steps(self, **options[name])]
        ]

    def handed_over(self, folder: Path) -> dict[str, Any]:
        """Write weights, batch and our outputs; return the settings of the peer."""
        model = self.build()
        compile_model(model, self.config)
        arrays = {
            weight.path.replace("/", "|"): weight.numpy() for weight in model.weights
        }
        names = "weights", "batch"
        files = {name: str(folder / f"{self.key}-{name}.npz") for name in names}
        np.savez(files["weights"], **arrays)
        np.savez(files["batch"], images=self.images, masks=self.masks)
        outputs = [model.predict_on_batch(self.images)]
        for _ in range(STEPS):
            model.train_on_batch(self.images, self.masks)
        outputs.append(model.predict_on_batch(self.images))
        np.save(folder / f"{self.key}-ours.npy", outputs)
        return {
            **files,
            "output": str(folder / f"{self.key}-theirs.npy"),
            "model": self.model,
            "filters": self.filters,
            "learning_rate": self.config.learning_rate,
            "steps": STEPS,
            "seconds": self.seconds,
            "threads": CORES,
        }

    def check_same(self, folder: Path, facts: Mapping[str, Any]) -> list[float]:
        """Return how far the peer's outputs are from ours, before and after training.

        Raises:
            WayFailed: It is another network, in size or in what it computes, or it
                learns otherwise.
        """
        ours, theirs = self.build().count_params(), facts["parameters"]
        if ours != theirs:
            raise WayFailed(f"another network: {theirs} parameters, not {ours}")
        outputs = [np.load(folder / f"{self.key}-{w}.npy") for w in ("ours", "theirs")]
        differences = np.abs(outputs[0] - outputs[1]).reshape(2, -1).max(axis=1)
        if not (differences <= SAME).all():
            told = " and ".join(f"{difference:.1e}" for difference in differences)
            raise WayFailed(f"another network: outputs differ by {told}")
        return differences.tolist()


class _Steps:
    def __init__(
        self,
        network: Network,
        jit_compile: bool | str = "auto",
        policy: str = "float32",
    ):
        self.network, self.jit_compile, self.policy = network, jit_compile, policy

    @cached_property
    def step(self) -> Any:
        keras.config.set_dtype_policy(self.policy)
        model = self.network.build()
        compile_model(model, self.network.config, self.jit_compile)
        keras.config.set_dtype_policy("float32")
        model.make_train_function()
        batch = self.network.images, self.network.masks
        batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
        for _ in range(2):  # The first one traces, or compiles.
            model.train_function(batches)
        return lambda: float(model.train_function(batches)["loss"])

    def rate(self) -> float:
        """Return slices per second."""
        steps, start, elapsed = 0, None, 0.0
        step = self.step
        start = time.perf_counter()
        while elapsed < self.network.seconds:
            step()
            steps, elapsed = steps + 1, time.perf_counter() - start
        return steps * len(self.network.images) / elapsed


def operations(layer: keras.layers.Layer) -> int:
    """Return the floating-point operations of one convolution; 0 for other layers."""
    if not isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)):
        return 0
    # Each weight meets each pixel of the smaller picture once.
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    pixels = (layer.input if transposed else layer.output).shape[1:3]
    return 2 * int(np.prod(layer.kernel.shape)) * int(np.prod(pixels))


def matrix_product_rate() -> float:
    """Return the best rate of a float32 matrix product, in 10^9 operations a second."""
    return max(
        rate
        for side in MATRIX_SIDES
        for rate in (_product_rate(side, np.matmul), _product_rate(side, _tf_matmul))
    )


def _tf_matmul(a: np.ndarray, b: np.ndarray) -> Any:
    return tf.linalg.matmul(a, b).numpy()


def _product_rate(side: int, product: Any) -> float:
    a = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    product(a, a)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        product(a, a)
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times) / 1e9
