import numpy as np
import pytest

from brainseg_utils.errors import BrainSegError
from brainseg_utils.store.grid import SliceGrid


def make_box(shape, *spans):
    box = np.zeros(shape, bool)
    box[tuple(slice(*span) for span in spans)] = True
    return box


def cut(grid, plane, corner):
    (pixels,) = grid.cut(np.asarray(plane)[None], corner)
    return pixels


def test_the_square_is_centred_on_the_brain():
    footprint = make_box((30, 20), (10, 20), (4, 12))
    # Middles 15 and 8, half a side is 5.
    assert SliceGrid(10, 10).corner(footprint) == (15 - 5, 8 - 5)


def test_the_corner_may_lie_outside_the_volume():
    assert SliceGrid(16, 16).corner(np.ones((10, 10), bool)) == (5 - 8, 5 - 8)


def test_the_brain_of_the_square_s_size_is_cut_whole():
    for start in range(4):
        footprint = make_box((14, 14), (start, start + 10), (2, 12))
        grid = SliceGrid(10, 10)
        assert cut(grid, footprint.T, grid.corner(footprint)).sum() == 10 * 10


def test_no_brain_gives_a_corner_all_the_same():
    assert SliceGrid(4, 4).corner(np.zeros((6, 6), bool)) == (-2, -2)


def test_the_corner_is_x_and_y_and_the_plane_y_and_x():
    plane = make_box((8, 6), (5, 6), (2, 3))  # y = 5, x = 2.
    assert np.argwhere(cut(SliceGrid(4, 4), plane, (1, 3))).tolist() == [[2, 1]]


def test_a_pixel_is_the_mean_of_the_voxels_it_covers():
    plane = np.zeros((4, 4), np.int16)
    plane[:2, :2] = [[1, 2], [3, 6]]
    pixels = cut(SliceGrid(4, 2), plane, (0, 0))
    assert pixels.tolist() == [[(1 + 2 + 3 + 6) / 4, 0], [0, 0]]
    assert pixels.dtype == np.float32


def test_a_voxel_that_two_pixels_share_counts_for_both_by_its_area():
    # Three voxels to two pixels: each covers one voxel and half of the middle one.
    plane = np.array([[0, 6, 0]] * 3)
    assert cut(SliceGrid(3, 2), plane, (0, 0)) == pytest.approx(6 * 0.5 / 1.5)


def test_large_whole_numbers_are_averaged_without_overflow():
    plane = np.full((4, 4), 32767, np.int16)
    assert (cut(SliceGrid(4, 2), plane, (0, 0)) == 32767).all()


def test_beyond_the_plane_lie_zeros():
    pixels = cut(SliceGrid(4, 4), np.ones((2, 2)), (-1, -1))
    assert pixels.tolist() == [
        [0, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 0],
    ]


@pytest.mark.parametrize("sizes", [(6, 3), (7, 3), (9, 4), (5, 8), (10, 7), (192, 97)])
def test_planes_cut_together_are_those_cut_alone(sizes):
    volume = np.random.default_rng(0).integers(0, 999, (5, 40, 30)).astype(np.int16)
    grid = SliceGrid(*sizes)
    together = grid.cut(volume, (3, -2))
    assert together.shape == (5, sizes[1], sizes[1])
    for plane, pixels in zip(volume, together, strict=True):
        assert cut(grid, plane, (3, -2)) == pytest.approx(pixels, rel=1e-5, abs=1e-3)


def test_a_square_wholly_beyond_the_plane_is_zero():
    assert not cut(SliceGrid(4, 4), np.ones((2, 2)), (7, -9)).any()


@pytest.mark.parametrize(("crop_size", "image_size"), [(20, 16), (10, 16), (7, 3)])
def test_sizes_need_not_divide(crop_size, image_size):
    pixels = cut(SliceGrid(crop_size, image_size), np.full((24, 24), 7), (1, 1))
    assert pixels.shape == (image_size, image_size)
    assert pixels == pytest.approx(7)


@pytest.mark.parametrize(("crop_size", "image_size"), [(16, 16), (16, 8), (20, 16)])
def test_a_mask_returns_to_where_it_was_cut(crop_size, image_size):
    shape = (30, 24, 5)
    mask = make_box(shape, (10, 18), (6, 12), (1, 4))  # Not a square: x is not y.
    grid = SliceGrid(crop_size, image_size)
    slices = grid.cut(mask.T, (6, 2)) >= 0.5
    restored = grid.restore(slices, np.arange(5), (6, 2), shape) >= 0.5
    assert restored.shape == shape
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
