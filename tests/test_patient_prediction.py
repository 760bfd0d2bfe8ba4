from dataclasses import replace

import miniatures
import nibabel
import numpy as np
import pytest
from builds import contents
from miniatures import case_names, sequences_of, write_miniature
from patients import make_mask
from refusals import refused
from standins import (
    RADIUS_MM,
    SEQUENCES,
    SHAPE,
    Bright,
    from_tumour,
    image_of,
    places,
    straight,
    trained_on_formula,
    write_formula_patient,
)
from tiny_cohort import make_tiny_cohort

from brainseg_utils.cases import find_cases
from brainseg_utils.config import TrainingConfig
from brainseg_utils.masks.predictions import predict_mask, predict_slices
from brainseg_utils.nifti import read_volume
from brainseg_utils.prediction.case_prediction import predict_case, write_prediction
from brainseg_utils.prediction.measures import measure
from brainseg_utils.prediction.trained_runs import TrainedRun
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import Run
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid

TUMOUR = from_tumour(places(straight(), SHAPE)) <= RADIUS_MM


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return trained_on_formula(tmp_path_factory.mktemp("run"))


@pytest.fixture
def patient(tmp_path):
    return write_formula_patient(tmp_path / "P1", straight())


class Sided(Bright):
    """Answers with the first channel, and with how many pixels lie left of each."""

    def predict_on_batch(self, images):
        side = np.arange(images.shape[2], dtype=np.float32)[:, None]
        return images[..., :1] / 9 + side / 99


@pytest.mark.parametrize("planes", ["axial", "three"])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_patient_is_predicted_as_evaluation_predicts_it(tmp_path, mirror, planes):
    """Through files and from prepared slices: the same bits, whatever the recipe."""
    cohort = make_tiny_cohort(tmp_path)
    store, case = cohort.store, cohort.cases["P2"]
    choices = {"mirror": mirror, "threshold": 0.2, "smallest_ml": 0.01}
    config = TrainingConfig("cnn2", planes=planes, **choices)
    inputs = RunInputs.of(store, ["P1", "P2"])
    prediction = predict_case(case, TrainedRun(Run(tmp_path), config, inputs, Sided()))
    slices = predict_slices(Sided(), store, "P2", config)
    _, mask = predict_mask(Sided(), store, "P2", config)
    record = store.case("P2")
    volume = store.grid.restore(slices, record["z"], record["corner"], record["shape"])
    assert np.array_equal(prediction.probability, volume)
    assert np.array_equal(prediction.mask, mask) and 0 < mask.sum() < mask.size


def test_a_prediction_holds_mask_probability_and_measures(patient, trained):
    prediction = predict_case(patient, trained)
    assert prediction.case.id == "P1" and prediction.warnings == ()
    assert np.array_equal(prediction.mask, TUMOUR) and prediction.mask.dtype == np.uint8
    assert prediction.probability.dtype == np.float32
    assert np.array_equal(prediction.probability, TUMOUR)
    assert np.allclose(prediction.affine, straight())
    assert prediction.threshold == trained.config.threshold
    assert prediction.measures == measure(TUMOUR, straight())


def test_only_slices_that_hold_brain_are_predicted(patient, trained):
    model = Bright()
    predict_case(patient, replace(trained, model=model))
    brain = image_of("t1", straight(), SHAPE) != 0
    assert 0 < model.seen <= np.count_nonzero(brain.any(axis=(0, 1))) < SHAPE[2]


@pytest.mark.parametrize("layout", miniatures.LAYOUTS)
def test_every_layout_is_predicted_and_its_masks_are_not_read(tmp_path, layout):
    folder = write_miniature(tmp_path / "data", layout)
    sequences = sequences_of(layout)
    cases, _ = find_cases(folder, sequences)
    store = prepare_slices(cases, tmp_path / "prepared", SliceGrid(16, 16))
    inputs = RunInputs.of(store, case_names(layout))
    parts = Run(tmp_path), TrainingConfig("cnn2"), inputs, Bright(channel=0)
    for case in cases:  # What is not read may be spoilt.
        if case.mask.is_file():
            case.mask.write_bytes(b"no mask")
    before = contents(folder)
    for number, case in enumerate(cases):
        prediction = predict_case(case, TrainedRun(*parts))
        paths = write_prediction(prediction, tmp_path / "out")
        found = read_volume(paths[0]).data
        assert np.array_equal(found, make_mask(3 + number) > 0)
    assert contents(folder) == before


