"""What a configuration means for a cohort: its patients and its run folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from brainseg_utils.cohorts import Cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import file_digest, value_digest
from brainseg_utils.planning.split_files import read_split
from brainseg_utils.pretrained import PRETRAINED
from brainseg_utils.runs import Run
from brainseg_utils.splits import Split, folds_to_run, patient_of, split_cases
from brainseg_utils.workspace import Workspace, smoke_wanted

TRAINING_VERSION = 4  # Raise it whenever the same configuration would train otherwise.


def split_of(config: TrainingConfig, cohort: Cohort) -> Split:
    """Return the patients of each part for this configuration's fold."""
    return choose_split(cohort, config.fold, config.folds, config.split_file)


def choose_split(
    cohort: Cohort, fold: int = 0, folds: int = 0, split_file: str = ""
) -> Split:
    """Return the split in a file, or else deal the patients.

    Dealing has a seed of its own, so that all seeds of a fold share its patients.

    Raises:
        BrainSegError: The file does not fit the cohort, or the folds do not.
    """
    if not split_file:
        return split_cases(cohort.store.tumour_ml, fold, folds)
    if fold:
        raise BrainSegError(
            "E-FOLD",
            "fold",
            f"a split file has one fold, got fold={fold}.",
            "Take fold 0, or leave the file out.",
        )
    return read_split(split_file, cohort.cases, cohort.store.data_key)


def default_folds(cohort: Cohort, split_file: str = "") -> list[int]:
    """Return every fold of a small cohort, else fold 0 alone.

    A split in a file has one fold, and so has the smoke profile.
    """
    if split_file or smoke_wanted():
        return [0]
    return folds_to_run(len({patient_of(case_id) for case_id in cohort.cases}))


def resolve(config: TrainingConfig) -> TrainingConfig:
    """Return the configuration to use here: shrunk under the smoke profile."""
    return config.shrunk_for_smoke() if smoke_wanted() else config


def identity_of(config: TrainingConfig, cohort: Cohort) -> dict[str, Any]:
    """Return all that decides a training: configuration, patients, code version.

    Of the configuration it holds what differs from the paper's, so that a choice which
    comes with a later version leaves finished runs where they are.
    """
    paper = asdict(TrainingConfig(config.model))
    given = asdict(config).items()
    decided = {name: value for name, value in given if value != paper[name]}
    decided["model"] = config.model
    if config.split_file:  # What is in the file counts, and not its name.
        decided["split_file"] = split_of(config, cohort).as_dict()
    if config.start and PRETRAINED.is_file():  # Which may be made anew.
        decided["start"] = file_digest(PRETRAINED)
    return {"version": TRAINING_VERSION, **decided, "store": cohort.store.key}


def find_run(config: TrainingConfig, cohort: Cohort, workspace: Workspace) -> Run:
    """Return the folder in which this very training belongs, finished or not.

    Its name ends with a digest of the training's identity, so that a run never takes
    the place of a different one.
    """
    key = value_digest(identity_of(config, cohort), length=8)
    return Run(workspace.run_folder(f"{config.name}_{key}"))
