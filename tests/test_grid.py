import numpy as np
import pytest

from brainseg_utils.errors import BrainSegError
from brainseg_utils.grid import SliceGrid


def make_box(shape, *spans):
    box = np.zeros(shape, bool)
    box[tuple(slice(*span) for span in spans)] = True
    return box


def test_the_square_is_centred_on_the_brain():
    brain = make_box((30, 20, 4), (10, 20), (4, 12), (0, 4))
    # Middles 15 and 8, half a side is 5.
    assert SliceGrid(10, 10).corner(brain) == (15 - 5, 8 - 5)


def test_the_corner_may_lie_outside_the_volume():
    brain = make_box((10, 10, 2), (0, 10), (0, 10), (0, 2))
    assert SliceGrid(16, 16).corner(brain) == (5 - 8, 5 - 8)


def test_the_brain_of_the_square_s_size_is_cut_whole():
    for start in range(4):
        brain = make_box((14, 14, 1), (start, start + 10), (2, 12), (0, 1))
        grid = SliceGrid(10, 10)
        assert grid.cut_mask(brain, grid.corner(brain)).sum() == 10 * 10


def test_no_brain_gives_a_corner_all_the_same():
    assert SliceGrid(4, 4).corner(np.zeros((6, 6, 2), bool)) == (-2, -2)


def test_height_runs_along_y_and_width_along_x():
    mask = make_box((8, 8, 3), (5, 6), (2, 3), (1, 2))
    slices = SliceGrid(8, 8).cut_mask(mask, (0, 0))
    assert slices.shape == (3, 8, 8)
    assert np.argwhere(slices).tolist() == [[1, 2, 5]]  # [z, y, x]


def test_a_pixel_is_the_mean_of_the_voxels_it_covers():
    image = np.zeros((4, 4, 1, 1), np.float32)
    image[:2, :2, 0, 0] = [[1, 2], [3, 6]]
    slices = SliceGrid(4, 2).cut_image(image, (0, 0))
    assert slices[0, ..., 0].tolist() == [[(1 + 2 + 3 + 6) / 4, 0], [0, 0]]
    assert slices.dtype == np.float32


def test_a_mask_pixel_is_tumour_from_half_of_its_voxels_up():
    mask = np.zeros((4, 2, 1), np.uint8)
    mask[0, :, 0] = 1  # Two voxels of the first pixel's four.
    mask[2, 0, 0] = 1  # One voxel of the second's.
    assert SliceGrid(2, 1).cut_mask(mask, (0, 0)).ravel().tolist() == [1]
    assert SliceGrid(2, 1).cut_mask(mask, (2, 0)).ravel().tolist() == [0]


def test_beyond_the_volume_lie_zeros():
    image = np.ones((2, 2, 1, 1), np.float32)
    slices = SliceGrid(4, 4).cut_image(image, (-1, -1))
    assert slices[0, ..., 0].tolist() == [
        [0, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 0],
    ]


@pytest.mark.parametrize(("crop_size", "image_size"), [(20, 16), (10, 16), (7, 3)])
def test_sizes_need_not_divide(crop_size, image_size):
    grid = SliceGrid(crop_size, image_size)
    image = np.full((24, 24, 2, 3), 7, np.float32)
    slices = grid.cut_image(image, (1, 1))
    assert slices.shape == (2, image_size, image_size, 3)
    assert slices == pytest.approx(7)
    mask = make_box((24, 24, 2), (1, 1 + crop_size), (1, 1 + crop_size), (0, 1))
    masks = grid.cut_mask(mask, (1, 1))
    assert masks[0].all() and not masks[1].any()


@pytest.mark.parametrize(("crop_size", "image_size"), [(16, 16), (16, 8), (20, 16)])
def test_a_mask_returns_to_where_it_was_cut(crop_size, image_size):
    shape = (30, 24, 5)
    mask = make_box(shape, (10, 18), (6, 12), (1, 4))  # Not a square: x is not y.
    grid = SliceGrid(crop_size, image_size)
    slices = grid.cut_mask(mask, (6, 2))
    restored = grid.restore(slices, np.arange(5), (6, 2), shape) >= 0.5
    if crop_size % image_size == 0:
        assert np.array_equal(restored, mask)
    overlap = 2 * (restored & mask).sum() / (restored.sum() + mask.sum())
    assert overlap > 0.9


def test_slices_return_to_their_own_z_and_nowhere_else():
    slices = np.stack([np.full((4, 4), 1.0), np.full((4, 4), 2.0)])
    volume = SliceGrid(4, 4).restore(slices, [3, 1], (0, 0), (4, 4, 5))
    assert volume[0, 0].tolist() == [0, 2, 0, 1, 0]


def test_restoring_beyond_the_border_cuts_off():
    slices = np.arange(16.0).reshape(1, 4, 4)  # [y, x]
    volume = SliceGrid(4, 4).restore(slices, [0], (-1, -2), (3, 3, 1))
    # Voxel (x, y) is pixel [y + 2, x + 1]; y = 2 is beyond the square.
    assert volume[..., 0].tolist() == [[9, 13, 0], [10, 14, 0], [11, 15, 0]]


@pytest.mark.parametrize("sizes", [(0, 16), (16, 0), (-4, 16), (16.0, 16)])
def test_sizes_that_are_no_positive_integers_are_refused(sizes):
    with pytest.raises(BrainSegError, match="wanted a positive whole number"):
        SliceGrid(*sizes)
