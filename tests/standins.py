"""Patients given by formulas in millimetres, and a network that needs no training.

The brain is an ellipsoid and the tumour a ball, so that a mask can be held against the
formula at each voxel's place, whatever grid the voxels lie on.
"""

from pathlib import Path

import nibabel
import numpy as np

from brainseg_utils.cases import find_cases
from brainseg_utils.config import TrainingConfig
from brainseg_utils.prediction.trained_runs import TrainedRun
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import Run
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid

SEQUENCES = ("t1", "t1ce", "t2", "flair")
SPACING_MM = 2.5
SHAPE = (32, 36, 30)
MIDDLE_MM = np.array([3.0, -20.0, 15.0])
BRAIN_MM = np.array([29.0, 34.0, 27.0])  # Half axes.
TUMOUR_MM = MIDDLE_MM + (9.0, -11.0, 6.0)
RADIUS_MM = 9.0
# Brightness of brain and tumour, and how it changes from the brain's middle outwards.
LOOKS = {
    "t1": (160, 90, -80),
    "t1ce": (170, 190, -70),
    "t2": (80, 180, 90),
    "flair": (140, 400, -50),
}


def straight(spacing_mm=SPACING_MM, shape=SHAPE):
    """Return an affine whose axes run as RAS+, with the brain in the middle."""
    affine = np.diag([*np.broadcast_to(spacing_mm, 3), 1.0])
    affine[:3, 3] = MIDDLE_MM - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def stored_as(code, affine, shape=SHAPE):
    """Return affine and shape of the same voxels stored along other axes."""
    wanted = nibabel.orientations.axcodes2ornt(code)
    here = nibabel.io_orientation(affine)
    turn = nibabel.orientations.ornt_transform(here, wanted)
    order = np.argsort(turn[:, 0]).astype(int)
    back = nibabel.orientations.inv_ornt_aff(turn, shape)
    return affine @ back, tuple(shape[axis] for axis in order)


def tilted(affine, degrees):
    """Return an affine turned about the brain's middle, about x, y and z in turn."""
    turn = nibabel.eulerangles.euler2mat(*np.deg2rad(degrees))
    whole = np.eye(4)
    whole[:3, :3] = turn
    whole[:3, 3] = MIDDLE_MM - turn @ MIDDLE_MM
    return whole @ affine


def places(affine, shape):
    """Return the place of each voxel's middle, `[i, j, k, 3]` in RAS+ mm."""
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return nibabel.affines.apply_affine(affine, voxels)


def depth_of(mm):
    """Return how far from the middle places are; the brain's edge is at 1."""
    return np.linalg.norm((mm - MIDDLE_MM) / BRAIN_MM, axis=-1)


def from_tumour(mm):
    """Return the distance of places from the tumour's middle, in mm."""
    return np.linalg.norm(mm - TUMOUR_MM, axis=-1)


def image_of(name, affine, shape):
    """Return a sequence as a scanner with these voxels sees it, int16."""
    mm, (brain, tumour, rise) = places(affine, shape), LOOKS[name]
    depth = depth_of(mm)
    rng = np.random.default_rng(SEQUENCES.index(name))
    data = brain + rise * depth + rng.normal(0, 2, shape)
    data[from_tumour(mm) <= RADIUS_MM] = tumour
    return np.where(depth <= 1, data, 0).astype(np.int16)


def write_formula_patient(folder, affine, shape=SHAPE, codes=(1, 1), change=None):
    """Write a patient in BraTS naming, called as its folder, and return the folder.

    Args:
        folder: Where to.
        affine: Of the voxels, or one for each sequence.
        shape: Likewise.
        codes: Of qform and sform.
        change: Takes a sequence's name and voxels, and returns others.
    """
    folder = Path(folder)
    folder.mkdir(parents=True)
    for name in SEQUENCES:
        own = affine[name] if isinstance(affine, dict) else affine
        size = shape[name] if isinstance(shape, dict) else shape
        data = image_of(name, own, size)
        data = change(name, data) if change else data
        image = nibabel.Nifti1Image(data, own)
        image.set_qform(own, codes[0])
        image.set_sform(own, codes[1])
        image.header.set_xyzt_units("mm")
        nibabel.save(image, folder / f"{folder.name}_{name}.nii.gz")
    return folder


class Bright:
    """Answers 1 where a channel is bright, and counts the slices it has seen."""

    def __init__(self, channel=-1):
        self.channel, self.seen = channel, 0

    def predict_on_batch(self, images):
        self.seen += len(images)
        return (images[..., self.channel, None] > 2.0).astype(np.float32)


def trained_on_formula(folder, model=None, **choices):
    """Return a run that was trained on such a patient, with a stand-in network."""
    patient = write_formula_patient(folder / "trained" / "T0", straight())
    mask = from_tumour(places(straight(), SHAPE)) <= RADIUS_MM
    image = nibabel.Nifti1Image(mask.astype(np.uint8), straight())
    nibabel.save(image, patient / "T0_seg.nii.gz")
    cases, _ = find_cases(folder / "trained")
    store = prepare_slices(cases, folder / "prepared", SliceGrid(32, 32))
    config = TrainingConfig("cnn2", **choices)
    inputs = RunInputs.of(store, ["T0"])
    return TrainedRun(Run(folder / "run"), config, inputs, model or Bright())
