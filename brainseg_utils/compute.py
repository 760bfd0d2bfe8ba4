"""How a training runs, apart from what it is: GPUs, precision, compilation, memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import keras

from brainseg_utils.errors import BrainSegError
from brainseg_utils.system.gpus import capability, gpu_names

if TYPE_CHECKING:
    import tensorflow as tf

CHOICES = {
    "strategy": ("auto", "one"),
    "precision": ("auto", "float32", "mixed_float16", "mixed_bfloat16"),
    "jit": ("auto", "on", "off"),
}
# Tensor cores for half precision came with compute capability 7.0 (V100, T4):
# tensorflow.org/guide/mixed_precision. A CPU that knows bfloat16 gains with large
# networks and loses with small ones, see benchmarks/README.md.
HALF_PRECISION_FROM = (7, 0)


@dataclass(frozen=True)
class Compute:
    """What to run on, and how.

    None of it is part of what a run is: a training that was begun on one machine may
    go on on another, though only the same machine gives the same bits.

    Attributes:
        strategy: `"auto"` trains on all GPUs where TensorFlow sees more than one, each
            with its share of every batch; `"one"` on one. Keras on JAX and PyTorch
            trains on one.
        devices: Devices to use in place of all GPUs, such as `("GPU:0", "GPU:2")`.
        precision: `"auto"` takes `mixed_float16` where the GPUs gain from it.
        jit: Whether XLA compiles the step; `"auto"` leaves it to Keras, which does so
            on a GPU and not on a CPU.
        require_gpu: Refuse to train without a GPU.
        halve_on_oom: Where memory ends, go on with half as many slices in a batch,
            which is another training then, and noted in the run; else stop.

    Raises:
        BrainSegError: `E-PARAM` for a value that is none of these.
    """

    strategy: str = "auto"
    devices: tuple[str, ...] = ()
    precision: str = "auto"
    jit: str = "auto"
    require_gpu: bool = False
    halve_on_oom: bool = False

    def __post_init__(self):
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                what = f"wanted one of {[*known]}, got {getattr(self, name)!r}."
                raise BrainSegError("E-PARAM", name, what, "Correct it.")

    def check(self) -> None:
        """Refuse to go on without a GPU where one is required.

        Raises:
            BrainSegError: `E-GPU`.
        """
        if self.require_gpu and not self.gpus:
            raise BrainSegError(
                "E-GPU",
                "require_gpu",
                f"a GPU is required, and Keras on {keras.backend.backend()} sees none.",
                "On Colab choose one under Runtime > Change runtime type; elsewhere "
                "check the driver with nvidia-smi, CUDA_VISIBLE_DEVICES, and that the "
                "backend is installed with CUDA: pip install 'tensorflow[and-cuda]'.",
            )

    @cached_property
    def gpus(self) -> list[str]:
        """Names of the GPUs that Keras's backend sees."""
        return gpu_names()

    @cached_property
    def replicas(self) -> tf.distribute.Strategy | None:
        """The strategy over several devices; None where there is one."""
        if keras.backend.backend() != "tensorflow" or self.strategy == "one":
            return None
        devices = self.devices or tuple(self.gpus)
        return _mirrored(devices) if len(devices) > 1 else None

    @property
    def policy(self) -> str:
        """Keras's name of the precision that was decided on."""
        if self.precision != "auto":
            return self.precision
        return "mixed_float16" if capability() >= HALF_PRECISION_FROM else "float32"

    @property
    def jit_compile(self) -> bool | str:
        """What `model.compile` takes."""
        return {"auto": "auto", "on": True, "off": False}[self.jit]

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Give a model that is built and compiled inside its devices and precision."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)
        try:
            with self.replicas.scope() if self.replicas else nullcontext():
                yield
        finally:
            keras.config.set_dtype_policy(before)

    def synchronise(self, model: keras.Model) -> None:
        """Let batch normalisation see whole batches and not each replica's part."""
        for layer in model.layers if self.replicas else ():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True

    def facts(self) -> dict[str, Any]:
        """Return what was decided, for the run's record."""
        return {
            "backend": keras.backend.backend(),
            "gpus": self.gpus,
            "replicas": self.replicas.num_replicas_in_sync if self.replicas else 1,
            "precision": self.policy,
            "jit": self.jit,
        }


@cache  # A second strategy would count its collective operations from 1 again.
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(devices))
