import numpy as np
import pytest

from brainseg_utils.store.codes import CODES_PER_DEVIATION, Z_LIMIT, decode, encode

STEP = 1 / CODES_PER_DEVIATION


def code(z_scores, mean=0.0, deviation=1.0, brain=1.0):
    pixels = np.float32([[z_scores]])
    return encode(pixels, np.full_like(pixels, brain), mean, deviation)[0, 0]


def test_codes_return_to_within_half_a_step():
    z_scores = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert np.abs(decode(code(z_scores)) - z_scores).max() <= 0.51 * STEP


def test_zero_stays_zero_and_half_a_step_rounds():
    assert code([0.0, 0.4 * STEP, 0.6 * STEP, -0.6 * STEP]).tolist() == [0, 0, 1, -1]


def test_mean_and_deviation_are_taken_off():
    assert decode(code([350.0, 300.0], mean=300, deviation=25)).tolist() == [2, 0]


def test_what_lies_outside_the_brain_counts_as_the_mean():
    # A pixel with a quarter of brain, at 400 there and at 0 outside of it.
    assert decode(code([100.0], mean=300, deviation=25, brain=0.25)) == 4 / 4


@pytest.mark.parametrize("z", [5.12, 7.0, 1e4, 1e5])
def test_what_lies_beyond_the_limit_is_clipped(z):
    codes = code([z, -z])
    assert decode(codes).tolist() == pytest.approx([Z_LIMIT, -Z_LIMIT], abs=2e-4)
    assert codes.dtype == np.int16
