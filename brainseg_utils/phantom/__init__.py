"""Synthetic patients on a real anatomical template, written as BraTS writes them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import read_json, replacing_folder, write_json
from brainseg_utils.nifti import write_volume
from brainseg_utils.phantom.anatomy import Anatomy, build_anatomy, draw_head
from brainseg_utils.phantom.lesion import (
    Lesion,
    Plan,
    draw_plan,
    grow_lesion,
    push_tissue,
)
from brainseg_utils.phantom.scanner import SEQUENCES, draw_protocols, scan
from brainseg_utils.phantom.wide import (
    draw_wide_head,
    draw_wide_plan,
    draw_wide_protocols,
)

VOLUME_MM = (240, 240, 155)
FILES = (*SEQUENCES, "seg")
SETTINGS_FILE = "phantoms.json"
# Raised when the same seed starts to give other patients, so that folders do not mix.
GENERATOR = 1


def make_phantoms(
    folder: str | Path,
    count: int,
    seed: int = 0,
    spacing_mm: float = 1.0,
    workers: int = 2,
    wide: bool = False,
) -> Path:
    """Write `count` synthetic patients in BraTS layout; keep those that are there.

    Patient k depends on `seed`, k, `spacing_mm` and `wide` alone. Sequences are int16
    with background 0, masks uint8 with 1 necrotic core, 2 oedema, 4 enhancing tumour.

    Args:
        folder: Receives `Phantom_000/Phantom_000_t1.nii.gz` and so on.
        count: Number of patients, at least 1.
        seed: Chooses the patients.
        spacing_mm: Voxel size; 1 gives BraTS's 240x240x155 voxels, 4 suits tests.
        workers: Patients made at a time; each takes up to 1 GB at 1 mm.
        wide: Whether to make them as various as can be, to learn from, in place of
            like those of one hospital; see `phantom.wide`.

    Returns:
        `folder` as a path.

    Raises:
        BrainSegError: An argument is out of range, or `folder` holds phantoms that
            were made with other settings.
    """
    folder = Path(folder)
    _check_arguments(count, seed, spacing_mm, workers)
    _claim_folder(folder, seed, spacing_mm, wide)
    # Threads: numpy and gzip release the interpreter's lock, the template is shared,
    # and nothing is started anew inside a notebook that has loaded TensorFlow.
    with ThreadPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_write_phantom, folder, seed, index, spacing_mm, wide)
            for index in range(count)
        ]
        for job in jobs:
            job.result()
    return folder


def make_phantom(
    seed: int, index: int, spacing_mm: float = 1.0, wide: bool = False
) -> dict[str, np.ndarray]:
    """Return one synthetic patient: `t1`, `t1ce`, `t2`, `flair` int16, `seg` uint8.

    Arrays are `[x, y, z]` with x to the left, y posterior, z superior, as in BraTS.
    """
    anatomy, lesion, _ = make_patient(seed, index, spacing_mm, wide)
    rng = _streams(seed, index)[2]
    protocols = draw_wide_protocols(rng, spacing_mm) if wide else draw_protocols(rng)
    block = scan(anatomy, lesion, protocols, rng)
    block["seg"] = anatomy.fill(lesion.labels)
    return {name: _place(block[name], anatomy, spacing_mm) for name in FILES}


def make_patient(
    seed: int, index: int, spacing_mm: float = 1.0, wide: bool = False
) -> tuple[Anatomy, Lesion, Plan]:
    """Return the tissue and the lesion that `make_phantom` puts into the scanner."""
    anatomy_rng, lesion_rng, _ = _streams(seed, index)
    head = (draw_wide_head if wide else draw_head)(anatomy_rng)
    plan = (draw_wide_plan if wide else draw_plan)(lesion_rng, head)
    anatomy = build_anatomy(
        head, anatomy_rng, spacing_mm, lambda points: push_tissue(plan, points)
    )
    return anatomy, grow_lesion(plan, anatomy, lesion_rng), plan


def _streams(seed: int, index: int) -> list[np.random.Generator]:
    """Return independent generators for anatomy, lesion and scanner."""
    sequence = np.random.SeedSequence([seed, index])
    return [np.random.default_rng(child) for child in sequence.spawn(3)]


def _place(block: np.ndarray, anatomy: Anatomy, spacing_mm: float) -> np.ndarray:
    volume = np.zeros([round(mm / spacing_mm) for mm in VOLUME_MM], block.dtype)
    first = [round(float(axis[0]) / spacing_mm) for axis in anatomy.axes_mm]
    part = tuple(slice(f, f + n) for f, n in zip(first, block.shape, strict=True))
    room = volume[part].shape
    volume[part] = block[tuple(slice(0, n) for n in room)]
    return volume


def _write_phantom(
    folder: Path, seed: int, index: int, spacing_mm: float, wide: bool
) -> None:
    name = f"Phantom_{index:03d}"
    if all((folder / name / f"{name}_{file}.nii.gz").is_file() for file in FILES):
        return
    # Never left by this function, which renames whole folders; someone removed a file.
    shutil.rmtree(folder / name, ignore_errors=True)
    affine = np.diag((-spacing_mm, -spacing_mm, spacing_mm, 1.0))
    affine[1, 3] = VOLUME_MM[1] - 1
    with replacing_folder(folder / name) as temporary:
        for file, volume in make_phantom(seed, index, spacing_mm, wide).items():
            write_volume(temporary / f"{name}_{file}.nii.gz", volume, affine)


def _check_arguments(count: int, seed: int, spacing_mm: float, workers: int) -> None:
    for name, value, valid, wanted in (
        ("count", count, count >= 1, "at least 1"),
        ("seed", seed, seed >= 0, "0 or more"),
        ("spacing_mm", spacing_mm, 0.5 <= spacing_mm <= 8, "from 0.5 to 8"),
        ("workers", workers, workers >= 1, "at least 1"),
    ):
        if not valid:
            raise BrainSegError(
                "E-ARGUMENT", name, f"must be {wanted}, and is {value}.", "Change it."
            )


def _claim_folder(folder: Path, seed: int, spacing_mm: float, wide: bool) -> None:
    """Record the settings; refuse a folder whose patients were made with others."""
    settings = {"generator": GENERATOR, "seed": seed, "spacing_mm": spacing_mm}
    settings |= {"wide": wide} if wide else {}  # Folders of before know no other kind.
    record = folder / SETTINGS_FILE
    if not record.exists():
        write_json(record, settings)
    elif (found := read_json(record)) != settings:
        raise BrainSegError(
            "E-PHANTOMS",
            folder,
            f"holds phantoms made with {found}; asked for were {settings}.",
            "Choose another folder, or delete this one.",
        )
