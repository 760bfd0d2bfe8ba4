"""From a folder, or from nothing, to patients with prepared slices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brainseg_utils.cases import SEQUENCES, Case, find_cases
from brainseg_utils.errors import BrainSegError, errors_of, raise_all
from brainseg_utils.phantom import make_phantoms
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store import SliceStore
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.workspace import Workspace, smoke_wanted

# As `phantom_patients` names their folder, after which the cohort is called.
PHANTOM_NAME = re.compile(r"phantom(-wide)?-\d+-[\d.]+mm")


@dataclass(frozen=True)
class DataConfig:
    """Which patients to use, and how to cut their slices.

    Attributes:
        data_dir: Folder of real patients; empty for phantom patients.
        patients: Number of phantom patients.
        spacing_mm: Voxel size of the phantom patients; 1 mm as in BraTS.
        wide: Whether phantom patients are as various as can be; see `phantom.wide`.
        sequences: Sequences to use, in channel order.
        crop_size: Side in voxels of the square cut round the brain.
        image_size: Side in pixels of a slice.
        layout: File that describes the folder's layout, or a layout's name; empty looks
            for a known one.
        labels: Name of the label scheme of the masks; empty takes the layout's own.
        on_bad: What to do about unusable patients: `"fail"` or `"exclude"`.
        seed: Seed of the phantom patients.
    """

    data_dir: str = ""
    patients: int = 30
    spacing_mm: float = 1.0
    wide: bool = False
    sequences: tuple[str, ...] = SEQUENCES
    crop_size: int = 192
    image_size: int = 96
    layout: str = ""
    labels: str = ""
    on_bad: str = "fail"
    seed: int = 0

    def __post_init__(self):
        SliceGrid(self.crop_size, self.image_size)  # It knows which sizes can be.
        for name, wanted, holds in (
            ("patients", "at least 1", self.patients >= 1),
            ("spacing_mm", "positive", self.spacing_mm > 0),
            ("on_bad", "'fail' or 'exclude'", self.on_bad in ("fail", "exclude")),
        ):
            if not holds:
                what = f"wanted {wanted}, got {getattr(self, name)!r}."
                raise BrainSegError("E-PARAM", name, what, "Correct it.")

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> DataConfig:
        """Take from a notebook's parameters those that belong here."""
        known = {k: v for k, v in parameters.items() if k in cls.__dataclass_fields__}
        known.pop("seed", None)  # In notebooks this is the training's seed.
        if "sequences" in known:
            known["sequences"] = tuple(known["sequences"])
        return cls(**known)

    def shrunk_for_smoke(self) -> DataConfig:
        """Return the smallest cohort on which every step still means something."""
        return replace(self, patients=4, spacing_mm=4.0, crop_size=48, image_size=32)


@dataclass(frozen=True)
class Cohort:
    """Patients together with their prepared slices.

    Attributes:
        name: What to call the cohort in figures and tables.
        folder: Where the patients' files lie.
        cases: Usable patients, keyed by id.
        store: Their slices.
        problems: Everything left out or odd, as text.
    """

    name: str
    folder: Path
    cases: dict[str, Case]
    store: SliceStore
    problems: tuple[str, ...]


def patients_folder(config: DataConfig, workspace: Workspace) -> Path:
    """Return the folder of the patients; phantom patients are made if need be."""
    config = _resolve(config)
    if config.data_dir:
        # A relative folder means one beside the project, wherever the kernel runs.
        return workspace.root / Path(config.data_dir).expanduser()
    return phantom_patients(config, workspace)


def phantom_patients(config: DataConfig, workspace: Workspace) -> Path:
    """Return the folder of a configuration's phantom patients, made if need be."""
    kind = "phantom-wide" if config.wide else "phantom"
    folder = workspace.data / f"{kind}-{config.seed}-{config.spacing_mm:g}mm"
    return make_phantoms(
        folder, config.patients, config.seed, config.spacing_mm, wide=config.wide
    )


def of_phantoms(cohort: str) -> bool:
    """Tell by a cohort's name whether its patients are phantoms."""
    return PHANTOM_NAME.fullmatch(cohort) is not None


def load_cohort(config: DataConfig, workspace: Workspace) -> Cohort:
    """Find or make the patients and prepare their slices; quick the second time.

    Raises:
        BrainSegError: No usable patients, or unusable ones with `on_bad="fail"`.
    """
    config = _resolve(config)
    folder = patients_folder(config, workspace)
    found, problems = find_cases(
        folder, config.sequences, layout=config.layout, labels=config.labels
    )
    if config.on_bad == "fail" or not found:
        raise_all(errors_of(problems), config.on_bad)
    if not config.data_dir:
        found = found[: config.patients]  # A larger cohort may have been made before.
    grid = SliceGrid(config.crop_size, config.image_size)
    store = prepare_slices(found, workspace.data / "prepared", grid, config.on_bad)
    used = {case.id: case for case in found if case.id in store.tumour_ml}
    listed = tuple(str(problem) for problem in problems) + store.problems
    return Cohort(folder.name, folder, used, store, listed)


def _resolve(config: DataConfig) -> DataConfig:
    """Return the configuration to use here: shrunk under the smoke profile."""
    return (
        config.shrunk_for_smoke() if smoke_wanted() and not config.data_dir else config
    )
