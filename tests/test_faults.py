"""The catalogue of faults, rows 1 to 56, as a user meets them: in the data doctor, and
in the cohort that a training takes.
"""

import errno
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import builds
import faults as f
import numpy as np
import pytest
from builds import build, contents
from fault_table import FAULTS, SCANS
from faults import GOOD, SEG, T1, T2
from patients import write_patient
from refusals import assert_explained, refused
from tiny_cohort import make_tiny_cohort

from brainseg_utils.checks import check_folder
from brainseg_utils.cohorts import DataConfig, load_cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.phantom import make_phantoms
from brainseg_utils.plans import choose_split
from brainseg_utils.runs import Run
from brainseg_utils.store import entries
from brainseg_utils.workspace import Workspace

NAN, INF = float("nan"), float("inf")
CONFIG = TrainingConfig(
    model="cnn2",
    filters=2,
    epochs=30,
    learning_rate=1e-2,
    fine_learning_rate=1e-3,
    dropout_rate=0.1,
    slices_per_epoch=32,
)


TESTS = {
    3: ("test_faults.test_a_mask_is_not_needed_to_predict",),
    9: (
        "test_faults.test_what_may_not_be_read_is_named_with_the_command_to_run",
        "test_faults.test_a_file_that_the_system_denies_is_named",
        "test_nifti_content.test_what_the_system_refuses_is_told",
    ),
    12: (
        "test_faults.test_a_split_that_does_not_fit_is_refused",
        "test_split_files.test_two_scans_of_one_patient_in_two_parts_are_a_leak",
    ),
    13: ("test_faults.test_a_split_that_does_not_fit_is_refused",),
    14: ("test_faults.test_a_split_that_does_not_fit_is_refused",),
    15: (
        "test_faults.test_too_few_patients_are_refused_before_any_training",
        "test_faults.test_scans_of_one_patient_are_too_few",
    ),
    21: ("test_gunzip.test_a_flipped_bit_is_refused_unless_it_means_nothing",),
    24: ("test_nifti_claims.test_a_lie_of_2000_cubed_costs_nothing",),
    25: ("test_nifti_claims.test_a_bomb_whose_header_claims_its_gibibyte_is_refused",),
    36: ("test_faults.test_of_three_patients_the_odd_one_alone_is_named",),
    39: ("test_faults.test_a_declared_scheme_gives_3_a_meaning",),
    46: (
        "test_kills.test_a_build_killed_at_a_point_is_finished_by_the_next",
        "test_kills.test_builds_killed_at_random_moments_are_finished_by_the_next",
    ),
    47: (
        "test_faults.test_a_disk_that_is_full_at_any_level_leaves_nothing_half_done",
        "test_slices.test_a_full_disk_is_named_and_leaves_nothing_half_done",
    ),
    48: (
        "test_faults.test_prepared_slices_in_a_folder_without_right_to_write",
        "test_slices.test_a_store_that_is_whole_is_opened_where_nothing_can_be_written",
    ),
    49: (
        "test_kills.test_of_builders_at_once_each_patient_is_built_by_one",
        "test_kills.test_the_lock_of_a_killed_builder_holds_up_nobody",
    ),
    50: (
        "test_faults.test_another_version_of_the_code_prepares_anew_and_keeps_the_old",
        "test_slices.test_another_grid_or_other_sequences_make_another_store",
    ),
    51: ("test_slices.test_a_file_rewritten_with_its_old_size_and_time_is_read_anew",),
    52: (
        "test_faults.test_a_bit_flipped_in_a_record_changes_nothing",
        "test_slices.test_a_damaged_patient_is_prepared_again_and_no_other",
        "test_slices.test_a_deleted_store_is_prepared_again",
    ),
    53: ("test_slices.test_a_store_of_another_version_or_machine_is_prepared_again",),
    54: (
        "test_slices.test_a_damaged_patient_is_prepared_again_and_no_other",
        "test_slices.test_a_record_that_lies_about_its_shape_is_not_believed",
    ),
    55: (
        "test_faults.test_slices_deleted_during_training_are_named_and_made_again",
        "test_pipelines.test_a_store_that_went_away_is_named",
    ),
    56: ("test_slices.test_a_moved_folder_keeps_its_store",),
}


