import numpy as np
import pytest
from standins import SHAPE, depth_of, image_of, places, straight, tilted

from brainseg_utils.nifti import Volume
from brainseg_utils.prediction.resampling import (
    Grid,
    pixels_as,
    resample,
    resample_probability,
)

OWN = Grid(SHAPE, straight())


def corners(grid):
    """Return the places of a volume's two outermost corners, in mm."""
    edges = np.array([[-0.5] * 3, np.array(grid.shape) - 0.5])
    return edges @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def test_a_grid_with_pixels_as_in_training_is_left_as_it_is():
    for spacing in ((2.5, 2.5, 2.5), (1.0, 1.0, 1.0), (1.0, 1.015, 9.0)):
        assert pixels_as(OWN, spacing) is OWN


def test_other_pixels_cover_the_same_space_in_the_same_planes():
    own = Grid((32, 12, 9), tilted(straight((2.0, 6.0, 5.0), (32, 12, 9)), (9, 4, 7)))
    grid = pixels_as(own, (1.0, 1.0, 1.0))
    assert grid.spacing_mm == pytest.approx((1.0, 1.0, 5.0))
    assert grid.shape == (64, 72, 9)
    assert np.allclose(corners(grid), corners(own))


def test_the_brain_keeps_its_brightness_up_to_its_edge():
    flat = (depth_of(places(straight(), SHAPE)) <= 1).astype(np.int16) * 700
    fine = Grid((70, 80, 66), straight(1.1, (70, 80, 66)))
    found = resample(Volume(flat, straight()), fine).data
    assert set(np.unique(np.rint(found))) == {0, 700}
    depth = depth_of(places(fine.affine, fine.shape))
    assert (found[depth < 0.9] > 0).all() and (found[depth > 1.1] == 0).all()


def test_brightness_comes_from_the_same_place():
    data = image_of("t2", straight(), SHAPE)
    other = Grid((50, 40, 44), tilted(straight(2.0, (50, 40, 44)), (10, -20, 5)))
    found = resample(Volume(data, straight()), other).data
    wanted = image_of("t2", other.affine, other.shape)
    inside = depth_of(places(other.affine, other.shape)) < 0.9
    assert np.corrcoef(found[inside], wanted[inside])[0, 1] > 0.9


def test_the_outermost_voxels_count_to_their_edges():
    full = Volume(np.full((4, 4, 4), 9, np.int16), np.diag([5.0, 5.0, 5.0, 1.0]))
    fine = Grid((20, 20, 20), np.eye(4))
    fine.affine[:3, 3] = -2
    found = resample(full, fine).data
    for axis in range(3):  # But for corners, of which half is outside.
        assert np.allclose(np.moveaxis(found, axis, 0)[:, 2:-2, 2:-2], 9)


def test_probabilities_come_back_and_stay_in_their_range():
    there = pixels_as(
        Grid((32, 14, 30), straight((2.5, 6, 2.5), (32, 14, 30))), (1, 1, 1)
    )
    data = np.random.default_rng(0).random(there.shape, np.float32)
    back = resample_probability(data, there, OWN)
    assert back.shape == SHAPE and 0 <= back.min() < 0.3 < 0.7 < back.max() <= 1
    assert resample_probability(data, there, there) is data


@pytest.mark.parametrize("change", [1e-4, -1e-4])
def test_rounding_in_a_header_is_no_other_grid(change):
    near, far = straight(), straight()
    near[1, 3] += change
    far[1, 3] += 100 * change
    assert Grid(SHAPE, near).equals(OWN) and not Grid(SHAPE, far).equals(OWN)
    assert not Grid((32, 36, 31), straight()).equals(OWN)
