import numpy as np
import pytest
from patients import BRAIN, SHAPE, make_mask
from refusals import assert_explained, refused

from brainseg_utils.cases import find_cases
from brainseg_utils.nifti import read_volume, write_volume
from brainseg_utils.volumes import load_case, normalise


@pytest.fixture
def case(patient_folder):
    return find_cases(patient_folder("P0"))[0][0]


def rewrite(path, change=lambda data: data, affine=None):
    data, stored_affine = read_volume(path)
    affine = stored_affine if affine is None else affine
    write_volume(path, change(data.copy()), affine)


def shifted(millimetres):
    affine = np.eye(4)
    affine[0, 3] = millimetres
    return affine


def test_a_patient_is_read_whole(case):
    volumes = load_case(case)
    assert volumes.image.shape == (*SHAPE, 4)
    assert volumes.image.dtype == np.float32
    assert np.array_equal(volumes.mask, make_mask(3) > 0)
    assert volumes.mask.sum() == 3**3
    assert volumes.mask.dtype == np.uint8
    assert volumes.spacing_mm == (1.0, 1.0, 1.0)
    assert volumes.warnings == ()


def test_channels_are_in_the_order_of_the_sequences(patient_folder):
    names = ("flair", "t1ce")
    case = find_cases(patient_folder("P0"), names)[0][0]
    image = load_case(case).image
    for channel, name in enumerate(names):
        stored = read_volume(case.sequences[name]).data
        assert np.array_equal(image[..., channel], stored)


def test_the_brain_is_where_any_sequence_is_not_0(case):
    def hole_and_speck(data):
        data[10, 10, 5] = 0  # The other sequences still hold brain here.
        data[0, 0, 0] = -1
        return data

    rewrite(case.sequences["t2"], hole_and_speck)
    wanted = np.zeros(SHAPE, bool)
    wanted[BRAIN] = True
    wanted[0, 0, 0] = True
    assert np.array_equal(load_case(case).brain, wanted)


def test_files_may_be_stored_in_different_orientations(case):
    before = load_case(case)
    flair = read_volume(case.sequences["flair"]).data
    turned = np.diag([-1.0, -1.0, 1.0, 1.0])
    turned[:2, 3] = SHAPE[0] - 1, SHAPE[1] - 1
    write_volume(case.sequences["flair"], flair[::-1, ::-1], turned)
    assert np.array_equal(load_case(case).image, before.image)


def test_a_patient_without_mask_has_none(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "P0_seg.nii.gz").unlink()
    volumes = load_case(find_cases(folder, need_mask=False)[0][0])
    assert volumes.mask is None and volumes.warnings == ()


@pytest.mark.parametrize("role", ["t2", "mask"])
def test_another_shape_is_refused(case, role):
    path = {**case.sequences, "mask": case.mask}[role]
    rewrite(path, lambda data: data[:, :, :-1])
    with refused("E-SHAPE", path.parent) as caught:
        load_case(case)
    assert path.name in caught.value.what and "(24, 20, 11)" in caught.value.what


@pytest.mark.parametrize("role", ["t2", "mask"])
@pytest.mark.parametrize("millimetres", [0.01, -1.0])
def test_a_shift_is_refused(case, role, millimetres):
    path = {**case.sequences, "mask": case.mask}[role]
    rewrite(path, affine=shifted(millimetres))
    with refused("E-AFFINE", path) as caught:
        load_case(case)
    assert f"{abs(millimetres):.3g}" in caught.value.what


def test_rounding_in_the_affine_is_accepted(case):
    rewrite(case.mask, affine=shifted(1e-7))
    assert load_case(case).mask.any()


def test_nan_voxels_are_refused(case):
    def nan_in_one_voxel(data):
        data = data.astype(np.float32)
        data[0, 0, 0] = np.nan
        return data

    rewrite(case.sequences["t1"], nan_in_one_voxel)
    with refused("E-NII-NONFINITE", case.sequences["t1"]):
        load_case(case)


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_sequence_is_refused(case, value):
    rewrite(case.sequences["t2"], lambda data: np.full_like(data, value))
    with refused("E-SEQ-CONST", case.sequences["t2"]) as caught:
        load_case(case)
    assert f"every voxel is {value}." in caught.value.what


def test_an_unknown_label_is_refused(case):
    rewrite(case.mask, lambda mask: mask + (mask == 1) * np.uint8(2))
    with refused("E-LABEL", case.mask) as caught:
        load_case(case)
    assert "{3.0: 1}" in caught.value.what


def test_an_empty_mask_is_allowed_and_listed(case):
    rewrite(case.mask, np.zeros_like)
    volumes = load_case(case)
    assert not volumes.mask.any()
    (warning,) = volumes.warnings
    assert_explained(warning, "W-EMPTY", case.mask)


def test_a_truncated_sequence_is_refused(case):
    path = case.sequences["flair"]
    path.write_bytes(path.read_bytes()[:-100])
    with refused("E-READ", path):
        load_case(case)


def test_normalised_voxels_by_hand():
    # Inside the brain 1, 3 and 5: mean 3, deviation sqrt(8 / 3).
    image = np.array([1, 3, 5, 9], np.float32).reshape(4, 1, 1, 1)
    brain = np.array([True, True, True, False]).reshape(4, 1, 1)
    expected = [-2 / (8 / 3) ** 0.5, 0, 2 / (8 / 3) ** 0.5, 0]
    normalised = normalise(image, brain)
    assert normalised.ravel().tolist() == pytest.approx(expected)
    assert normalised.dtype == np.float32


def test_each_channel_is_normalised_by_itself():
    rng = np.random.default_rng(0)
    scale, offset = np.array([1, 1000], np.float32), np.array([0, 5000], np.float32)
    image = rng.normal(size=(20, 20, 20, 1)).astype(np.float32) * scale + offset
    brain = np.ones((20, 20, 20), bool)
    inside = normalise(image, brain)
    assert inside.mean(axis=(0, 1, 2)) == pytest.approx([0, 0], abs=1e-4)
    assert inside.std(axis=(0, 1, 2)) == pytest.approx([1, 1], abs=1e-4)


def test_a_very_bright_voxel_is_clipped():
    # Of n voxels one stands sqrt(n - 1) deviations out: here 10.
    image = np.zeros((101, 1, 1, 1), np.float32)
    image[0] = 1000
    normalised = normalise(image, np.ones((101, 1, 1), bool))
    assert normalised.max() == 5
    assert normalised[1:] == pytest.approx(-0.1)


def test_a_channel_that_is_constant_in_the_brain_becomes_0():
    image = np.full((3, 1, 1, 1), 7, np.float32)
    assert not normalise(image, np.ones((3, 1, 1), bool)).any()
