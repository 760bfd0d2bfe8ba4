import numpy as np
import pytest

from brainseg_utils.phantom import make_patient, make_phantom
from brainseg_utils.phantom.anatomy import draw_head
from brainseg_utils.phantom.wide import (
    LARGEST_ML,
    SMALLEST_ML,
    draw_wide_head,
    draw_wide_plan,
    draw_wide_protocols,
)

SPACING = 4.0
COUNT = 200


@pytest.fixture(scope="module")
def plans():
    rng = np.random.default_rng(0)
    head = draw_head(rng)
    return [draw_wide_plan(rng, head) for _ in range(COUNT)]


def test_a_wide_phantom_is_itself_again_by_its_seed():
    one, again, other = (make_phantom(s, 1, SPACING, wide=True) for s in (3, 3, 4))
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["flair"], other["flair"])


def test_wide_and_ordinary_phantoms_are_different_patients():
    wide, ordinary = (make_phantom(3, 1, SPACING, wide=w) for w in (True, False))
    assert not np.array_equal(wide["flair"], ordinary["flair"])
    assert wide["flair"].shape == ordinary["flair"].shape


def test_every_wide_phantom_has_a_tumour_inside_its_brain():
    for index in range(6):
        patient = make_phantom(0, index, SPACING, wide=True)
        assert patient["seg"].any()
        assert (patient["flair"][patient["seg"] > 0] > 0).all()


def test_lesions_are_of_every_size(plans):
    volumes = [plan.volume_ml for plan in plans]
    assert SMALLEST_ML <= min(volumes) < 10 and 180 < max(volumes) <= LARGEST_ML


def test_some_lesions_have_hardly_a_core(plans):
    almost_none = np.mean([plan.core_share < 0.05 for plan in plans])
    assert 0.1 < almost_none < 0.3


def test_half_of_the_brains_are_stripped_generously():
    rng = np.random.default_rng(0)
    heads = [draw_wide_head(rng) for _ in range(COUNT)]
    generous = [head.strip_mm < -0.5 for head in heads]
    assert 0.35 < np.mean(generous) < 0.6
    assert min(head.strip_mm for head in heads) < -5


def test_what_is_left_outside_the_brain_has_a_signal_of_its_own():
    index = next(n for n in range(20) if margin_of(n)[1] > 50)
    patient, _ = margin_of(index)
    assert patient.maps["margin"].max() == 1
    ordinary, _, _ = make_patient(0, 0, SPACING)
    assert ordinary.maps["margin"].mean() < patient.maps["margin"].mean()


def margin_of(index):
    patient, _, _ = make_patient(0, index, SPACING, wide=True)
    return patient, np.count_nonzero(patient.maps["margin"] == 1)


def test_contrasts_vary_more_than_one_hospital_s_and_noise_less_in_large_voxels():
    rng = np.random.default_rng(0)
    fine, coarse = (
        [draw_wide_protocols(rng, mm)["flair"] for _ in range(COUNT)] for mm in (1, 2)
    )
    shows = [p.signal["oedema"] / p.signal["grey"] for p in fine]
    assert min(shows) < 1.25 and max(shows) > 1.7
    noise = [np.mean([p.noise for p in part]) for part in (fine, coarse)]
    assert noise[1] == pytest.approx(noise[0] / 2, rel=0.1)
