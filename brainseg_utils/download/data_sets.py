"""Public data sets that can be fetched, with what their use demands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Report = Callable[[str], None]


@dataclass(frozen=True)
class DataSet:
    """A data set and the terms on which it is given.

    Attributes:
        name: Its full name.
        source: Where it comes from.
        size: How much it is.
        licence: What may be done with it.
        citation: The works to cite.
    """

    name: str
    source: str
    size: str
    licence: str
    citation: tuple[str, ...]

    def terms(self) -> str:
        """Return name, size, source, licence and citation, one a line."""
        lines = [f"{self.name}: {self.size}", f"source: {self.source}"]
        lines += [f"licence: {self.licence}"]
        lines += [f"please cite: {work}" for work in self.citation]
        return "\n  ".join(lines)


DATA_SETS = {
    "msd": DataSet(
        name="Medical Segmentation Decathlon, Task01 BrainTumour",
        source=(
            "https://msd-for-monai.s3-us-west-2.amazonaws.com/Task01_BrainTumour.tar"
        ),
        size="484 training and 266 test patients, 7.09 GB, about 10 MB a patient",
        licence="CC-BY-SA 4.0",
        citation=(
            "Antonelli et al., The Medical Segmentation Decathlon, "
            "Nature Communications 13, 4128 (2022), doi:10.1038/s41467-022-30695-9",
        ),
    ),
    "kaggle-brats2020": DataSet(
        name="BraTS 2020, from a mirror on Kaggle",
        source="https://www.kaggle.com/datasets/awsaf49/brats20-dataset-training-validation",
        size="369 training and 125 validation patients",
        licence=(
            "for research, with the citations below, as the challenge gives it; "
            "what the mirror calls its licence is not the data's"
        ),
        citation=(
            "Menze et al. 2015, doi:10.1109/TMI.2014.2377694",
            "Bakas et al. 2017, doi:10.1038/sdata.2017.117",
            "Bakas et al. 2018, arXiv:1811.02629",
        ),
    ),
}


def silent(line: str) -> None:
    """Report nothing."""
