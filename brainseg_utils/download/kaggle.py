"""BraTS 2020 from its mirror on Kaggle, by way of Kaggle's own client."""

from __future__ import annotations

import errno
import inspect
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from brainseg_utils.download.data_sets import DATA_SETS, Report, silent
from brainseg_utils.errors import BrainSegError

HANDLE = "awsaf49/brats20-dataset-training-validation"
LOGIN = (
    "Make a token at https://www.kaggle.com/settings and set KAGGLE_API_TOKEN, or "
    "KAGGLE_USERNAME and KAGGLE_KEY (on Colab among the secrets); accept the data "
    f"set's terms at https://www.kaggle.com/datasets/{HANDLE}."
)
ONLINE = "Check the network and call again."


def download_kaggle_brats2020(
    folder: str | Path | None = None, progress: Report | None = print
) -> Path:
    """Fetch BraTS 2020 from Kaggle; nothing that `kagglehub` brings is changed.

    Args:
        folder: An empty folder to put it in. None leaves the place to `kagglehub`: its
            cache (see KAGGLEHUB_CACHE), or on Colab a read-only mount. On Colab the
            folder is not heeded.
        progress: Called with lines of text, the terms before anything else; None for
            silence. `kagglehub` shows its own progress besides.

    Returns:
        Path: Where the data set lies: the masks of the training patients end with
        `_seg.nii`, save that of BraTS20_Training_355.

    Raises:
        BrainSegError: `E-DOWNLOAD` when `kagglehub` is missing, or says that a login is
            wanted, the network is down or anything else failed; `E-EXISTS` when the
            folder is not empty; `E-DISK` when the disk is full.
    """
    report = progress or silent
    report(DATA_SETS["kaggle-brats2020"].terms())
    kagglehub = _import_kagglehub()
    place = _place(kagglehub, folder)
    try:
        path = Path(kagglehub.dataset_download(HANDLE, **place))
    except Exception as error:  # kagglehub passes on those of all its parts.
        raise _explained(error) from error
    if not path.is_dir():
        what = f"kagglehub says that it lies in {path}, where no folder is."
        raise BrainSegError("E-DOWNLOAD", HANDLE, what, "Call again.")
    report(f"done, {path}")
    return path


def _import_kagglehub() -> ModuleType:
    try:
        import kagglehub
    except ImportError:
        what, remedy = "kagglehub is not installed.", "pip install kagglehub"
        raise BrainSegError("E-DOWNLOAD", HANDLE, what, remedy) from None
    return kagglehub


def _place(kagglehub: ModuleType, folder: str | Path | None) -> dict[str, str]:
    if folder is None:
        return {}
    if not isinstance(folder, str | os.PathLike):
        what, remedy = f"wanted a path, got {folder!r}.", "Name a folder."
        raise BrainSegError("E-PARAM", "folder", what, remedy)
    # kagglehub takes output_dir since its version 1.0, and refuses one that is in use.
    if "output_dir" not in inspect.signature(kagglehub.dataset_download).parameters:
        what = "this kagglehub chooses the folder itself."
        remedy = "pip install -U kagglehub, or leave the folder out."
        raise BrainSegError("E-DOWNLOAD", HANDLE, what, remedy)
    return {"output_dir": os.path.expanduser(folder)}


def _explained(error: Exception) -> BrainSegError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    code, remedy = "E-DOWNLOAD", "Read the reason, and call again."
    if status in (401, 403) or kinds & {"CredentialError", "UnauthenticatedError"}:
        remedy = LOGIN
    elif status == 404 or "NotFoundError" in kinds:
        remedy = "The mirror may have moved; look for another, or use 'msd'."
    elif status is not None or kinds & {"ConnectionError", "Timeout", "TimeoutError"}:
        remedy = ONLINE
    elif isinstance(error, FileExistsError):
        code, remedy = "E-EXISTS", "Name an empty folder, or leave it out."
    elif getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        code, remedy = "E-DISK", "Make room, or name a folder on another disk."
    return BrainSegError(code, HANDLE, _reason(error), remedy)


def _reason(error: Any) -> str:
    text = " ".join(str(error).split())[:300]
    return f"kagglehub failed: {text or type(error).__name__}."
