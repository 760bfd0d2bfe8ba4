"""Row 78 of the catalogue of faults: a new patient that is not as it should be.

And rows 1 to 45 again, as somebody meets them who predicts and does not train.
"""

import errno
import os
import resource
import shutil
from contextlib import contextmanager

import faults as f
import numpy as np
import pytest
from builds import contents
from fault_table import FAULTS
from faults import FLAIR, GOOD, SEG, T2
from patients import write_patient
from refusals import assert_explained, refused
from standins import Bright

from brainseg_utils.cases import find_cases
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError, errors_of
from brainseg_utils.prediction.case_prediction import predict_case, write_prediction
from brainseg_utils.prediction.new_patient import find_new_patients
from brainseg_utils.prediction.trained_runs import TrainedRun
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import Run
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid

# What concerns masks alone, or other patients: prediction has no use for either.
OF_TRAINING = {3, 4, 11, 15, 36, 39, 40, 41, 42, 44, 45}
# Grids that differ are no fault here: sequences are resampled.
OF_GRIDS = {37, 38}


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patients")
    for width, case_id in enumerate(GOOD, 3):
        write_patient(folder, case_id, tumour_width=width)
    return folder


@pytest.fixture(scope="module")
def trained(patients, tmp_path_factory):
    home = tmp_path_factory.mktemp("run")
    cases, _ = find_cases(patients)
    store = prepare_slices(cases, home, SliceGrid(16, 16))
    inputs = RunInputs.of(store, GOOD)
    return TrainedRun(Run(home), TrainingConfig("cnn2"), inputs, Bright())


@pytest.fixture(scope="module")
def clean(patients, trained):
    """Return the mask of each good patient."""
    problems, masks = said_of(patients, trained)
    assert problems == [] and len({mask.tobytes() for mask in masks.values()}) == 4
    return masks


@pytest.fixture
def folder(patients, tmp_path):
    return shutil.copytree(patients, tmp_path / "patients")


def said_of(folder, trained):
    """Return all that is said of the patients of a folder, and the masks."""
    try:
        cases, problems = find_new_patients(folder, trained.inputs)
    except BrainSegError as error:
        return [error], {}
    problems, masks = list(problems), {}
    for case in cases:
        try:
            prediction = predict_case(case, trained)
        except BrainSegError as error:
            problems.append(error)
        else:
            problems += prediction.warnings
            masks[case.id] = prediction.mask
    return problems, masks


def of_rows(rows):
    chosen = [fault for fault in FAULTS if fault.row in rows and not fault.phantoms]
    return as_parameters(chosen)


def one_of_each_kind():
    """Of what training refuses as well, whose own tests take them all."""
    others = [one for one in FAULTS if one.row not in OF_TRAINING | OF_GRIDS]
    kinds = {(fault.row, fault.codes, fault.says): fault for fault in others}
    return as_parameters(kinds.values())


def as_parameters(chosen):
    chosen = [*chosen]
    ids = [f"{fault.row}-{fault.name}" for fault in chosen]
    return pytest.mark.parametrize("fault", chosen, ids=ids)


@one_of_each_kind()
def test_what_cannot_be_read_or_used_is_refused_as_in_training(fault, folder, trained):
    path = fault.inject(folder)
    before = contents(folder)
    problems, masks = said_of(folder, trained)
    in_mask = path == folder / SEG
    wanted = [] if in_mask else fault.codes.split()
    assert [problem.code for problem in problems] == wanted
    for problem in problems:
        assert_explained(problem, problem.code, problem.path)
    if wanted:
        assert problems[0].path == str(path)
    lost = () if in_mask or not wanted else fault.lost
    assert {"P0", "P2", "P3"} - set(lost) <= set(masks)
    assert not set(lost) & set(masks)
    assert contents(folder) == before


@of_rows({3, 4, 15, 39, 40, 41, 42, 45})
def test_masks_and_the_number_of_patients_do_not_matter(fault, folder, trained, clean):
    fault.inject(folder)
    problems, masks = said_of(folder, trained)
    codes = {problem.code for problem in problems}
    left = {path.name for path in folder.iterdir()}
    if not left:
        assert codes == {"E-ROOT"}
        return
    assert not errors_of(problems) and codes <= {"W-NAME"}
    assert len(masks) == len(left)
    for case_id in left & set(GOOD):
        assert np.array_equal(masks[case_id], clean[case_id])


