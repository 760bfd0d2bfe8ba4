import numpy as np
import pytest

from brainseg_utils.doctor.profiles import (
    PERCENTILES,
    mean_and_deviation,
    power_sums,
    profile_case,
)
from brainseg_utils.volumes import CaseVolumes


def make_volumes(**sequences):
    brain = np.any([array != 0 for array in sequences.values()], axis=0)
    return CaseVolumes(sequences, brain, None, np.eye(4), (1.0, 1.0, 1.0))


def noise(seed, shape=(4, 10, 10)):
    return np.random.default_rng(seed).integers(1, 500, shape).astype(np.int16)


def test_mean_and_deviation_by_hand():
    # 1, 3, 5 and a hole of 0 in a brain of 4 voxels.
    mean, deviation = mean_and_deviation(1 + 3 + 5, 1 + 9 + 25, 4)
    assert mean == 9 / 4 and deviation == np.sqrt(35 / 4 - 81 / 16)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.float32])
def test_sums_are_of_all_voxels_whatever_their_type_and_direction(dtype):
    array = noise(0).astype(dtype)
    exact = array.astype(object)
    for view in (array, array[:, ::-1, ::-1], array.transpose(2, 0, 1)):
        assert power_sums(view) == (exact.sum(), (exact**2).sum())


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_scales_are_numpy_s_over_the_brain(dtype):
    array = np.zeros((6, 12, 12), dtype)
    array[1:5, 2:9, 3:11] = noise(0, (4, 7, 8))
    inside = array[array != 0].astype(float)
    ((mean, deviation),) = profile_case(make_volumes(t1=array)).scales
    assert mean == pytest.approx(inside.mean()) and deviation == pytest.approx(
        inside.std()
    )


@pytest.mark.parametrize("value", [1, 0.1, 1e6, -3])
def test_a_constant_has_no_deviation(value):
    array = np.full((3, 5, 7), value, np.float32)
    assert profile_case(make_volumes(t1=array)).scales[0][1] == 0


def test_no_brain_has_neither():
    array = np.zeros((3, 4, 4), np.int16)
    assert profile_case(make_volumes(t1=array)).scales == [(0, 0)]


def test_percentiles_and_correlations_are_of_the_brain():
    t1, t2 = noise(0), noise(1)
    t1[0], t2[0] = 0, 0
    profile = profile_case(make_volumes(t1=t1, t2=t2))
    assert profile.percentiles[1] == np.percentile(t2[1:], PERCENTILES).tolist()
    expected = np.corrcoef(t1[1:].ravel(), t2[1:].ravel())
    assert np.array(profile.correlations) == pytest.approx(expected)
    assert profile.filled == [0.75, 0.75]


def test_a_large_volume_is_sampled_evenly():
    array = np.zeros((64, 64, 64), np.int16)
    array[8:56, 8:56, 8:56] = noise(0, (48, 48, 48))
    profile = profile_case(make_volumes(t1=array))
    assert profile.percentiles[0][3] == pytest.approx(250, abs=15)
    assert profile.filled[0] == pytest.approx(0.75**3, abs=0.01)


def fingerprint(array):
    return profile_case(make_volumes(t1=array)).fingerprints[0]


@pytest.mark.parametrize("turn", [(1,), (0, 2)])
def test_a_scan_has_one_fingerprint_however_it_is_stored(turn):
    array = noise(0)
    stored = np.flip(np.flip(array, turn).copy(), turn)
    assert fingerprint(stored) == fingerprint(array.astype(np.float32))
    assert fingerprint(stored) == fingerprint(array)


def test_another_voxel_and_another_place_give_another_fingerprint():
    array, touched = noise(0), noise(0)
    touched[0, 0, 0] += 1
    assert fingerprint(touched) != fingerprint(array) != fingerprint(array[::-1])
