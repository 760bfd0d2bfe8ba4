"""What a configuration means for a cohort: its patients and its run folder."""

from __future__ import annotations

from dataclasses import asdict

from brainseg_utils.cohorts import Cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import value_digest
from brainseg_utils.runs import Run
from brainseg_utils.splits import Split, split_cases
from brainseg_utils.workspace import Workspace, smoke_wanted

TRAINING_VERSION = 1  # Raise it whenever the same configuration would train otherwise.


def split_of(config: TrainingConfig, cohort: Cohort) -> Split:
    """Return the patients of each part for this configuration's fold.

    Dealing has a seed of its own, so that all seeds of a fold share its patients.
    """
    return split_cases(cohort.store.tumour_ml, config.fold, config.folds)


def resolve(config: TrainingConfig) -> TrainingConfig:
    """Return the configuration to use here: shrunk under the smoke profile."""
    return config.shrunk_for_smoke() if smoke_wanted() else config


def find_run(config: TrainingConfig, cohort: Cohort, workspace: Workspace) -> Run:
    """Return the folder in which this very training belongs, finished or not.

    Its name ends with a digest of configuration, patients and code version, so that a
    run never takes the place of a different one.
    """
    key = value_digest([TRAINING_VERSION, asdict(config), cohort.store.key], length=8)
    return Run(workspace.run_folder(f"{config.name}_{key}"))