def test_a_case_s_sequences_come_in_the_order_of_training(patient, trained):
    (case,), _ = find_cases(patient, SEQUENCES[::-1], need_mask=False)
    prediction = predict_case(case, trained)
    assert np.array_equal(prediction.mask, TUMOUR) and prediction.warnings == ()
    assert [*prediction.case.sequences] == [*SEQUENCES]


def test_a_case_without_a_sequence_of_training_is_refused(patient, trained):
    (case,), _ = find_cases(patient, ("t1", "flair"), need_mask=False)
    with refused("E-MISSING", patient) as caught:
        predict_case(case, trained)
    assert "no t1ce, t2" in caught.value.what


def test_one_patient_is_wanted(tmp_path, trained):
    for name in ("P1", "P2"):
        write_formula_patient(tmp_path / "both" / name, straight())
    with refused("E-AMBIGUOUS", tmp_path / "both") as caught:
        predict_case(tmp_path / "both", trained)
    assert "2 patients (P1, P2" in caught.value.what


def test_the_recipe_s_smallest_part_is_in_ml(tmp_path, trained):
    def speck(name, data):
        data[8, 18, 15] = 1000  # Of 0.016 ml.
        return data

    patient = write_formula_patient(tmp_path / "P1", straight(), change=speck)
    masks = {}
    for smallest_ml in (0.0, 0.015, 0.017):
        config = TrainingConfig("cnn2", smallest_ml=smallest_ml)
        masks[smallest_ml] = predict_case(patient, replace(trained, config=config)).mask
    assert masks[0.0][8, 18, 15] == masks[0.015][8, 18, 15] == 1
    assert np.array_equal(masks[0.017], TUMOUR)


def test_what_is_written_is_what_was_predicted(patient, trained, tmp_path):
    prediction = predict_case(patient, trained)
    mask, probability = write_prediction(prediction, tmp_path / "out", probability=True)
    assert (mask.name, probability.name) == ("P1_mask.nii.gz", "P1_probability.nii.gz")
    for path, data in ((mask, TUMOUR), (probability, prediction.probability)):
        assert np.array_equal(nibabel.load(path).dataobj, data)
    assert write_prediction(prediction, tmp_path / "other")[0].read_bytes() == (
        mask.read_bytes()
    )
    assert len([*(tmp_path / "other").iterdir()]) == 1


def test_a_mask_that_is_there_is_replaced_only_where_asked(patient, trained, tmp_path):
    prediction = predict_case(patient, trained)
    (path,) = write_prediction(prediction, tmp_path / "out")
    path.write_bytes(b"drawn by hand")
    with refused("E-EXISTS", path):
        write_prediction(prediction, tmp_path / "out", probability=True)
    assert path.read_bytes() == b"drawn by hand"
    assert [*path.parent.iterdir()] == [path]
    write_prediction(prediction, tmp_path / "out", force=True)
    assert np.array_equal(nibabel.load(path).dataobj, TUMOUR)


def test_a_brain_beyond_the_slices_is_told(patient, trained):
    narrow = replace(
        trained, inputs=replace(trained.inputs, crop_size=20, image_size=20)
    )
    prediction = predict_case(patient, narrow)
    assert [warning.code for warning in prediction.warnings] == ["W-CROP"]
    assert "of the brain lie outside" in prediction.warnings[0].what


def test_a_patient_without_a_slice_of_brain_is_refused(patient, trained):
    wide = replace(
        trained, inputs=replace(trained.inputs, crop_size=960, image_size=96)
    )
    with refused("E-CROP", patient):
        predict_case(patient, wide)


def test_big_endian_files_have_masks_too(patient, trained, tmp_path):
    for path in patient.iterdir():
        image = nibabel.load(path)
        header = image.header.as_byteswapped(">")
        swapped = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, header)
        nibabel.save(swapped, path)
    (path,) = write_prediction(predict_case(patient, trained), tmp_path / "out")
    assert np.array_equal(read_volume(path).data, TUMOUR)