def test_every_row_of_the_catalogue_is_tested_by_a_test_that_exists():
    assert {fault.row for fault in FAULTS} | set(TESTS) == set(range(1, 57))
    for name in {name for names in TESTS.values() for name in names}:
        module, test = name.split(".")
        source = Path(__file__).with_name(f"{module}.py").read_text()
        assert f"\ndef {test}(" in source, name


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    """Return the folder of good patients, by whether they look like patients."""
    noise = tmp_path_factory.mktemp("noise")
    noise.chmod(0o755)  # Copies of it are for everybody.
    for width, case_id in enumerate(GOOD, 3):
        write_patient(noise, case_id, tumour_width=width)
    phantoms = make_phantoms(tmp_path_factory.mktemp("phantoms"), len(GOOD), 0, 4.0)
    for number, case_id in enumerate(GOOD):
        old = f"Phantom_{number:03d}"
        for path in (phantoms / old).iterdir():
            path.rename(path.with_name(path.name.replace(old, case_id)))
        (phantoms / old).rename(phantoms / case_id)
    return {False: noise, True: phantoms}


@pytest.fixture(scope="module")
def clean(patients, tmp_path_factory):
    """Return the checksum of each good patient's prepared slices."""
    return {
        kind: checksums(cohort_of(folder, tmp_path_factory.mktemp("clean")))
        for kind, folder in patients.items()
    }


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "patients"


def cohort_of(folder, home, on_bad="fail"):
    config = DataConfig(str(folder), crop_size=48, image_size=32, on_bad=on_bad)
    return load_cohort(config, Workspace(home, "test"))


def checksums(cohort):
    return {case["id"]: case["crc32"] for case in cohort.store.cases}


