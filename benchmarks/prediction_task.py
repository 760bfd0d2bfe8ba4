"""One patient, one run, and every way to predict the one by the other."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from command_line import progress
from measuring import CORES, WayFailed
from monai_environment import HERE, MonaiPeer
from prediction_ways import Cold, Warm
from probe import largest_difference

from brainseg_utils.cases import Case, find_cases
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import dice_score
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import Run
from brainseg_utils.volumes import home_of, read_sequence

BATCH = 16  # Slices or windows at a time, there as here.
SAME = 1e-4  # Outputs of one network here and there differ by less.
SCRIPT = "monai_predictor.py"
MONAI = {
    "our_pixels": "our pixels",
    "brain": "whole slices, cropped to the brain",
    "slices": "whole slices",
    "windows_25": "windows, overlap 0.25",
    "windows_50": "windows, overlap 0.5, Gaussian",
}
COLD = ("our_pixels", "slices")  # Which of these also in a process of their own.
Works = list[Cold | Warm]


@dataclass(frozen=True)
class Task:
    """What is predicted by what.

    Attributes:
        case: The patient.
        run: The run.
        folder: For masks, and for what MONAI's side is told.
    """

    case: Case
    run: Run
    folder: Path

    @classmethod
    def of(cls, case: Case, run: Run, folder: Path) -> Task:
        """Make the folder, and refuse what cannot be predicted by itself.

        Raises:
            BrainSegError: `E-AMBIGUOUS` where other patients lie in the same folder.
        """
        home = home_of(case)
        found, _ = find_cases(home, tuple(case.sequences), need_mask=False)
        if len(found) != 1:
            what = f"holds {len(found)} patients, and one was wanted."
            remedy = "Give the patient a folder of its own."
            raise BrainSegError("E-AMBIGUOUS", home, what, remedy)
        folder.mkdir()
        return cls(case, run, folder)

    def settings(self) -> dict[str, Any]:
        """Return what both sides are told."""
        config, inputs = self.run.training_config, RunInputs.read(self.run.folder)
        spacing = read_sequence(self.case, inputs.sequences[0]).spacing_mm
        return {
            "model": config.model,
            "filters": config.filters,
            "crop_size": inputs.grid_for(spacing).crop_size,
            "image_size": inputs.image_size,
            "mirror": config.mirror,
            "threshold": config.threshold,
            "batch_size": BATCH,
            "threads": CORES,
        }

    def collect(
        self, python: Path | None, stack: ExitStack
    ) -> tuple[Works, dict[str, Any]]:
        """Return the ways to measure and facts of their start; `stack` ends them.

        Args:
            python: The interpreter that has MONAI; None leaves it out.
            stack: Keeps the processes.
        """
        works, facts = self._ours(stack)
        started = {"ours": facts}
        if python:
            try:
                monai, started["monai"] = self._monai(python, facts, stack)
                works += monai
            except WayFailed as error:
                progress(f"left out: MONAI: {error}")
                started["monai"] = {"failed": str(error)}
        for one in started.values():
            one.pop("answer", None)  # Thousands of numbers.
        return works, started

    def _ours(self, stack: ExitStack) -> tuple[Works, dict[str, Any]]:
        patient, run = home_of(self.case), self.run.folder
        command = [sys.executable, "-m", "brainseg_utils.cli", "predict", patient]
        options = ["--run", run, "--output", self.folder, "--force"]
        setup = {"patient": patient, "run": run, "output": self.folder}
        setup = {name: str(path) for name, path in setup.items()}
        peer = MonaiPeer(Path(sys.executable), setup, "our_predictor.py")
        stack.callback(peer.close)
        peer.ask("predict")  # The first time, the network is traced.
        cold = Cold("ours_cold", "brainseg predict, cold", [*command, *options])
        return [cold, Warm("ours_warm", "ours, warm", peer, "predict")], peer.facts

    def _monai(
        self, python: Path, ours: dict[str, Any], stack: ExitStack
    ) -> tuple[Works, dict[str, Any]]:
        paths = list(dict.fromkeys(map(str, self.case.sequences.values())))
        weights, output = self.run.folder / "weights.npz", self.folder / "monai"
        where = {"images": paths, "weights": str(weights), "output": str(output)}
        told = self.settings() | where
        peer = MonaiPeer(python, told, SCRIPT)
        stack.callback(peer.close)
        apart = check_same(ours, peer.facts)
        peer.ask("our_pixels")
        dice = self._dice_with(output / "our_pixels")
        file = self.folder / "monai.json"
        file.write_text(json.dumps(told))
        script = [python, HERE / SCRIPT, file]
        works: Works = [
            Cold(f"monai_{one}_cold", f"MONAI, {MONAI[one]}, cold", [*script, one])
            for one in COLD
        ]
        works += [
            Warm(f"monai_{one}_warm", f"MONAI, {label}, warm", peer, one)
            for one, label in MONAI.items()
        ]
        facts = peer.facts | {"outputs_differ_by": apart, "dice_with_ours": dice}
        return works, facts

    def _dice_with(self, folder: Path) -> float:
        """Return the Dice of MONAI's mask and ours; pixels may begin a voxel apart."""
        (theirs,) = folder.glob("*_mask.nii.gz")
        ours = self.folder / f"{self.case.id}_mask.nii.gz"
        one, other = (np.asarray(nibabel.load(path).dataobj) for path in (ours, theirs))
        dice = dice_score(one, other)
        progress(f"Dice of MONAI's mask and ours, on the same pixels: {dice:.3f}")
        return dice


def check_same(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """Return how far the two networks' answers to a probe are apart.

    Raises:
        WayFailed: It is another network.
    """
    sizes = ours["parameters"], theirs["parameters"]
    if sizes[0] != sizes[1]:
        raise WayFailed(f"another network: {sizes[1]} parameters, not {sizes[0]}")
    apart = largest_difference(ours["answer"], theirs["answer"])
    if not apart <= SAME:
        raise WayFailed(f"another network: its outputs differ by {apart:.1e}")
    return apart
