"""The GPUs that Keras's backend sees, whichever backend that is."""

from __future__ import annotations

import keras


def gpu_names() -> list[str]:
    """Return the GPUs' names, such as `["GPU:0", "GPU:1"]`; none is an empty list."""
    return [f"GPU:{number}" for number in range(len(_capabilities()))]


def capability() -> tuple[int, int]:
    """Return the least CUDA compute capability of the GPUs; (0, 0) without one."""
    return min(_capabilities(), default=(0, 0))


def _capabilities() -> list[tuple[int, int]]:
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[
        keras.backend.backend()
    ]()


def _tensorflow() -> list[tuple[int, int]]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    # AMD's and Apple's GPUs tell of none.
    return [detail.get("compute_capability", (0, 0)) for detail in details]


def _jax() -> list[tuple[int, int]]:
    import jax

    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    texts = [getattr(gpu, "compute_capability", "0.0") for gpu in gpus]
    return [tuple(int(part) for part in text.split(".")) for text in texts]


def _torch() -> list[tuple[int, int]]:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.get_device_capability(number) for number in range(count)]