@of_rows(OF_GRIDS)
def test_other_grids_are_resampled_and_told_or_lie_elsewhere(fault, folder, trained):
    path = fault.inject(folder)
    problems, masks = said_of(folder, trained)
    codes = [problem.code for problem in problems]
    if "mask" in fault.name:
        assert codes == []
    elif errors_of(problems):
        assert codes == ["E-AFFINE"] and "P1" not in masks
    else:
        assert codes[0] == "W-GRID" and masks["P1"].any()
    if codes and fault.row == 38 and fault.name != "the_first":
        assert problems[0].path == str(path)


def test_a_flipped_sequence_lies_elsewhere(folder, trained):
    f.shifted(FLAIR, (0, 0, -2))(folder)
    problems, masks = said_of(folder, trained)
    assert_explained(problems[0], "E-AFFINE", folder / FLAIR)
    assert "P1" not in masks


def test_a_missing_sequence_is_told_with_what_the_run_wants(folder, trained):
    f.removed(T2)(folder)
    with refused("E-MISSING", folder / "P1") as caught:
        predict_case(folder / "P1", trained)
    assert "The run wants t1, t1ce, t2, flair." in caught.value.remedy


def test_a_run_of_fewer_sequences_needs_no_others(folder, trained, clean):
    f.removed(T2)(folder)
    names, wanted = trained.inputs.sequences, ("t1", "flair")
    rows = [names.index(name) for name in wanted]
    looks = trained.inputs.usual
    inputs = RunInputs(
        **{
            **vars(trained.inputs),
            "sequences": wanted,
            "percentiles": tuple(map(tuple, looks[0][rows])),
            "correlations": tuple(map(tuple, looks[1][np.ix_(rows, rows)])),
        }
    )
    two = TrainedRun(trained.run, trained.config, inputs, trained.model)
    assert np.array_equal(predict_case(folder / "P1", two).mask, clean["P1"])


def test_a_patient_of_nothing_is_refused(folder, trained):
    for path in (folder / "P1").iterdir():
        f.rewrite(path, np.zeros_like)
    with refused("E-SEQ-CONST", folder / "P1") as caught:
        predict_case(folder / "P1", trained)
    assert "no brain" in caught.value.what


@contextmanager
def file_size_limit(size):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_named_and_leaves_the_old_mask(folder, trained, tmp_path):
    prediction = predict_case(folder / "P1", trained)
    (path,) = write_prediction(prediction, tmp_path / "out")
    before = contents(tmp_path / "out")
    with file_size_limit(50), refused("E-DISK", path):
        write_prediction(prediction, tmp_path / "out", force=True)
    assert contents(tmp_path / "out") == before
    with file_size_limit(50), refused("E-DISK", tmp_path / "new" / path.name):
        write_prediction(prediction, tmp_path / "new")
    assert contents(tmp_path / "new") == {}


@pytest.mark.parametrize("call", ["os.fsync", "os.replace", "pathlib.Path.mkdir"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "E-DISK"), (errno.EROFS, "E-DISK-RO"), (errno.EACCES, "E-DISK-RO")],
)
def test_a_disk_that_refuses_leaves_nothing_half_done(
    folder, trained, tmp_path, monkeypatch, call, number, code
):
    prediction = predict_case(folder / "P1", trained)
    output = tmp_path / "out"
    at = output / "P1_mask.nii.gz"

    def refuse(*arguments, **keywords):
        raise OSError(number, os.strerror(number), str(output))

    monkeypatch.setattr(call, refuse)
    with refused(code, output if code == "E-DISK-RO" else at) as caught:
        write_prediction(prediction, output)
    assert "--output" in caught.value.remedy
    monkeypatch.undo()
    assert not output.exists() or [*output.iterdir()] == []


def test_a_mask_of_the_same_name_is_kept_without_force(folder, trained, tmp_path):
    prediction = predict_case(folder / "P1", trained)
    at = tmp_path / "P1_mask.nii.gz"
    at.symlink_to("nowhere")  # Even a link that leads nowhere is somebody's.
    with refused("E-EXISTS", at):
        write_prediction(prediction, tmp_path)
    assert at.is_symlink() and not at.exists()
