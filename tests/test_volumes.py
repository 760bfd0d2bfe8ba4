import numpy as np
import pytest
from patients import BRAIN, SHAPE, make_mask
from refusals import refused

from brainseg_utils.cases import find_cases
from brainseg_utils.nifti import read_volume, write_volume
from brainseg_utils.volumes import load_case, read_mask, read_sequence


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
    assert tuple(volumes.sequences) == tuple(case.sequences)
    assert {array.shape for array in volumes.sequences.values()} == {SHAPE[::-1]}
    assert np.array_equal(volumes.mask, make_mask(3).T > 0)
    assert volumes.mask.dtype == np.uint8
    assert volumes.spacing_mm == (1.0, 1.0, 1.0)


def test_sequences_are_those_of_their_files_in_the_order_asked_for(patient_folder):
    case = find_cases(patient_folder("P0"), ("flair", "t1ce"))[0][0]
    sequences = load_case(case).sequences
    assert list(sequences) == ["flair", "t1ce"]
    for name, array in sequences.items():
        assert np.array_equal(array.T, read_volume(case.sequences[name]).data)
        assert np.array_equal(array.T, read_sequence(case, name).data)


def test_the_brain_is_where_any_sequence_is_not_0(case):
    def hole_and_speck(data):
        data[10, 10, 5] = 0  # The other sequences still hold brain here.
        data[0, 0, 0] = -1
        return data

    rewrite(case.sequences["t2"], hole_and_speck)
    wanted = np.zeros(SHAPE, bool)
    wanted[BRAIN] = True
    wanted[0, 0, 0] = True
    assert np.array_equal(load_case(case).brain.T, wanted)


@pytest.mark.parametrize("turned", ["all", "one", "the first"])
def test_files_may_be_stored_in_different_orientations(case, turned):
    before = load_case(case)
    paths = [*case.sequences.values(), case.mask]
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine[:2, 3] = SHAPE[0] - 1, SHAPE[1] - 1
    for path in {"all": paths, "one": paths[3:4], "the first": paths[:1]}[turned]:
        write_volume(path, read_volume(path).data[::-1, ::-1], affine)
    after = load_case(case)
    assert np.array_equal(after.brain, before.brain)
    assert np.array_equal(after.mask, before.mask)
    for name, array in before.sequences.items():
        assert np.array_equal(after.sequences[name], array)


def test_sagittal_files_are_turned_to_axial(case):
    before = load_case(case)
    for path in [*case.sequences.values(), case.mask]:
        data = np.moveaxis(read_volume(path).data, 0, 2)  # Stored axes: y, z, x.
        write_volume(path, data, np.eye(4)[[2, 0, 1, 3]])
    after = load_case(case)
    assert np.array_equal(after.sequences["t2"], before.sequences["t2"])
    assert np.array_equal(after.mask, before.mask)


def test_a_patient_without_mask_has_none(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "P0_seg.nii.gz").unlink()
    assert load_case(find_cases(folder, need_mask=False)[0][0]).mask is None


def test_the_whole_tumour_is_read_for_scoring(case):
    mask, affine = read_mask(case)
    assert np.array_equal(mask, make_mask(3) > 0) and mask.dtype == np.uint8
    assert np.array_equal(affine, np.eye(4))


@pytest.mark.parametrize("role", ["t2", "mask"])
def test_another_shape_is_refused(case, role):
    path = {**case.sequences, "mask": case.mask}[role]
    rewrite(path, lambda data: data[:, :, :-1])
    with refused("E-SHAPE", path.parent) as caught:
        load_case(case)
    assert f"'{role}': (24, 20, 11)" in caught.value.what


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


def test_an_unknown_label_is_refused(case):
    rewrite(case.mask, lambda mask: mask + (mask == 1) * np.uint8(2))
    with refused("E-LABEL", case.mask) as caught:
        load_case(case)
    assert "{3.0: 1}" in caught.value.what


def test_a_truncated_sequence_is_refused(case):
    path = case.sequences["flair"]
    path.write_bytes(path.read_bytes()[:-100])
    with refused("E-NII-GZ", path):
        load_case(case)
