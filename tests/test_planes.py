"""A patient seen in three planes: the cube, its cuts, and the mean of the answers."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from standins import (
    SHAPE,
    Bright,
    image_of,
    straight,
    trained_on_formula,
    write_formula_patient,
)
from tiny_cohort import make_tiny_cohort

from brainseg_utils.cases import find_cases
from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import write_json
from brainseg_utils.masks.planes import FARTHEST, Cube, over_planes
from brainseg_utils.masks.predictions import predict_images, predict_slices
from brainseg_utils.prediction.case_prediction import predict_case
from brainseg_utils.runs import Run
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid

AXIAL = TrainingConfig("cnn2", mirror=True)
THREE = replace(AXIAL, planes="three")
SIDE = 24


class Network:
    """Answers with the first channel, or with a constant, and counts slices."""

    def __init__(self, constant=None):
        self.constant, self.seen = constant, 0

    def predict_on_batch(self, images):
        self.seen += len(images)
        found = images[..., :1]
        return found if self.constant is None else np.full_like(found, self.constant)


def field(heights, side=SIDE):
    """Return smooth slices `[slice, side, side, 2]` at heights, in pixels."""
    z, y, x = np.meshgrid(heights, *2 * [np.arange(side)], indexing="ij")
    values = np.sin(z / 6 + y / 9) + x / side, z + 2 * y - x
    return np.stack(values, axis=-1).astype(np.float32)


def heights_of(z, pitch):
    """Return slices' heights above the bottom of a cube in whose middle they lie."""
    z = np.array(z)
    return (z - (z[0] + z[-1]) / 2) * pitch + (SIDE - 1) / 2


@pytest.mark.parametrize("pitch", [0.5, 1.0, 1.5])
def test_a_cube_shows_what_its_slices_show_and_gives_it_back(pitch):
    z = range(3, 18)
    heights, cube = heights_of(z, pitch), Cube(z, pitch, SIDE)
    filled, planes = cube.fill(field(heights)), np.arange(SIDE)
    depth = np.minimum(planes - heights[0], heights[-1] - planes)
    assert filled.shape == (SIDE, SIDE, SIDE, 2)
    assert np.allclose(filled[depth >= 1], field(planes)[depth >= 1], atol=0.01)
    assert not filled[depth <= -max(1, pitch)].any()
    assert np.allclose(cube.slices(filled[..., 0]), field(heights)[..., 0], atol=0.05)


def test_what_lies_in_a_gap_is_not_made_up():
    z = [0, 4, 5, 6, 7, 8, 9, 10]
    heights, cube = heights_of(z, 1.0), Cube(z, 1.0, SIDE)
    ones = np.ones((len(z), SIDE, SIDE, 1), np.float32)
    filled = cube.fill(ones)[:, 0, 0, 0]
    near = np.abs(np.arange(SIDE)[:, None] - heights).min(axis=1) < 1
    assert np.array_equal(filled, near)
    assert np.count_nonzero(~near[7:17]) == 2, "else there is no gap"
    assert np.array_equal(cube.slices(cube.fill(ones)[..., 0]), ones[..., 0])


def test_pitch_is_the_distance_of_planes_in_pixels():
    assert SliceGrid(192, 96).pitch((1, 1, 1)) == 0.5
    assert SliceGrid(192, 96).pitch((1, 1, 3)) == 1.5
    assert SliceGrid(96, 96).pitch((0.5, 0.5, 0.75)) == 1.5
    assert SliceGrid(96, 192).pitch((0.8, 1.2, 2)) == pytest.approx(4)


def test_a_stack_fits_that_is_close_enough_and_no_taller_than_the_cube():
    assert Cube(range(SIDE), 1.0, SIDE).fits
    assert not Cube(range(SIDE + 1), 1.0, SIDE).fits
    assert not Cube([0, SIDE], 1.0, SIDE).fits, "gaps are high too"
    assert Cube(range(100, 100 + 2 * SIDE), 0.5, SIDE).fits
    assert Cube(range(4), FARTHEST, SIDE).fits
    assert not Cube(range(4), FARTHEST + 0.01, SIDE).fits


@pytest.mark.parametrize(("z", "pitch"), [(range(9), 1.6), (range(25), 1.0)])
def test_what_does_not_fit_is_predicted_as_axial_alone(z, pitch):
    images, cube = np.abs(field(heights_of(z, 1.0))), Cube(z, pitch, SIDE)
    axial, three = Network(), Network()
    alone = predict_images(axial, images, cube, AXIAL)
    assert np.array_equal(predict_images(three, images, cube, THREE), alone)
    assert three.seen == axial.seen == 4 * len(images)


