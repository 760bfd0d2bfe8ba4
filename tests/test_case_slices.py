import numpy as np
import pytest

from brainseg_utils.store.case_slices import slice_case, tumour_outside
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.volumes import CaseVolumes

SCALES = [(100.0, 20.0), (50.0, 10.0)]


def make_volumes(axes=()):
    """Return noise in a box for a brain, stored backwards along some axes."""
    rng = np.random.default_rng(0)
    arrays = [np.zeros((6, 23, 20), np.int16) for _ in range(3)]
    for array in arrays:
        array[1:5, 4:20, 3:17] = rng.integers(1, 200, (4, 16, 14))
    t1, t2, mask = (np.flip(np.flip(a, axes).copy(), axes) for a in arrays)
    brain = np.flip(np.flip(t1, axes) > 0, axes)
    mask = np.flip((np.flip(mask, axes) > 150).astype(np.uint8), axes)
    return CaseVolumes({"t1": t1, "t2": t2}, brain, mask, np.eye(4), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("grid", [SliceGrid(16, 8), SliceGrid(9, 9), SliceGrid(30, 15)])
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_the_direction_of_storage_does_not_matter(axes, grid):
    plain = slice_case(make_volumes(), SCALES, grid)
    backwards = slice_case(make_volumes(axes), SCALES, grid)
    assert np.array_equal(backwards.images, plain.images)
    assert np.array_equal(backwards.masks, plain.masks)
    assert (backwards.z, backwards.corner) == (plain.z, plain.corner)
    assert plain.images.any() and plain.masks.any()


def test_slices_without_brain_are_left_out():
    slices = slice_case(make_volumes(), SCALES, SliceGrid(16, 16))
    assert slices.z == [1, 2, 3, 4] and len(slices.images) == len(slices.masks) == 4


def test_without_a_mask_the_masks_are_empty():
    volumes = make_volumes()
    volumes = CaseVolumes(volumes.sequences, volumes.brain, None, np.eye(4), (1.0,) * 3)
    assert not slice_case(volumes, SCALES, SliceGrid(16, 16)).masks.any()


def test_tumour_beyond_the_square_and_the_slices_is_counted():
    volumes, grid = make_volumes(), SliceGrid(8, 8)
    slices = slice_case(volumes, SCALES, grid)
    x, y = slices.corner
    inside = volumes.mask[1:5, y : y + 8, x : x + 8].sum()
    assert tumour_outside(slices, volumes.mask, grid) == volumes.mask.sum() - inside > 0
    assert tumour_outside(slices, volumes.mask, SliceGrid(40, 40)) > 0, (
        "corner is other"
    )
