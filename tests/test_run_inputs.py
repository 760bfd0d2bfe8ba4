import json

import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils.doctor.looks import look_distance, look_of
from brainseg_utils.doctor.profiles import Profile
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.store.grid import SliceGrid


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort")).store


def test_they_are_those_of_the_patients_that_are_named(store):
    inputs = RunInputs.of(store, ["P0", "P1", "P3"])
    assert inputs.sequences == ("t1", "t1ce", "t2", "flair")
    assert (inputs.crop_size, inputs.image_size) == (16, 16)
    assert inputs.input_shape == (16, 16, 4)
    assert inputs.spacing_mm == (1.0, 1.0, 1.0) and inputs.pixel_mm == 1.0
    # Every tiny brain is a box of 16 x 16 x 8 voxels of 1 mm.
    assert inputs.brain_ml == pytest.approx((2.048, 2.048))
    profiles = [Profile(**store.case(i)["profile"]) for i in ("P0", "P1", "P3")]
    far = [look_distance(look_of(profile), inputs.usual) for profile in profiles]
    assert inputs.farthest == max(far) > 0


def test_they_come_back_from_a_file_of_plain_numbers(store, tmp_path):
    inputs = RunInputs.of(store, ["P0", "P1"])
    inputs.write(tmp_path)
    assert RunInputs.read(tmp_path) == inputs
    assert json.loads((tmp_path / "inputs.json").read_text())["crop_size"] == 16


@pytest.mark.parametrize(
    ("mm", "crop_size"), [(1.0, 192), (1.015, 192), (0.985, 192), (2.0, 96), (0.5, 384)]
)
def test_a_pixel_is_as_large_as_in_training(store, mm, crop_size):
    trained = RunInputs(**{**vars(RunInputs.of(store, ["P0"])), "crop_size": 192})
    grid = trained.grid_for((mm, mm, 5.0))
    assert grid == SliceGrid(crop_size, 16)
    assert np.isclose(grid.crop_size * mm / 16, trained.pixel_mm, rtol=0.02)


@pytest.mark.parametrize(
    "change",
    [
        {"sequences": ()},
        {"sequences": ("t1", "t1")},
        {"spacing_mm": (1.0, 1.0)},
        {"brain_ml": (1.0, 2.0, 3.0)},
        {"brain_ml": (float("nan"), 2.0)},
        {"farthest": float("nan")},
        {"farthest": None},
        {"farthest": "far"},
        {"percentiles": ((0.0,) * 4,) * 4},
        {"percentiles": ((float("inf"),) * 5,) * 4},
        {"correlations": ((None,) * 4,) * 4},
        {"correlations": ((1.0,) * 3,) * 4},
    ],
    ids=str,
)
def test_what_no_training_leaves_is_refused(store, change):
    trained = vars(RunInputs.of(store, ["P0"]))
    with pytest.raises((ValueError, TypeError)):
        RunInputs(**{**trained, **change})
