"""A run to predict with, where none is named: the package's weights, on phantoms."""

from __future__ import annotations

from pathlib import Path

from command_line import progress

# Pixels of 2 mm are those of a real patient's slices, at an eighth of the voxels.
PHANTOMS = {"patients": 6, "spacing_mm": 2.0, "crop_size": 96, "image_size": 96}
SMALL = {"patients": 4, "spacing_mm": 4.0, "crop_size": 64, "image_size": 32}


def make_run(folder: Path, small: bool) -> Path:
    """Return the folder of a finished run by the recommended recipe.

    Its network is the one that the recipe starts from: a single step, too small to
    change a weight, makes it a training like any other.

    Args:
        folder: For slices, patients and run.
        small: Whether slices are of 32 pixels, to see that everything works.
    """
    from brainseg_utils.cohorts import DataConfig, load_cohort
    from brainseg_utils.config import TrainingConfig
    from brainseg_utils.evaluation import evaluate_run
    from brainseg_utils.training import load_model, train
    from brainseg_utils.workspace import Workspace

    progress("no --run: one is made of the weights in the package")
    workspace = Workspace(folder, "benchmark")
    data = DataConfig(**(SMALL if small else PHANTOMS))
    cohort = load_cohort(data, workspace)
    once = {"epochs": 1, "slices_per_epoch": 16, "learning_rate": 1e-9}
    spared = {"rehearsal_share": 0.0, "settle": False}  # Minutes of work for nothing.
    config = TrainingConfig("cnn2", recipe="recommended", **once, **spared)
    run = train(config, cohort, workspace, verbose=False)
    evaluate_run(run, load_model(run, cohort), cohort)
    return run.folder
