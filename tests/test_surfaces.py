import json
from pathlib import Path

import numpy as np
import pytest
import surface_distance
from mask_pairs import checksum, mask_pairs

from brainseg_utils.evaluation import dice_score
from brainseg_utils.masks.surfaces import hd95, surface_dice

MONAI = json.loads(Path(__file__).with_name("monai_metrics.json").read_text())
MM = (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def pairs():
    return list(mask_pairs())


def mask_of(*voxels, shape=(8, 8, 8)):
    mask = np.zeros(shape, bool)
    for voxel in voxels:
        mask[voxel] = True
    return mask


def half(shape=(8, 4, 4)):
    """Return a mask that fills the first half of the x axis."""
    mask = np.zeros(shape, bool)
    mask[: shape[0] // 2] = True
    return mask


def assert_close(ours, theirs):
    """Compare to 1e-6 where theirs is a number, relative to it above 1."""
    known = [i for i, value in enumerate(theirs) if value is not None]
    assert len(known) > 800
    np.testing.assert_allclose(
        [ours[i] for i in known], [theirs[i] for i in known], rtol=1e-6, atol=1e-6
    )


def test_two_voxels_are_as_far_apart_as_their_middles():
    first, second = mask_of((1, 1, 1)), mask_of((3, 2, 5))
    distance = np.sqrt((2 * 0.5) ** 2 + (1 * 1.5) ** 2 + (4 * 2) ** 2)
    for elements in ("voxels", "areas"):
        assert hd95(first, second, (0.5, 1.5, 2), elements) == pytest.approx(distance)


def test_hd95_leaves_out_the_farthest_twentieth():
    # 21 voxels in a row against its first: distances 0, 1, ..., 20 mm.
    row = np.ones((21, 1, 1), bool)
    first = mask_of((0, 0, 0), shape=row.shape)
    assert hd95(row, first, MM) == hd95(first, row, MM) == pytest.approx(19)
    assert hd95(row, first, (0.1, 1, 1)) == pytest.approx(1.9)


def test_ranks_between_two_voxels_are_interpolated():
    row = np.ones((11, 1, 1), bool)
    first = mask_of((0, 0, 0), shape=row.shape)
    assert hd95(row, first, MM) == pytest.approx(0.95 * 10)


def test_by_areas_the_distance_is_one_that_occurs():
    # Elements lie between voxels: at 0, 1, ..., 11 against 0 and 1.
    row = np.ones((11, 1, 1), bool)
    first = mask_of((0, 0, 0), shape=row.shape)
    assert (
        hd95(row, first, MM, "areas") == 9
    )  # The ends, of less area, are at 0 and 10.


def test_voxels_at_the_volume_s_edge_are_border():
    whole, middle = np.ones((5, 5, 5), bool), mask_of((2, 2, 2), shape=(5, 5, 5))
    # Of 98 border voxels, 8 at the corners and 24 next to them on the edges.
    assert hd95(whole, middle, MM) == pytest.approx(np.sqrt(12))


def test_elements_within_the_tolerance_count_by_their_area():
    # A voxel's eight elements are equal; four of each voxel coincide with the other's.
    first, second = mask_of((1, 1, 1)), mask_of((2, 1, 1))
    assert surface_dice(first, second, MM, 0.99) == pytest.approx(0.5)
    assert surface_dice(first, second, MM, 1.0) == 1
    assert surface_dice(first, second, (2, 1, 1), 1.99) == pytest.approx(0.5)


def test_large_elements_weigh_more_than_small_ones():
    # Rows along x of 2 and of 3 voxels, whose faces have 6, 3 and 2 mm².
    short = mask_of((1, 1, 1), (2, 1, 1))
    long = mask_of((1, 1, 1), (2, 1, 1), (3, 1, 1))
    end = 4 * np.sqrt(6**2 + 3**2 + 2**2) / 8  # Four triangles.
    ring = 4 * np.sqrt(3**2 + 2**2) / 2  # Four rectangles.
    # Where the short row ends, the long one has a ring: both count as near.
    near, total = (2 * end + ring) + (end + 2 * ring), 4 * end + 3 * ring
    assert surface_dice(short, long, (1, 2, 3), 0) == pytest.approx(near / total)


def test_spacing_follows_the_axes():
    first, second = mask_of((1, 1, 1)), mask_of((1, 1, 2))
    assert hd95(first, second, (1, 2, 3)) == 3
    axes = (2, 0, 1)
    assert hd95(first.transpose(axes), second.transpose(axes), (3, 1, 2)) == 3


def test_empty_masks_follow_the_declared_rule():
    empty, full = np.zeros((3, 4, 5), bool), np.ones((3, 4, 5), bool)
    spacing = (2.0, 1.0, 1.0)
    assert surface_dice(empty, empty, spacing) == 1
    assert surface_dice(empty, full, spacing) == surface_dice(full, empty, spacing) == 0
    diagonal = np.sqrt(6**2 + 4**2 + 5**2)
    for elements in ("voxels", "areas"):
        assert hd95(empty, empty, spacing, elements) == 0
        assert hd95(empty, full, spacing, elements) == pytest.approx(diagonal)
        assert hd95(full, empty, spacing, elements) == pytest.approx(diagonal)


def test_the_penalty_on_the_grid_of_brats_is_the_known_one():
    empty, found = np.zeros((2, 240, 240, 155), bool)
    found[0, 0, 0] = True
    assert hd95(empty, found, MM) == pytest.approx(373.12866, abs=1e-5)


def test_room_around_the_masks_changes_nothing():
    first, second = mask_of((0, 0, 0), (1, 0, 0)), mask_of((7, 7, 7), (7, 6, 7))
    wide = [np.pad(mask, (3, 9)) for mask in (first, second)]
    for elements in ("voxels", "areas"):
        assert hd95(*wide, MM, elements) == hd95(first, second, MM, elements)
    assert surface_dice(*wide, MM, 9) == surface_dice(first, second, MM, 9)


def test_any_label_is_inside_and_masks_are_left_as_they_are():
    labels = np.asfortranarray(4 * mask_of((1, 1, 1), (1, 2, 1)).astype(np.uint8))
    before = labels.copy()
    assert surface_dice(labels, labels > 0, MM, 0) == 1
    assert hd95(labels, labels > 0, MM) == 0
    assert np.array_equal(labels, before)


@pytest.mark.parametrize("score", [hd95, surface_dice])
def test_masks_and_spacings_that_do_not_fit_are_refused(score):
    mask = np.ones((2, 2, 2), bool)
    for other in (np.ones((2, 2, 1), bool), np.ones((2, 2), bool)):
        with pytest.raises(ValueError, match="one shape"):
            score(mask, other, MM)
    for flat in (np.ones((2, 2), bool), np.ones((1, 2, 2, 2), bool)):
        with pytest.raises(ValueError, match="3-D"):
            score(flat, flat, MM)
    for spacing in ((1, 1), 1.0, (1, 1, 0), (1, 1, -1), (1, 1, np.nan), (1, 1, np.inf)):
        with pytest.raises(ValueError, match="3 positive numbers"):
            score(mask, mask, spacing)


def test_a_tolerance_below_0_and_unknown_elements_are_refused():
    mask = np.ones((2, 2, 2), bool)
    for tolerance in (-0.1, np.nan):
        with pytest.raises(ValueError, match="must not be negative"):
            surface_dice(mask, mask, MM, tolerance)
    with pytest.raises(ValueError, match="'voxels' or 'areas'"):
        hd95(mask, mask, MM, "surface")


def test_the_pairs_are_those_that_monai_scored(pairs):
    assert checksum(pairs) == MONAI["pairs"], "run tests/monai_metrics.py anew"


def test_scores_are_monai_s_on_1000_pairs(pairs):
    ours = {
        "dice": [dice_score(p.true, p.pred) for p in pairs],
        "hd95": [hd95(p.true, p.pred, p.spacing_mm) for p in pairs],
        "surface_dice": [surface_dice(*p) for p in pairs],
    }
    for name, values in ours.items():
        assert_close(values, MONAI[name])


# The package still uses scipy's old names.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scores_are_deepmind_s_on_1000_pairs(pairs):
    # With one empty mask the package fails under numpy 2; both have rules of their own.
    found = [p for p in pairs if p.true.any() and p.pred.any()]
    both = [surface_distance.compute_surface_distances(*p[:3]) for p in found]
    assert_close(
        [surface_dice(*p) for p in found],
        [
            surface_distance.compute_surface_dice_at_tolerance(d, p.tolerance_mm)
            for d, p in zip(both, found, strict=True)
        ],
    )
    assert_close(
        [hd95(*p[:3], elements="areas") for p in found],
        [surface_distance.compute_robust_hausdorff(d, 95) for d in both],
    )
