"""Take a run back from its copy, as far as this machine lacks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brainseg_utils.drive.copies import (
    Damaged,
    RunCopy,
    digits_of,
    epochs_of,
    is_finished,
)
from brainseg_utils.files import file_digest, write_bytes
from brainseg_utils.run_files.states import state_files
from brainseg_utils.runs import WHOLE_RUN, Run


def take_back(run: Run, copy: RunCopy) -> bool:
    """Bring a run to where its copy stands; what is finished here stays as it is.

    A finished copy goes before an unfinished run here: the same training, further on.

    Returns:
        Whether the two agree: False where both are finished, with other weights.

    Raises:
        OSError: The copy cannot be read, or is not whole; what is whole was taken.
        BrainSegError: `E-DISK` or `E-DISK-RO` of the local disk.
    """
    if not run.trained:
        _take_states(run, copy)
    there = copy.digests()
    if not is_finished(there):
        if "history.csv" in there and not (run.trained or epochs_here(run)):
            raise Damaged("its history.csv tells of epochs, and it has no state")
        return True
    if run.trained and file_digest(run.folder / "weights.npz") != there["weights.npz"]:
        return False
    if not run.trained:
        _take(run, copy, WHOLE_RUN, there)  # The weights come last, and make it whole.
    lacking = [name for name in there if not (run.folder / name).exists()]
    _take(run, copy, lacking, there)
    return True


def epochs_here(run: Run) -> int:
    """Return how many epochs the newest state of a run has finished; 0 without one."""
    states = state_files(run.states)
    return epochs_of(states[0].name) if states else 0


def _take_states(run: Run, copy: RunCopy) -> None:
    damaged, here = [], epochs_here(run)
    for name in reversed(copy.states()):  # So that what is broken off goes on here.
        try:
            if epochs_of(name) > here:
                _take(run, copy, [name], {name: digits_of(name)})
        except Damaged as error:
            damaged.append(str(error))
    if damaged:
        raise Damaged(", ".join(damaged))


def _take(
    run: Run, copy: RunCopy, names: Iterable[str], digests: Mapping[str, str]
) -> None:
    # All are verified before the first is written.
    contents = {name: copy.read(name, digests[name]) for name in names}
    for name, content in contents.items():
        write_bytes(run.folder / name, content)