def tree(folder):
    """Return every name below a folder, with its content or the target of a link."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    return {
        path: os.readlink(path)
        if path.is_symlink()
        else path.is_file() and path.read_bytes()
        for path in paths
    }


def faults(*rows):
    chosen = [fault for fault in FAULTS if not rows or fault.row in rows]
    return pytest.mark.parametrize(
        "fault", chosen, ids=[f"{fault.row}-{fault.name}" for fault in chosen]
    )


@faults()
def test_the_doctor_names_each_fault_and_invents_no_other(fault, patients, folder):
    shutil.copytree(patients[fault.phantoms], folder)
    path = fault.inject(folder)
    before = tree(folder)
    problems = check_folder(folder).problems
    assert [problem.code for problem in problems] == fault.codes.split()
    for problem in problems:
        assert_explained(problem, problem.code, problem.path)
    if problems:
        assert problems[0].path == str(path)
        text = "\n".join(map(str, problems))
        assert [word for word in fault.says if word not in text] == []
    assert tree(folder) == before


@pytest.mark.parametrize(
    "fault",
    list({fault.near: fault for fault in FAULTS if fault.near}.values()),
    ids=lambda fault: f"{fault.row}-{fault.name}",
)
def test_nearly_the_same_stays_silent(fault, patients, folder):
    shutil.copytree(patients[fault.phantoms], folder)
    fault.near(folder)
    assert [str(problem) for problem in check_folder(folder).problems] == []


@pytest.mark.parametrize("phantoms", [False, True])
def test_good_patients_have_no_problems(patients, phantoms):
    report = check_folder(patients[phantoms])
    assert (report.problems, [case.id for case in report.cases]) == ((), list(GOOD))


@faults()
def test_a_cohort_goes_on_without_the_spoilt_patients(
    fault, patients, clean, folder, tmp_path
):
    shutil.copytree(patients[fault.phantoms], folder)
    fault.inject(folder)
    before, expected = tree(folder), clean[fault.phantoms]
    left = set(GOOD) - set(fault.lost)
    fatal = [code for code in fault.codes.split() if code.startswith("E-")]
    if fatal and fatal != ["E-FEW"]:  # Which a split refuses, not the cohort.
        with pytest.raises(BrainSegError) as caught:
            cohort_of(folder, tmp_path)
        assert all(code in str(caught.value) for code in fatal)
    if not left:
        with pytest.raises(BrainSegError):
            cohort_of(folder, tmp_path, "exclude")
        return
    cohort = cohort_of(folder, tmp_path, "exclude")
    assert np.isfinite(cohort.store.images[:]).all()
    assert [problem.split()[0] for problem in cohort.problems] == [
        code for code in fault.codes.split() if code != "E-FEW"
    ]
    if fault.codes:
        assert set(cohort.cases) == left
        same = left - {"P1"}
        assert {k: checksums(cohort)[k] for k in same} == {k: expected[k] for k in same}
    else:  # Nothing is wrong with P1, whatever it is called.
        assert sorted(checksums(cohort).values()) == sorted(expected.values())
    assert tree(folder) == before


def test_a_mask_is_not_needed_to_predict(patients, folder):
    shutil.copytree(patients[False], folder)
    f.removed(SEG)(folder)
    assert check_folder(folder, need_mask=False).problems == ()


def test_a_declared_scheme_gives_3_a_meaning(patients, folder):
    shutil.copytree(patients[False], folder)
    f.label(3)(folder)
    assert check_folder(folder, labels="brats2023").problems == ()
    f.label(4)(folder)
    (problem,) = check_folder(folder, labels="brats2023").problems
    assert_explained(problem, "E-LABEL", folder / SEG)


@contextmanager
def nobody_s_rights():
    """Be somebody who owns nothing; root may read and write everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    """Return a folder that everybody may enter, unlike that of the tests."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.parametrize(
    ("relative", "left"), [(T1, 4), ("P1", 3), (".", 0)], ids=["file", "patient", "all"]
)
def test_what_may_not_be_read_is_named_with_the_command_to_run(
    patients, open_folder, relative, left
):
    folder = shutil.copytree(patients[False], open_folder / "patients")
    path = folder / relative
    rights = path.stat().st_mode
    path.chmod(0)
    try:
        with nobody_s_rights():
            report = check_folder(folder)
    finally:
        path.chmod(rights)  # Or else it could not be removed.
    (problem,) = report.problems
    assert_explained(problem, "E-READ", path)
    assert "owner" in problem.remedy and f"{path}" in problem.remedy
    assert "chmod" in problem.remedy and "permission" in problem.what.lower()
    assert len(report.cases) == left


def test_a_file_that_the_system_denies_is_named(
    patients, clean, folder, tmp_path, monkeypatch
):
    shutil.copytree(patients[False], folder)
    real = open

    def deny(path, *arguments, **keywords):
        if Path(path) == folder / T1:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *arguments, **keywords)

    monkeypatch.setattr("builtins.open", deny)
    (problem,) = check_folder(folder).problems
    assert_explained(problem, "E-READ", folder / T1)
    with refused("E-READ", folder / T1) as caught:
        cohort_of(folder, tmp_path)
    assert "chmod" in problem.remedy and "chmod" in caught.value.remedy
    cohort = cohort_of(folder, tmp_path, "exclude")
    assert checksums(cohort) == {k: v for k, v in clean[False].items() if k != "P1"}


@pytest.fixture(scope="module")
def cohort(patients, tmp_path_factory):
    return cohort_of(patients[False], tmp_path_factory.mktemp("cohort"))


PARTS = {"train": ["P0", "P1"], "validation": ["P2"], "test": ["P3"]}


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"test": ["P3", "P0"]}, "E-LEAK", "['P0']"),
        ({"test": ["P4"]}, "E-SPLIT", "names ['P4'], which are not there"),
        ({"train": ["P0"]}, "E-SPLIT", "misses ['P1']"),
        ({"data": "of others"}, "E-SPLIT-STALE", "of others"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(cohort, tmp_path, changes, code, said):
    path = tmp_path / "split.json"
    good = {"data": cohort.store.data_key, **PARTS}
    path.write_text(json.dumps(good))
    assert choose_split(cohort, split_file=str(path)).as_dict() == PARTS
    path.write_text(json.dumps({**good, **changes}))
    with refused(code, path) as caught:
        choose_split(cohort, split_file=str(path))
    assert said in caught.value.what


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_patients_are_refused_before_any_training(
    patients, folder, tmp_path, count
):
    shutil.copytree(patients[False], folder)
    f.only(count)(folder)
    from brainseg_utils.training import train

    few = cohort_of(folder, tmp_path)
    with refused("E-FEW", "patients") as caught:
        train(CONFIG, few, Workspace(tmp_path, "test"), verbose=0)
    assert f"have {count}, need at least 3" in caught.value.what
    assert not (tmp_path / "runs").exists()


def test_scans_of_one_patient_are_too_few(patients, folder):
    shutil.copytree(patients[False], folder)
    for number, case_id in enumerate(GOOD):
        f.called(f"BraTS-GLI-00001-{number:03d}", case_id)(folder)
    (problem,) = check_folder(folder).problems
    assert_explained(problem, "E-FEW", folder)
    assert "have 1" in problem.what


def test_more_folds_than_patients_are_refused(cohort):
    with refused("E-FOLD", "fold, folds") as caught:
        choose_split(cohort, folds=5)
    assert "3 <= folds <= 4 patients" in caught.value.what


def test_of_three_patients_the_odd_one_alone_is_named(patients, folder):
    shutil.copytree(patients[True], folder)
    f.only(3)(folder)
    f.inside(T2, lambda data: 1e6 * data)(folder)
    (problem,) = check_folder(folder).problems
    assert_explained(problem, "W-RANGE", folder / T2)


@pytest.mark.parametrize(
    "sequences", [("flair",), ("t1", "flair"), ("t1", "t1ce", "flair"), tuple(SCANS)]
)
def test_real_patients_are_silent_whichever_sequences_are_asked_for(sequences):
    beside = Path(__file__).parents[2] / "shared" / "data" / "upenn-gbm"
    folder = Path(os.environ.get("BRAINSEG_REAL_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no real patients: set BRAINSEG_REAL_DATA ({folder} is missing)")
    assert check_folder(folder, sequences).problems == ()


# Prepared slices: what a disk refuses, and what happens behind a training's back.

ENTRY_BYTES = 10 * 16 * 16 * (4 * 2 + 1)  # Images and masks of a good patient.


@pytest.mark.parametrize("limit", [0, 1, 4096, ENTRY_BYTES - 1, ENTRY_BYTES])
def test_a_disk_that_is_full_at_any_level_leaves_nothing_half_done(
    patients, tmp_path, limit
):
    folder = tmp_path / "prepared"
    done = subprocess.run(
        [sys.executable, "-B", builds.__file__, str(patients[False]), str(folder)],
        cwd=Path(__file__).parents[1],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        stderr=subprocess.PIPE,
        text=True,
    )
    last, enough = done.stderr.strip().split("\n")[-1], limit == ENTRY_BYTES
    assert (done.returncode == 0) == enough
    if not enough:
        assert f"BrainSegError: E-DISK  {folder}" in last
        assert f"needs {ENTRY_BYTES:,} bytes" in last and "are free" in last
        assert contents(folder) == {}
    build(patients[False], folder)
    build(patients[False], tmp_path / "clean")
    assert contents(folder) == contents(tmp_path / "clean")


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "E-DISK"),
        (errno.EDQUOT, "E-DISK"),
        (errno.EIO, "E-DISK"),
        (errno.ENOTCONN, "E-DISK"),
        (errno.EROFS, "E-DISK-RO"),
    ],
)
def test_a_disk_that_refuses_at_any_moment_leaves_nothing_half_done(
    patients, tmp_path, monkeypatch, call, number, code
):
    real = getattr(os, call.removeprefix("os."))

    def refuse_at(moment):
        calls = itertools.count(1)

        def refuse(*arguments):
            if next(calls) == moment:
                raise OSError(number, os.strerror(number), *map(str, arguments[1:]))
            return real(*arguments)

        return refuse

    build(patients[False], tmp_path / "clean")
    # Four patients with two files each: the ninth call is none.
    for moment in range(1, 10):
        folder = tmp_path / f"{moment}"
        monkeypatch.setattr(call, refuse_at(moment))
        if moment < 9:
            with pytest.raises(BrainSegError) as caught:
                build(patients[False], folder)
            assert caught.value.code == code
        monkeypatch.setattr(call, real)
        build(patients[False], folder)
        assert contents(folder) == contents(tmp_path / "clean")


def test_prepared_slices_in_a_folder_without_right_to_write(patients, open_folder):
    good = shutil.copytree(patients[False], open_folder / "patients")
    locked = open_folder / "locked"
    locked.mkdir(mode=0o555)
    with nobody_s_rights():
        with refused("E-DISK-RO", locked) as caught:
            build(good, locked)
        assert "BRAINSEG_HOME" in caught.value.remedy
        with refused("E-DISK-RO", locked / "deeper"):
            build(good, locked / "deeper")
    assert list(locked.iterdir()) == []


def test_another_version_of_the_code_prepares_anew_and_keeps_the_old(
    patients, tmp_path, monkeypatch
):
    first = build(patients[False], tmp_path)
    old = contents(tmp_path)
    monkeypatch.setattr(entries, "STORE_VERSION", 99)
    monkeypatch.setattr(entries, "FORMAT", {**entries.FORMAT, "version": 99})
    second = build(patients[False], tmp_path)
    assert second.key != first.key and second.problems == ()
    new = contents(tmp_path)
    assert len(new) == 2 * len(old) and old.items() <= new.items()


def test_a_bit_flipped_in_a_record_changes_nothing(patients, tmp_path):
    first = build(patients[False], tmp_path)
    expected, images = json.dumps(first.cases), first.images[:]
    record = min(tmp_path.glob("*.json"))
    content = record.read_bytes()
    for place in range(0, len(content), 29):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 7
        record.write_bytes(damaged)
        again = build(patients[False], tmp_path)
        said = [problem.split()[0] for problem in again.problems]
        assert said in (["W-CACHE"], ["E-CACHE-VERSION"]), place
        assert json.dumps(again.cases) == expected, place
        assert np.array_equal(again.images[:], images), place
        assert record.read_bytes() == content


def test_slices_deleted_during_training_are_named_and_made_again(tmp_path, monkeypatch):
    cohort = make_tiny_cohort(tmp_path)
    user_files = contents(tmp_path / "patients")
    workspace = Workspace(tmp_path, "test")

    # Keras is loaded here alone, so that all other faults are tested in a moment.
    import keras

    from brainseg_utils import training
    from brainseg_utils.fitting import fit as fitting

    class Unmount(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                shutil.rmtree(cohort.store.folder)

    with monkeypatch.context() as patch:
        make = fitting.Fit._callbacks
        patch.setattr(
            fitting.Fit, "_callbacks", lambda *given: [*make(*given), Unmount()]
        )
        with pytest.raises(BrainSegError) as caught:
            training.train(CONFIG, cohort, workspace, verbose=0)
    problem = caught.value
    assert_explained(problem, "E-CACHE-GONE", problem.path)
    assert Path(problem.path).parent == cohort.store.folder
    assert not any(run.trained for run in map(Run, workspace.runs.rglob("*_*")))
    again = make_tiny_cohort(tmp_path)
    assert again.store.key == cohort.store.key
    # The epochs before are kept, and the same call goes on from them.
    run = training.train(CONFIG, again, workspace, verbose=0, must_resume=True)
    assert run.trained
    assert contents(tmp_path / "patients") == user_files
