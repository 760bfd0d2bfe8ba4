"""A run that was trained on phantom patients alone: to predict with, to start from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brainseg_utils.cases import SEQUENCES
from brainseg_utils.errors import BrainSegError
from brainseg_utils.run_files.weights import load_weights, read_weights

if TYPE_CHECKING:
    import keras

PACKAGED = Path(__file__).parent / "cnn2-phantom"  # A run folder like any other.
PRETRAINED = PACKAGED / "weights.npz"
# The phantom patients that they learned from, as `cohorts.DataConfig` has it. Voxels of
# 2 mm are the pixels that a real patient's slices have, at an eighth of the time to
# make them; the square is as large in mm. The notebooks' own phantoms have other seeds.
PHANTOMS = {
    **{"wide": True, "seed": 100},
    **{"spacing_mm": 2.0, "crop_size": 96, "image_size": 96},
}
REMEDY = 'Set start="" and rehearsal_share=0 to begin with random weights.'
LARGEST_HALF = float(np.finfo(np.float16).max)
FIRST = "encoder1_conv1.kernel"  # The one weight that knows sequences.


def load_pretrained(
    model: keras.Model,
    sequences: Sequence[str],
    path: Path = PRETRAINED,
    neighbours: int = 0,
) -> None:
    """Load the weights that `brainseg pretrain` made into a CNN2 of 16 filters.

    Any subset of the four sequences in any order will do: of the first convolution
    those parts are taken that belong to them. Neighbours, of which the weights know
    nothing, get zeros there: the network begins as good as without them.

    Args:
        model: From `build_cnn2`, of slices of any size.
        sequences: Names of its channels, those of one slice.
        path: Other weights that `brainseg pretrain` made.
        neighbours: How many slices to either side it sees with each one.

    Raises:
        BrainSegError: `E-START` for a sequence that the phantoms do not have, or
            without the file; `E-CKPT-MISMATCH` for another network.
    """
    check_sequences(sequences)
    if not path.is_file():
        remedy = f"Install the package again. {REMEDY}"
        raise BrainSegError("E-START", path, "is not there.", remedy)
    arrays = read_weights(path)
    channels = [SEQUENCES.index(name) for name in sequences]
    first = arrays.get(FIRST)
    if first is not None and first.shape[2:3] == (len(SEQUENCES),):
        before = neighbours * len(channels)
        around = [(0, 0), (0, 0), (before, before), (0, 0)]
        arrays[FIRST] = np.pad(first[:, :, channels], around)
    load_weights(model, path, arrays)


def check_sequences(sequences: Sequence[str]) -> None:
    """Refuse sequences that phantom patients do not have, by `E-START`."""
    unknown = [name for name in sequences if name not in SEQUENCES]
    if unknown:
        what = f"wanted of {', '.join(SEQUENCES)}, as phantoms have; got {unknown[0]}."
        raise BrainSegError("E-START", "sequences", what, REMEDY)


def halve(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return weights in half precision, as they are kept: half the size to download.

    What is beyond its range, as a variance of normalisation's may be, stays as it is.
    """
    return {
        name: array if np.abs(array).max() > LARGEST_HALF else array.astype(np.float16)
        for name, array in arrays.items()
    }