@pytest.mark.parametrize(("thickness_mm", "three"), [(3.6, True), (3.8, False)])
def test_a_patient_of_thick_slices_is_seen_in_one_plane(tmp_path, thickness_mm, three):
    """Pixels are of 2.5 mm. Through files, and from prepared slices."""
    affine = straight((2.5, 2.5, thickness_mm), SHAPE)
    patient = write_formula_patient(tmp_path / "P1", affine)
    trained, network = trained_on_formula(tmp_path), Bright()
    config = replace(THREE, mirror=False)
    predict_case(patient, replace(trained, config=config, model=network))
    slices = np.count_nonzero(image_of("t1", affine, SHAPE).any(axis=(0, 1)))
    assert (network.seen > slices) == three
    cases, _ = find_cases(tmp_path / "trained")
    store = prepare_slices(cases, tmp_path / "again", SliceGrid(32, 32))
    store.case("T0")["spacing_mm"] = (2.5, 2.5, thickness_mm)
    network = Bright()
    predict_slices(network, store, "T0", config)
    assert (network.seen > len(store.images)) == three


def test_each_plane_s_answer_is_turned_back():
    def places(images):
        slices, heights, widths = np.indices(images.shape[:3])
        return slices + 10 * heights + 100 * widths

    z, y, x = np.indices((3, 4, 5))
    axial = z + 10 * y + 100 * x
    coronal = y + 10 * z + 100 * x
    sagittal = x + 10 * z + 100 * y
    found = over_planes(places, np.ones((3, 4, 5, 2), np.float32))
    assert np.allclose(found, (axial + coronal + sagittal) / 3)


def test_each_plane_shows_the_cube_as_it_is():
    cube = np.random.default_rng(0).random((3, 4, 5, 2)).astype(np.float32)
    for channel in (0, 1):
        found = over_planes(lambda images, n=channel: images[..., n], cube)
        assert np.allclose(found, cube[..., channel])


def test_a_slice_that_shows_nothing_is_not_looked_at():
    cube, network = np.zeros((6, 7, 8, 1), np.float32), Network(constant=0.9)
    cube[2, 1:5, 3:8] = -1
    found = over_planes(lambda images: network.predict_on_batch(images)[..., 0], cube)
    assert network.seen == 1 + 4 + 5
    shown = [cube.any(axis=axes, keepdims=True) for axes in ((1, 2), (0, 2), (0, 1))]
    looks = sum(one[..., 0].astype(int) for one in np.broadcast_arrays(*shown))
    assert np.allclose(found, 0.3 * looks)


def test_where_no_slice_shows_anything_nothing_is_found():
    images, network = np.zeros((12, SIDE, SIDE, 2), np.float32), Network(constant=0.9)
    found = predict_images(network, images, Cube(range(12), 1.0, SIDE), THREE)
    assert found.shape == images.shape[:3] and not found.any() and network.seen == 0


def test_a_constant_network_gives_the_constant_wherever_there_is_brain():
    images = np.zeros((12, SIDE, SIDE, 2), np.float32)
    images[:, 4:20, 6:18] = 1
    for pitch in (0.5, 1.0, 1.5):
        cube = Cube(range(12), pitch, SIDE)
        found = predict_images(Network(constant=0.7), images, cube, THREE)
        assert np.allclose(found[:, 4:20, 6:18], 0.7)
        assert found[:, :4].max() < 0.7


def test_mirrored_in_three_planes_a_likely_slice_is_seen_twice(tmp_path):
    store = make_tiny_cohort(tmp_path, patients=2).store
    deep, high, wide = store.images[store.rows(["P1"])].shape[:3]
    for config, times in ((replace(THREE, mirror=False), 1), (THREE, 2)):
        likely, unlikely = Network(constant=0.5), Network(constant=0.001)
        predict_slices(likely, store, "P1", config)
        predict_slices(unlikely, store, "P1", config)
        assert likely.seen == times * (deep + high + wide)
        assert unlikely.seen == deep + high + wide


def test_mirrored_answers_are_turned_back_in_every_plane():
    images = 1 + np.abs(field(heights_of(range(12), 1.0)))[..., :1]
    cube = Cube(range(12), 1.0, SIDE)
    found = predict_images(Network(), images, cube, THREE)
    once = predict_images(Network(), images, cube, replace(THREE, mirror=False))
    assert np.allclose(found, images[..., 0], atol=0.5) and np.allclose(found, once)


def test_an_older_run_was_of_axial_slices_whatever_its_recipe(tmp_path):
    config = TrainingConfig("cnn2", recipe="recommended", seed=3)
    assert config.planes == "three"
    older = {name: v for name, v in asdict(config).items() if name != "planes"}
    write_json(tmp_path / "config.json", {**older, "cohort": "test"})
    assert Run(tmp_path).training_config == replace(config, planes="axial")
