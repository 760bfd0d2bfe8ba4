import numpy as np
import pytest
from scipy.spatial.distance import pdist

from brainseg_utils.prediction.measures import FEW, diameter_mm, measure

SPACING = np.diag([1.0, 2.0, 3.0, 1.0])


def box(*sides, shape=(12, 12, 12)):
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(1, 1 + side) for side in sides)] = 1
    return mask


def tilted(affine):
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    return turn @ affine


def test_a_box_by_hand():
    size = measure(box(4, 3, 2), SPACING)
    assert size.volume_ml == pytest.approx(24 * 6 / 1000)
    # Between middles: 3 voxels of 1 mm, 2 of 2 mm, 1 of 3 mm.
    assert size.diameter_mm == pytest.approx(np.sqrt(3**2 + 4**2 + 3**2))
    assert size.slices == 2


def test_an_oblique_grid_measures_the_same():
    one, other = (measure(box(4, 3, 2), a) for a in (SPACING, tilted(SPACING)))
    assert other.volume_ml == pytest.approx(one.volume_ml)
    assert other.diameter_mm == pytest.approx(one.diameter_mm)
    assert other.slices == one.slices


def test_slices_are_counted_upwards_whichever_axis_that_is():
    mask = box(4, 3, 2)
    permuted = SPACING[:, [2, 0, 1, 3]]  # Stored axes: z, x, y.
    assert measure(np.moveaxis(mask, 2, 0), permuted).slices == 2
    assert measure(np.moveaxis(mask, 2, 0), permuted) == measure(mask, SPACING)


def test_nothing_and_one_voxel_have_no_diameter():
    for mask, voxels in ((box(0, 0, 0), 0), (box(1, 1, 1), 1)):
        size = measure(mask, SPACING)
        assert size.volume_ml == pytest.approx(0.006 * voxels)
        assert (size.diameter_mm, size.slices) == (0, voxels)


@pytest.mark.parametrize(
    "sides", [(40, 40, 1), (1, 40, 40), (40, 1, 1), (40, 40, 4)], ids=str
)
def test_large_masks_are_measured_as_point_by_point(sides):
    """Also where all lie in a plane, which has no hull of its own."""
    mask = box(*sides, shape=(42, 42, 42))
    affine = tilted(SPACING)
    points = np.argwhere(mask) @ affine[:3, :3].T
    assert sides == (40, 1, 1) or len(points) > FEW
    assert diameter_mm(mask, affine) == pytest.approx(pdist(points).max(), abs=1e-6)


def test_ragged_masks_are_measured_as_point_by_point():
    rng = np.random.default_rng(0)
    for share in (0.001, 0.02, 0.3):
        mask = rng.random((24, 20, 16)) < share
        points = np.argwhere(mask) * [1, 2, 3]
        assert diameter_mm(mask, SPACING) == pytest.approx(pdist(points).max())
