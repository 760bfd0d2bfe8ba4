"""What the numbers in a mask mean: a label scheme is data, named and sourced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from brainseg_utils.errors import BrainSegError

ROUNDING = 1e-3  # Masks that went through other programs hold 1.0000001 for 1.
LISTED_VALUES = 8  # An image taken for a mask holds thousands of different ones.


@dataclass(frozen=True)
class LabelScheme:
    """The labels of a data set's masks; background is 0 in all of them.

    Attributes:
        name: What to call the scheme.
        names: Meaning of each label that belongs to the tumour, in plain words.
        source: Where the meaning is written down.
        not_tumour: Meaning of each label that may occur and is no tumour.
    """

    name: str
    names: Mapping[int, str]
    source: str
    not_tumour: Mapping[int, str] = field(default_factory=dict)

    def whole_tumour(self, mask: np.ndarray) -> np.ndarray:
        """Return a mask of all tumour labels together.

        Args:
            mask: Labels of any shape, memory order and numeric type; values within
                0.001 of a whole number count as that number.

        Returns:
            uint8 of the same shape and memory order: 1 in the tumour, else 0.

        Raises:
            ValueError: The mask holds a value that the scheme does not name; the text
                counts the voxels of each.
        """
        axes, backwards = _memory_order(mask)
        stored = np.flip(mask, backwards).transpose(axes)
        tumour = stored != 0
        # Background fills nearly all of a mask: only the rest is sorted and named.
        values = stored[tumour]
        kinds, counts = np.unique(values, return_counts=True)
        self._check(kinds, counts)
        counted = np.isin(_whole_numbers(kinds), list(self.names))
        if not counted.all():
            np.place(tumour, tumour.copy(), np.isin(values, kinds[counted]))
        shaped = tumour.view(np.uint8).transpose(np.argsort(axes))
        return np.flip(shaped, backwards)

    def _check(self, kinds: np.ndarray, counts: np.ndarray) -> None:
        known = self._knows(kinds)
        if known.all():
            return
        order = np.argsort(-counts[~known], kind="stable")[:LISTED_VALUES]
        values, voxels = kinds[~known][order].tolist(), counts[~known][order].tolist()
        unknown = {float(v): n for v, n in zip(values, voxels, strict=True)}
        more = np.count_nonzero(~known) - len(unknown)
        fitting = [key for key, s in SCHEMES.items() if s._knows(kinds).all()]
        others = f" and {more} other values" if more else ""
        hint = f"; all of its labels fit {' or '.join(fitting)}" if fitting else ""
        raise ValueError(
            f"labels {sorted([*self.names, *self.not_tumour])} of {self.name} were "
            f"wanted, got also {unknown} (value: voxels){others}{hint}"
        )

    def _knows(self, kinds: np.ndarray) -> np.ndarray:
        rounded = _whole_numbers(kinds)
        with np.errstate(invalid="ignore"):
            near = np.abs(kinds.astype(np.float64) - rounded) <= ROUNDING
        return near & np.isin(rounded, [0, *self.names, *self.not_tumour])


def _whole_numbers(values: np.ndarray) -> np.ndarray:
    return np.rint(values.astype(np.float64))


def _memory_order(array: np.ndarray) -> tuple[list[int], list[int]]:
    """Return the axes from the slowest to the fastest, and those that run backwards."""
    steps = array.strides
    axes = sorted(range(array.ndim), key=lambda axis: -abs(steps[axis]))
    return axes, [axis for axis in axes if steps[axis] < 0]


BRATS_2018 = LabelScheme(
    name="BraTS 2018-2022",
    names={1: "necrotic core", 2: "oedema", 4: "enhancing tumour"},
    source="https://www.med.upenn.edu/cbica/brats2020/data.html",
)

BRATS_2023 = LabelScheme(
    name="BraTS 2023+",
    names={1: "necrotic core", 2: "oedema", 3: "enhancing tumour"},
    source="https://www.synapse.org/Synapse:syn51156910/wiki/627000",
)

BRATS_2024 = LabelScheme(
    name="BraTS 2024+ after treatment",
    names={
        1: "non-enhancing tumour core",
        2: "surrounding FLAIR hyperintensity",
        3: "enhancing tissue",
    },
    source="https://www.synapse.org/brats2024",
    not_tumour={4: "resection cavity"},
)

UPENN_GBM = LabelScheme(
    name="UPENN-GBM",
    names=BRATS_2018.names,
    source="https://doi.org/10.7937/TCIA.709X-DN49",
)

DECATHLON = LabelScheme(
    name="Medical Segmentation Decathlon, Task01",
    names={1: "oedema", 2: "non-enhancing tumour", 3: "enhancing tumour"},
    source="dataset.json of Task01_BrainTumour, http://medicaldecathlon.com",
)

KAGGLE_LGG = LabelScheme(
    name="Kaggle LGG",
    names={255: "FLAIR abnormality"},
    source="https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation; "
    "Buda et al. 2019, https://doi.org/10.1016/j.compbiomed.2019.05.002",
)

BINARY = LabelScheme(
    name="tumour or not",
    names={1: "tumour"},
    source="the folder's owner, who declares it",
)

SCHEMES = {
    "brats2018": BRATS_2018,
    "brats2023": BRATS_2023,
    "brats2024": BRATS_2024,
    "upenn": UPENN_GBM,
    "msd": DECATHLON,
    "lgg": KAGGLE_LGG,
    "binary": BINARY,
}


def scheme_named(key: str) -> LabelScheme:
    """Return the scheme that a user declares by its key.

    Raises:
        BrainSegError: `E-LABEL` when no scheme has this key.
    """
    if key not in SCHEMES:
        raise BrainSegError(
            "E-LABEL",
            "labels",
            f"wanted one of {list(SCHEMES)}, got {key!r}.",
            "Correct the parameter; empty takes the scheme of the folder's layout.",
        )
    return SCHEMES[key]
