from dataclasses import replace

import numpy as np
import pytest

from brainseg_utils.augmentation import RICH, Augmentation, Draw, draw
from brainseg_utils.changes import changed_slices
from brainseg_utils.changes.changed_slices import apply, vary_intensities
from brainseg_utils.store.codes import Z_LIMIT, decode

STILL = Augmentation(rotation_degrees=0, flip=False)
GRADIENT = np.arange(16, dtype=np.int16).reshape(4, 4)


def draws(augmentation, count=60, channels=4):
    return draw(np.random.default_rng(0), augmentation, count, channels)


def changed(codes, mask, drawn):
    image = np.full(codes.shape, np.nan, np.float32)
    return image, apply(codes, mask, drawn, image)


def unchanged(**changes):
    one, zero = np.ones(1), np.zeros(1)
    settings = {"gain": one, "offset": zero, "gamma": one, "noise": zero, **changes}
    return Draw(0, (False, False), None, noise_at=0.0, **settings)


def disc(size=64, radius=20, centre=(30, 36)):
    y, x = np.mgrid[:size, :size]
    return ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2).astype(np.uint8)


def test_without_changes_a_copy_is_the_slice():
    codes = np.random.default_rng(0).integers(-9, 9, (6, 6, 3)).astype(np.int16)
    mask = (codes[..., 0] > 0).astype(np.uint8)
    image, same = changed(codes, mask, draws(STILL, 1, 3)[0])
    assert np.array_equal(image, decode(codes)) and np.array_equal(same, mask)
    assert (image.dtype, same.dtype) == (np.float32, np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_flips_and_quarter_turns_move_voxels_exactly(channels):
    turns = [np.rot90(GRADIENT, k) for k in range(4)]
    every = [*turns, *(turn[::-1] for turn in turns)]
    codes = np.repeat(GRADIENT[..., None], channels, axis=-1)
    seen = set()
    for drawn in draws(Augmentation(0, quarter_turns=True), 60, channels):
        image, mask = changed(codes, GRADIENT.astype(np.uint8), drawn)
        matches = [np.array_equal(mask, turn) for turn in every]
        assert sum(matches) == 1
        expected = np.repeat(mask[..., None], channels, -1).astype(np.int16)
        assert np.array_equal(image, decode(expected))
        seen.add(matches.index(True))
    assert len(seen) == 8, "all eight ways of laying down a square must come"


def test_without_flips_and_turns_none_come():
    for drawn in draws(Augmentation(10.0, flip=False)):
        assert drawn.quarter_turns == 0 and drawn.flips == (False, False)


@pytest.mark.parametrize("augmentation", [Augmentation(45), RICH])
def test_image_and_mask_move_together(augmentation):
    mask = disc()
    codes = np.repeat(6400 * mask[..., None].astype(np.int16), 4, axis=-1)
    plain = Augmentation(augmentation.rotation_degrees, augmentation.scale)
    moved = 0
    for drawn in draws(plain, 20):
        image, nearest = changed(codes, mask, drawn)
        assert set(np.unique(nearest)) <= {0, 1}, "masks must stay binary"
        apart = np.mean((image[..., 0] >= 0.5) != (nearest > 0))
        assert apart < 0.01, "they may differ along the border alone"
        moved += not np.array_equal(nearest, mask)
    assert moved > 15, "the draws must move something"


def test_a_quarter_turn_by_interpolation_is_the_exact_one():
    # 64 pixels have their middle between pixels: a slip of half a pixel would show.
    mask, still = disc(), draws(Augmentation(90, flip=False), 1)[0]
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    drawn = Draw(**{**vars(still), "matrix": quarter})
    _, turned = changed(np.zeros((64, 64, 4), np.int16), mask, drawn)
    assert any(np.array_equal(turned, np.rot90(mask, k)) for k in (1, 3))


def test_angles_and_factors_stay_within_their_limits():
    matrices = np.array([d.matrix for d in draws(Augmentation(10.0, 0.25), 2000)])
    factors = 1 / np.sqrt(np.linalg.det(matrices))
    angles = np.degrees(np.arctan2(matrices[:, 0, 1], matrices[:, 0, 0]))
    assert 9.9 < np.abs(angles).max() <= 10
    assert 1.24 < factors.max() <= 1.2501 and 1 / 1.2501 <= factors.min() < 0.81
    assert abs(angles.mean()) < 0.5


def test_enlarging_makes_a_structure_larger():
    still = draws(Augmentation(5), 1)[0]
    doubled = Draw(**{**vars(still), "matrix": np.eye(2) / 2, "flips": (False, False)})
    _, mask = changed(np.zeros((64, 64, 4), np.int16), disc(radius=10), doubled)
    assert mask.sum() == pytest.approx(4 * disc(radius=10).sum(), rel=0.05)


def test_contrast_and_brightness_are_gain_and_offset():
    image = np.float32([[[1.0], [-2.0], [0.0]]])
    vary_intensities(image, unchanged(gain=np.array([1.5]), offset=np.array([0.25])))
    assert image.ravel().tolist() == [1.75, -2.75, 0.0]  # Background stays 0.


def test_gamma_bends_and_keeps_place_and_slope_of_the_mean():
    z = np.float32([-4.0, -0.01, 0.01, 4.0])
    image = z.reshape(1, 4, 1).copy()
    vary_intensities(image, unchanged(gamma=np.array([2.0])))
    # ((z + L) / 2L) ** 2, less 1/4, by the slope 2L / (2 * 1/2).
    bent = 2 * Z_LIMIT * (((z + Z_LIMIT) / (2 * Z_LIMIT)) ** 2 - 0.25)
    assert image.ravel() == pytest.approx(bent, abs=1e-4)
    assert image.ravel()[1:3] == pytest.approx(z[1:3], rel=1e-2)


def test_noise_has_the_deviation_asked_for_and_spares_the_background():
    image = np.ones((100, 100, 1), np.float32)
    image[:50] = 0
    vary_intensities(image, unchanged(noise=np.array([0.3])))
    assert image[50:].std() == pytest.approx(0.3, rel=0.05)
    assert image[50:].mean() == pytest.approx(1, abs=0.02)
    assert not image[:50].any()


def test_noise_depends_on_its_place_in_the_supply_alone():
    def noisy(place):
        image = np.ones((8, 8, 1), np.float32)
        drawn = unchanged(noise=np.ones(1))
        vary_intensities(image, Draw(**{**vars(drawn), "noise_at": place}))
        return image

    assert np.array_equal(noisy(0.2), noisy(0.2))
    assert not np.array_equal(noisy(0.2), noisy(0.7))
    assert np.isfinite(noisy(np.nextafter(1.0, 0.0))).all()


def test_an_image_larger_than_the_supply_of_noise_gets_noise_all_the_same(monkeypatch):
    monkeypatch.setattr(changed_slices, "NOISE_SUPPLY", 10)
    image = np.ones((8, 8, 2), np.float32)
    vary_intensities(image, unchanged(noise=np.ones(2), gain=np.ones(2)))
    assert len(np.unique(image)) == 8 * 8 * 2


def test_every_sequence_draws_its_own_intensities():
    rich = next(d for d in draws(RICH) if np.any(d.gain != 1))
    assert len(set(rich.gain.tolist())) == 4


def test_intensities_change_as_often_as_asked():
    shares = np.mean(
        [[np.any(d.gain != 1), d.noise.any()] for d in draws(RICH, 2000)], 0
    )
    assert shares == pytest.approx([0.5, 0.5], abs=0.05)


def test_one_part_leaves_the_draws_of_the_others_as_they_were():
    both = draws(Augmentation(10, contrast=0.2, intensity_probability=1.0))
    alone = draws(Augmentation(10, intensity_probability=1.0))
    for one, other in zip(both, alone, strict=True):
        assert np.array_equal(one.matrix, other.matrix) and one.flips == other.flips


def test_a_flip_is_followed_by_image_and_mask_in_one_direction():
    codes, mask = np.zeros((4, 4, 4), np.int16), np.zeros((4, 4), np.uint8)
    codes[0, 1], mask[0, 1] = 6400, 1
    for drawn in draws(Augmentation(0, quarter_turns=True)):
        image, moved = changed(codes, mask, drawn)
        assert np.array_equal(image[..., 2] > 0, moved > 0)


def test_a_slice_s_neighbours_are_changed_as_it_is():
    codes = np.random.default_rng(0).integers(-999, 999, (32, 32, 2)).astype(np.int16)
    around = np.concatenate([codes] * 3, axis=-1)
    quiet = replace(RICH, noise=0.0, intensity_probability=1.0)
    for drawn in draws(quiet, 20, 2):
        image, _ = changed(around, disc(32), drawn)
        below, itself, above = np.split(image, 3, axis=-1)
        assert np.array_equal(below, itself) and np.array_equal(above, itself)
        assert not np.array_equal(itself, decode(codes))


def test_a_slice_s_neighbours_have_noise_of_their_own_as_strong_as_its():
    image = np.ones((100, 100, 6), np.float32)
    vary_intensities(image, unchanged(noise=np.array([0.1, 0.4]), gain=np.ones(2)))
    strength = image.std(axis=(0, 1))
    assert strength == pytest.approx([0.1, 0.4] * 3, rel=0.05)
    assert not np.array_equal(image[..., 0], image[..., 2])
