"""A run folder that anybody may have made: checked before anything is built of it.

A run holds no code: its configuration is JSON and its weights are plain arrays, which
go into a network that our own code builds. What could bring code along, as Keras's own
files can, is refused.
"""

from __future__ import annotations

import os
import reprlib
import stat
from pathlib import Path
from typing import Any, get_args, get_type_hints

from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import file_digest, read_json
from brainseg_utils.run_files.weights import read_weights
from brainseg_utils.runs import Run

NEEDED = ("config.json", "training.json", "weights.npz")
LARGEST = 2**31
GET_IT = "Get the run folder again from whoever trained it, or train one."
FOLDER = (
    "Name the folder that a training left, with config.json, training.json and "
    "weights.npz. Other kinds of models, such as .keras and .h5, are never opened."
)


def open_run(folder: str | Path) -> Run:
    """Return the run in a folder, of which everything that builds a model is sound.

    Args:
        folder: A run folder on this machine.

    Raises:
        BrainSegError: `E-RUN` for what is no run folder, or one with a link in place of
            a file, with settings that cannot be, or with other weights than its record
            tells; `E-CKPT` or `E-READ` for weights that are no plain numbers.
    """
    run = Run(_local_folder(folder))
    for name in dict.fromkeys((*NEEDED, *run.results())):
        check_plain(run.folder / name)
    _check_config(run)
    weights = run.folder / "weights.npz"
    read_weights(weights)
    if _recorded_digest(run) != file_digest(weights):
        what = "is not what training.json tells: its SHA-256 differs."
        raise BrainSegError("E-RUN", weights, what, GET_IT)
    return run


def _local_folder(folder: str | Path) -> Path:
    if "://" in str(folder):
        remedy = "Download it yourself, and name the folder on this machine."
        raise BrainSegError("E-RUN", folder, "is an address.", remedy)
    path = Path(folder).expanduser()
    if not os.path.isdir(path):
        what = "is a file." if os.path.isfile(path) else "is not there."
        raise BrainSegError("E-RUN", path, f"wanted a run folder; it {what}", FOLDER)
    return path


def check_plain(path: Path) -> None:
    """Refuse with `E-RUN` what is no plain file of a run folder."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        what = f"is no run folder: {path.name}: {error.strerror}."
        raise BrainSegError("E-RUN", path.parent, what, FOLDER) from None
    if not stat.S_ISREG(mode):  # A link may lead anywhere, and a pipe may never end.
        what, remedy = "is no plain file.", f"Put the file itself there. {GET_IT}"
        raise BrainSegError("E-RUN", path, what, remedy)


def _check_config(run: Run) -> None:
    path = run.folder / "config.json"
    settings = read_object(path)
    if "model" not in settings:
        raise BrainSegError("E-RUN", path, "names no model.", FOLDER)
    for name, kind in get_type_hints(TrainingConfig).items():
        value = settings.get(name)
        if name in settings and not _fits(value, get_args(kind) or (kind,)):
            what = f"its {name} cannot be {reprlib.repr(value)}."
            raise BrainSegError("E-RUN", path, what, GET_IT)
    try:
        TrainingConfig.from_parameters(settings["model"], settings)
    except BrainSegError as error:
        what = f"{error.path}: {error.what}"[:300]
        raise BrainSegError("E-RUN", path, what, GET_IT) from None


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    """Tell whether a setting is of its very kind, and no immense number."""
    kind = float if float in kinds and type(value) is int else type(value)
    # No number that is none, and no infinity, is below it either.
    likely = type(value) not in (int, float) or abs(value) < LARGEST
    return kind in kinds and likely


def _recorded_digest(run: Run) -> Any:
    path = run.folder / "training.json"
    files = read_object(path).get("files")
    if not isinstance(files, dict):
        raise BrainSegError("E-RUN", path, "has no digests of files.", GET_IT)
    return files.get("weights.npz")


def read_object(path: Path) -> dict[str, Any]:
    """Return a JSON object of a run folder; `E-RUN` for anything else."""
    try:
        value = read_json(path)
    except (OSError, ValueError) as error:
        what = f"cannot be read as JSON: {error}."
        raise BrainSegError("E-RUN", path, what, GET_IT) from error
    if not isinstance(value, dict):
        raise BrainSegError("E-RUN", path, "is no JSON object.", GET_IT)
    return value
