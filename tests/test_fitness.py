from dataclasses import replace

import nibabel
import numpy as np
import pytest
from heads import LAYERS, brain_of, head_of
from refusals import assert_explained, refused
from standins import (
    SEQUENCES,
    SHAPE,
    SPACING_MM,
    straight,
    trained_on_formula,
    write_formula_patient,
)

from brainseg_utils.errors import BrainSegError
from brainseg_utils.prediction.new_patient import find_new_patients, load_new_patient


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return trained_on_formula(tmp_path_factory.mktemp("run")).inputs


def loaded(folder, inputs):
    (case,), _ = find_new_patients(folder, inputs)
    return load_new_patient(case, inputs)


def codes(folder, inputs):
    """Return the codes of all that is said of a patient."""
    try:
        return [warning.code for warning in loaded(folder, inputs).warnings]
    except BrainSegError as error:
        return [error.code]


def patient(tmp_path, spacing_mm=SPACING_MM, **how):
    shape = tuple((85 / np.broadcast_to(spacing_mm, 3) + 1).astype(int).tolist())
    return write_formula_patient(
        tmp_path / "P1", straight(spacing_mm, shape), shape, **how
    )


def test_a_patient_like_those_of_training_fits(tmp_path, inputs):
    assert codes(patient(tmp_path), inputs) == []


@pytest.mark.parametrize(
    ("spacing_mm", "wanted"),
    [
        ((1.0, 1.0, 7.5), []),
        ((1.0, 1.0, 8.0), ["W-SPACING"]),
        ((2.5, 2.5, 19.0), ["W-SPACING"]),
        ((2.5, 2.5, 21.0), ["E-SPACING"]),
        ((3.7, 2.5, 2.5), []),
        ((2.5, 4.0, 2.5), ["W-SPACING"]),
        ((2.5, 7.4, 2.5), ["W-SPACING"]),
        ((7.6, 7.6, 2.5), ["E-SPACING"]),
    ],
    ids=str,
)
def test_voxels_are_held_against_those_of_training(
    tmp_path, inputs, spacing_mm, wanted
):
    folder = patient(tmp_path, spacing_mm)
    assert codes(folder, inputs) == wanted


def test_voxels_of_a_twentieth_of_a_millimetre_are_refused(tmp_path, inputs):
    """As of a header in other units than millimetres."""
    affine = straight()
    affine[:3, :3] *= 0.02
    folder = write_formula_patient(tmp_path / "P1", straight())
    for path in folder.iterdir():
        data = np.asarray(nibabel.load(path).dataobj)
        nibabel.save(nibabel.Nifti1Image(data, affine), path)
    with refused("E-SPACING", folder / "P1_t1.nii.gz") as caught:
        loaded(folder, inputs)
    assert "0.05 x 0.05 x 0.05 mm" in caught.value.what
    assert "2.5 x 2.5 x 2.5 mm" in caught.value.what


@pytest.mark.parametrize(
    ("factor", "wanted"),
    [
        (0.45, ["E-SIZE"]),
        (0.85, ["W-SIZE"]),
        (0.95, []),
        (1.05, []),
        (1.15, ["W-SIZE"]),
        (1.3, ["E-SIZE"]),
    ],
)
def test_brains_are_held_against_those_of_training(tmp_path, inputs, factor, wanted):
    """A voxel size that is wrong by `factor` along each axis."""
    affine = straight(SPACING_MM * factor)
    folder = write_formula_patient(tmp_path / "P1", straight())
    for path in folder.iterdir():
        data = np.asarray(nibabel.load(path).dataobj)
        nibabel.save(nibabel.Nifti1Image(data, affine), path)
    assert codes(folder, inputs) == wanted


def write_heads(folder, layers):
    """Write a patient of whom every sequence shows these layers."""
    folder.mkdir(parents=True)
    edges = {"t1": 60, "t1ce": 70, "t2": 150, "flair": 90}
    for seed, (name, edge) in enumerate(edges.items()):
        head = head_of(brain_of(seed, edge), layers)
        affine = np.diag([SPACING_MM] * 3 + [1])
        nibabel.save(
            nibabel.Nifti1Image(head.T.astype(np.int16), affine),
            folder / f"{folder.name}_{name}.nii.gz",
        )
    return folder


def test_a_head_is_refused_and_its_brain_is_not(tmp_path, inputs):
    wide = replace(inputs, brain_ml=(150.0, 250.0))
    with refused("E-SKULL", tmp_path / "P1" / "P1_t1.nii.gz") as caught:
        loaded(write_heads(tmp_path / "P1", LAYERS), wide)
    assert "HD-BET" in caught.value.remedy
    brain = codes(write_heads(tmp_path / "P2", {}), wide)
    assert "E-SKULL" not in brain and not any(c.startswith("E-") for c in brain)


def test_swapped_sequences_are_named(tmp_path, inputs):
    folder = patient(tmp_path)
    one, other = (folder / f"P1_{name}.nii.gz" for name in ("t1", "flair"))
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    (warning,) = loaded(folder, inputs).warnings
    assert_explained(warning, "W-SWAP", folder)
    assert "t1 and flair" in warning.what


def test_a_look_unlike_all_of_training_is_told(tmp_path, inputs):
    def striped(name, data):
        return (data * (1 + np.arange(len(data)) % 4)[:, None, None]).astype(np.int16)

    assert codes(patient(tmp_path, change=striped), inputs) == ["W-RANGE"]


def test_sequences_that_lie_beside_one_another_are_refused(tmp_path, inputs):
    far = straight()
    far[0, 3] += 40
    affines = {**dict.fromkeys(SEQUENCES, straight()), "t2": far}
    folder = write_formula_patient(
        tmp_path / "P1", dict.fromkeys(SEQUENCES, straight())
    )
    data = np.asarray(nibabel.load(folder / "P1_t2.nii.gz").dataobj)
    nibabel.save(nibabel.Nifti1Image(data, affines["t2"]), folder / "P1_t2.nii.gz")
    with refused("E-AFFINE", folder / "P1_t2.nii.gz") as caught:
        loaded(folder, inputs)
    assert "of its brain lie where that of t1 lies" in caught.value.what


def test_a_sequence_of_another_grid_is_told_once(tmp_path, inputs):
    shapes = {**dict.fromkeys(SEQUENCES, SHAPE), "t2": (40, 45, 38)}
    affines = {name: straight(80 / shape[0], shape) for name, shape in shapes.items()}
    folder = write_formula_patient(tmp_path / "P1", affines, shapes)
    (warning,) = loaded(folder, inputs).warnings
    assert_explained(warning, "W-GRID", folder / "P1_t2.nii.gz")
