"""What the numbers in a mask mean: a label scheme is data, named and sourced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelScheme:
    """The labels of a data set's masks; background is 0 in all of them.

    Attributes:
        name: What to call the scheme.
        names: Meaning of each label, in plain words.
        source: Where the meaning is written down.
    """

    name: str
    names: dict[int, str]
    source: str

    def whole_tumour(self, mask: np.ndarray) -> np.ndarray:
        """Return a 0/1 uint8 mask of all labels together.

        Raises:
            ValueError: The mask holds a value that the scheme does not name.
        """
        values, counts = np.unique(mask, return_counts=True)
        unknown = {
            float(value): int(count)
            for value, count in zip(values, counts, strict=True)
            if value != 0 and value not in self.names
        }
        if unknown:
            raise ValueError(
                f"labels {sorted(self.names)} of {self.name} were wanted, "
                f"got also {unknown} (value: voxels)"
            )
        return (mask > 0).astype(np.uint8)


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

UPENN_GBM = LabelScheme(
    name="UPENN-GBM",
    names=BRATS_2018.names,
    source="https://doi.org/10.7937/TCIA.709X-DN49",
)
