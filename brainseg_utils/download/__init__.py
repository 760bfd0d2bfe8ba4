"""Fetch a public data set by its name."""

from __future__ import annotations

from pathlib import Path

from brainseg_utils.download.data_sets import DATA_SETS, Report
from brainseg_utils.download.decathlon import download_msd
from brainseg_utils.download.kaggle import download_kaggle_brats2020
from brainseg_utils.errors import BrainSegError

__all__ = ["DATA_SETS", "download", "download_kaggle_brats2020", "download_msd"]


def download(
    name: str,
    folder: str | Path | None = None,
    patients: int = 0,
    progress: Report | None = print,
) -> Path:
    """Fetch the data set `name`, one of `DATA_SETS`.

    Args:
        name: `"msd"` or `"kaggle-brats2020"`.
        folder: Where to put it. Kaggle's client chooses the place itself: see
            KAGGLEHUB_CACHE, and `download_kaggle_brats2020` for a folder of one's own.
        patients: For `"msd"`, how many training patients; 0 for everything.
        progress: Called with lines of text; None for silence.

    Returns:
        Path: Where the data set lies.

    Raises:
        BrainSegError: `E-PARAM` for an unknown name, or patients that cannot be chosen;
            else as `download_msd` and `download_kaggle_brats2020`.
    """
    if name not in list(DATA_SETS):
        what = f"wanted one of {sorted(DATA_SETS)}, got {name!r}."
        raise BrainSegError("E-PARAM", "name", what, "Correct the name.")
    if name == "msd":
        return download_msd(folder, patients, progress=progress)
    if patients != 0:
        raise BrainSegError(
            "E-PARAM",
            "patients",
            f"Kaggle gives {name} as a whole; {patients!r} patients cannot be chosen.",
            "Leave it out, or use 'msd', which can be had in part.",
        )
    return download_kaggle_brats2020(progress=progress)
