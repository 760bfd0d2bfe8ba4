"""Ways to train a network, each in a process of its own, and how they are scored."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai_environment import find_monai

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import dice_score
from brainseg_utils.masks.predictions import restore_mask
from brainseg_utils.splits import Split
from brainseg_utils.store import SliceStore
from brainseg_utils.volumes import read_mask

HERE = Path(__file__).resolve().parent
Stores = tuple[SliceStore, SliceStore]  # The patients', and phantoms' to rehearse.
SYSTEMS = ("paper", "recommended", "monai-dynunet", "recommended-from-scratch")


@dataclass(frozen=True)
class Task:
    """What a learner is told.

    Attributes:
        system: One of `SYSTEMS`.
        seconds: Time to train.
        points: How often the test patients are predicted on the way, at even distances,
            the last time at the end.
        split: Who learns and who is predicted.
        augmentation: `"rich"` or `"paper"`, for every system.
        seed: Of weights, order and augmentation.
    """

    system: str
    seconds: float
    points: int
    split: Split
    augmentation: str
    seed: int


def learn(task: Task, stores: Stores, folder: Path) -> dict[str, Any]:
    """Run a learner to its end.

    It finds `task.json` and the pickled stores in `folder`, and leaves there
    `learned.json` (`seconds`, `steps`, `slices_per_s`, `parameters`, seconds of the
    `points`) and `probabilities-N.npy` `[slice, height, width]` of the test patients.

    Raises:
        BrainSegError: `E-BENCHMARK` where it failed; its own words stand above.
    """
    (folder / "task.json").write_text(json.dumps(asdict(task)))
    (folder / "stores.pickle").write_bytes(pickle.dumps(stores))
    python, script = _interpreter(task.system)
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [python, HERE / script, folder]
    if subprocess.run(command, env=environment, stdout=2).returncode:
        what = "ended with an error, which stands above."
        remedy = "Leave the system out, or mend what it names."
        raise BrainSegError("E-BENCHMARK", task.system, what, remedy)
    return json.loads((folder / "learned.json").read_text())


def _interpreter(system: str) -> tuple[Path | str, str]:
    if not system.startswith("monai"):
        return sys.executable, "keras_learner.py"
    python = find_monai()
    if python is None:
        what, remedy = "MONAI is not there.", "Leave it out of --systems."
        raise BrainSegError("E-BENCHMARK", system, what, remedy)
    return python, "monai_learner.py"


def score(
    learned: Mapping[str, Any],
    store: SliceStore,
    cases: Mapping[str, Case],
    ids: Sequence[str],
    folder: Path,
) -> list[dict[str, Any]]:
    """Return for each point of the curve its `seconds` and the patients' `dice`."""
    truths = {case_id: read_mask(cases[case_id])[0] for case_id in ids}
    curve = []
    for number, seconds in enumerate(learned["points"]):
        probabilities = np.load(folder / f"probabilities-{number}.npy")
        parts = np.split(probabilities, _ends(store, ids)[:-1])
        dice = {
            case_id: dice_score(truths[case_id], restore_mask(store, case_id, part))
            for case_id, part in zip(ids, parts, strict=True)
        }
        curve.append({"seconds": seconds, "dice": dice})
    return curve


def _ends(store: SliceStore, ids: Sequence[str]) -> np.ndarray:
    """Return where each patient's slices end, one patient behind the other."""
    records = [store.case(case_id) for case_id in ids]
    return np.cumsum([record["stop"] - record["start"] for record in records])
