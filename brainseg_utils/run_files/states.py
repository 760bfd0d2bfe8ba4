"""A training's state on disk: all that a killed training needs to go on exactly.

`state/epoch-0007-<digits>.npz` is the state after seven finished epochs, arrays and
facts in one file, so that weights and facts are always of one epoch. The digits are the
beginning of the file's SHA-256: a file that was damaged no longer fits its name. The
state of the epoch before stays beside it, to fall back on.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import flush_folder, write_bytes
from brainseg_utils.run_files.npz import read_arrays
from brainseg_utils.system.crashpoints import crashpoint

NAME = re.compile(r"epoch-(\d+)-([0-9a-f]{16})\.npz")
MOST_ROWS = 10


@dataclass(frozen=True)
class State:
    """What a training is made of between two epochs.

    Attributes:
        epochs: How many epochs are finished.
        arrays: Weights, optimizer variables and the best weights so far, by name.
        facts: The rest, as JSON: history, early stopping, seconds, and `"identity"`,
            which tells whose state this is.
    """

    epochs: int
    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]


def write_state(folder: Path, state: State) -> Path:
    """Write a state, and then remove all but it and the one of the epoch before.

    Raises:
        BrainSegError: `E-DISK` or `E-DISK-RO`; the earlier states are as they were.
    """
    content = _pack(state)
    digits = hashlib.sha256(content).hexdigest()[:16]
    path = folder / f"epoch-{state.epochs:04d}-{digits}.npz"
    write_bytes(path, content)
    flush_folder(folder)  # Else a power cut could keep the removals below alone.
    crashpoint("states.written")
    for other in state_files(folder):
        if other != path and _epochs(other) != state.epochs - 1:
            other.unlink(missing_ok=True)
    return path


def read_state(folder: Path, report: Callable[[str], None] = print) -> State | None:
    """Return the newest state that is whole; None where there is none at all.

    Args:
        folder: The run's folder of states.
        report: Takes one line for each damaged state that was passed over.

    Raises:
        BrainSegError: `E-CKPT` when there are states, and every one is damaged.
    """
    _remove_leftovers(folder)
    damaged = []
    for path in state_files(folder):
        state = _unpack(path)
        if state:
            for bad in damaged:
                report(
                    f"W-CKPT  {bad}: is damaged; training goes on from the state "
                    f"after epoch {state.epochs}, {path.name}."
                )
            return state
        damaged.append(path)
    if damaged:
        names = " and ".join(path.name for path in damaged)
        raise BrainSegError(
            "E-CKPT",
            folder,
            f"every state in it is damaged: {names}.",
            f"Get them from a copy, or delete {folder.parent} (and its copy, where "
            "BRAINSEG_MIRROR made one) to train from epoch 1.",
        )
    return None


def state_files(folder: Path) -> list[Path]:
    """Return the states in a folder, whole or not, the newest first."""
    found = [path for path in folder.glob("*.npz") if NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: (_epochs(path), path.name), reverse=True)


def remove_states(folder: Path) -> None:
    """Remove the states of a finished training, and the folder where that empties it.

    Files of other names are somebody else's, and stay.
    """
    for path in state_files(folder):
        path.unlink(missing_ok=True)
    _remove_leftovers(folder)
    with suppress(OSError):
        folder.rmdir()


def check_same(
    path: Path, there: Mapping[str, Any], here: Mapping[str, Any], remedy: str
) -> None:
    """Refuse what belongs to something else, with a table of the differences.

    Args:
        path: Where `there` was read.
        there: What was found, such as names with shapes, or parameters with values.
        here: What fits.
        remedy: What to do about it.

    Raises:
        BrainSegError: `E-CKPT-MISMATCH`.
    """
    nothing = "nothing"
    rows = [
        f"  {name}: {there.get(name, nothing)} there, {here.get(name, nothing)} here"
        for name in sorted({*there, *here})
        if there.get(name, nothing) != here.get(name, nothing)
    ]
    if rows:
        if len(rows) > MOST_ROWS:
            rows[MOST_ROWS:] = [f"  and {len(rows) - MOST_ROWS} more"]
        listing = "\n".join(rows)
        raise BrainSegError(
            "E-CKPT-MISMATCH",
            path,
            f"belongs to another training:\n{listing}\n",
            remedy,
        )


def _pack(state: State) -> bytes:
    facts = json.dumps({"epochs": state.epochs, **state.facts})
    buffer = io.BytesIO()
    np.savez(buffer, facts=np.frombuffer(facts.encode(), np.uint8), **state.arrays)
    return buffer.getvalue()


def _unpack(path: Path) -> State | None:
    """Return the state in a file, or None where it is damaged."""
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest()[:16] != NAME.fullmatch(path.name)[2]:
            return None
        arrays = read_arrays(content)
        facts = json.loads(arrays.pop("facts").tobytes())
        return State(facts.pop("epochs"), arrays, facts)
    except Exception:  # A file that was made up may fail in any way.
        return None


def _epochs(path: Path) -> int:
    return int(NAME.fullmatch(path.name)[1])


def _remove_leftovers(folder: Path) -> None:
    # Only one process trains a run at a time, so what it finds is of a killed one.
    for path in folder.glob(".????????-epoch-*.npz"):
        path.unlink(missing_ok=True)
