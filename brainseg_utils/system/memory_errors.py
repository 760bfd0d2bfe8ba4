"""The many ways in which memory ends, and the one in which it is told."""

from __future__ import annotations

from collections.abc import Sequence

from brainseg_utils.errors import BrainSegError

# TensorFlow's, PyTorch's and Python's own; JAX has one type for all that XLA refuses.
TYPES = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError")
TEXTS = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of any backend means that memory ended."""
    if isinstance(error, BrainSegError):
        return False
    of_jax = "RuntimeError" in type(error).__name__
    return type(error).__name__ in TYPES or (
        of_jax and any(text in str(error) for text in TEXTS)
    )


def out_of_memory(
    error: BaseException, batch_size: int, shape: Sequence[int]
) -> BrainSegError:
    """Return `E-OOM` with what was too large, and what to do.

    Args:
        error: The backend's own.
        batch_size: Slices in a batch.
        shape: `(height, width, channel)` of a slice.
    """
    size = " x ".join(map(str, shape))
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return BrainSegError(
        "E-OOM",
        "batch_size",
        f"memory ended with {batch_size} slices of {size} in a batch ({reason}).",
        "Take a smaller batch_size, image_size or filters, or halve_on_oom=True, or "
        "close what else uses the memory; the same call goes on from the last epoch.",
    )
