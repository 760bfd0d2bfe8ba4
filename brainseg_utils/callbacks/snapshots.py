"""A model in training as named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from brainseg_utils.callbacks.early_stopping import EarlyStopping
from brainseg_utils.run_files.states import check_same

BEST = "best."


def take_snapshot(model: keras.Model, stopping: EarlyStopping) -> dict[str, np.ndarray]:
    """Copy the weights, the optimizer's variables and the best weights so far.

    Dropout's generators are left out: they are set anew at the start of every epoch.
    """
    arrays = {name: _copy(v) for name, v in _variables(model).items()}
    for weight, array in zip(model.weights, stopping.best_weights or (), strict=False):
        arrays[BEST + weight.path.replace("/", ".")] = array
    return arrays


def load_snapshot(
    model: keras.Model, arrays: Mapping[str, np.ndarray], path: Path
) -> list[np.ndarray] | None:
    """Put a snapshot back into a compiled model that our own code built.

    Args:
        model: In the phase, frozen or not, in which the snapshot was taken.
        arrays: From `take_snapshot`.
        path: Where they were read, for the error.

    Returns:
        The best weights so far, in the order of `model.weights`; None when there are
        none yet.

    Raises:
        BrainSegError: `E-CKPT-MISMATCH` where names or shapes differ.
    """
    model.optimizer.build(model.trainable_variables)
    variables = _variables(model)
    there = {n: a.shape for n, a in arrays.items() if not n.startswith(BEST)}
    here = {name: tuple(variable.shape) for name, variable in variables.items()}
    remedy = f"Delete {path.parent} and its copies to train from epoch 1."
    check_same(path, there, here, remedy)
    for name, variable in variables.items():
        variable.assign(arrays[name])
    names = [BEST + weight.path.replace("/", ".") for weight in model.weights]
    return [arrays[n] for n in names] if names[0] in arrays else None


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    weights = {f"weights.{w.path.replace('/', '.')}": w for w in model.weights}
    # Numbered, as an optimizer's own name depends on how many there were before it.
    optimizer = {
        f"optimizer.{number:03d}.{variable.path.split('/')[-1]}": variable
        for number, variable in enumerate(model.optimizer.variables)
    }
    return weights | optimizer


def _copy(variable: keras.Variable) -> np.ndarray:
    # An array of its own: on a CPU the backend's may be the variable's very memory.
    return np.array(keras.ops.convert_to_numpy(variable))
