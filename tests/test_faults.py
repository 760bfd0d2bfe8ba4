"""The catalogue of faults, rows 1 to 56, as a user meets them: in the data doctor, and
in the cohort that a training takes.
"""

import errno
import gzip
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import builds
import faults as f
import numpy as np
import pytest
from builds import build, contents
from faults import FLAIR, GOOD, SEG, T1, T1CE, T2, Fault, raw
from patients import BRAIN, write_patient
from refusals import assert_explained, refused
from tiny_cohort import make_tiny_cohort

from brainseg_utils import entries
from brainseg_utils.checks import check_folder
from brainseg_utils.cohorts import DataConfig, load_cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.phantom import make_phantoms
from brainseg_utils.plans import choose_split
from brainseg_utils.runs import Run
from brainseg_utils.workspace import Workspace

NAN, INF = float("nan"), float("inf")
SCANS = {"t1": T1, "t1ce": T1CE, "t2": T2, "flair": FLAIR}
ODD_NAMES = (
    *("Übung", "U\u0308bung", "患者 一", "{case}", "%s%d", "a\nb", "x" * 240, "-rf"),
    *('it\'s "so"', "a;b&c", "$HOME", "P_1 (1)", "t1", "#1", "null", "seg", "P1.nii"),
)


CONFIG = TrainingConfig(
    model="cnn2",
    filters=2,
    epochs=30,
    learning_rate=1e-2,
    fine_learning_rate=1e-3,
    dropout_rate=0.1,
    slices_per_epoch=32,
)


def made(
    row, codes="", says=(), near=None, lost=("P1",), phantoms=False, **injections
) -> list[Fault]:
    """Return several ways to one fault: keywords are their names."""
    return [
        Fault(row, name, inject, codes, says, near, lost, phantoms)
        for name, inject in injections.items()
    ]


def each(inject, *values, name="{}"):
    """Return an injection for each value, by name."""
    return {name.format(value): inject(value) for value in values}


FAULTS = [
    *made(1, "E-ROOT", ("<case>/<case>_{t1,t1ce",), lost=GOOD, gone=f.gone),
    *made(1, "E-ROOT", ("no patients: 0 files",), lost=GOOD, empty=f.emptied),
    *made(1, "E-ROOT", ("a file and not a folder",), lost=GOOD, file=f.a_file),
    *(
        fault
        for role, path in SCANS.items()
        for fault in made(
            2,
            "E-MISSING",
            (f"patient P1 has no {role} ", f"tried: {role}: "),
            f.plain(relative=path),
            **{role: f.removed(path)},
        )
    ),
    *made(3, "E-MISSING", ("no mask",), f.plain(relative=SEG), mask=f.removed(SEG)),
    *made(
        4,
        "E-MISSING",
        ("found 1 unmatched NIfTI", "rename to P1_seg.nii.gz"),
        f.number_355,
        hospitals_name=f.renamed((SEG, "P1/W39_1998.09.19_Segm.nii.gz")),
    ),
    *made(
        5,
        "E-AMBIGUOUS",
        ("'P1/P1_t1.nii'", "'P1/P1_t1.nii.gz'"),
        f.linked("P1/P1_t1.nii", "P1_t1.nii.gz"),
        plain_and_packed=f.added("P1/P1_t1.nii", T1),
    ),
    *made(
        6,
        two_years=f.renamed((T1CE, "P1/P1-t1c.nii.gz"), (FLAIR, "P1/P1-t2f.nii.gz")),
        capitals=f.renamed((T1CE, "P1/P1_T1GD.NII.GZ")),
    ),
    *made(
        6,
        "E-MISSING E-NAME",
        ("'fl'", "P1_flair.nii.gz"),
        f.renamed((FLAIR, "P1/P1_t2f.nii.gz")),
        unknown=f.renamed((FLAIR, "P1/P1_fl.nii.gz")),
    ),
    *made(7, **{ascii(name)[1:20]: f.called(name) for name in ODD_NAMES}),
    *made(
        8,
        "E-READ E-MISSING",
        near=f.moved_out_and_linked,
        dangling=f.linked(T1, "nowhere.nii.gz"),
        loop=f.linked(T1, "P1_t1.nii.gz"),
    ),
    *made(
        8,
        "E-READ",
        ("never ends",),
        f.linked("P1/again", "P1_t1.nii.gz"),
        lost=(),
        folder_loop=f.linked("P1/again", ".."),
    ),
    *made(
        10,
        "E-DUP-ID",
        ("'P1'", "'again/P1'"),
        f.linked("again", "P1"),
        copied=f.copied("again/P1", at="P1"),
    ),
    *made(
        11,
        "E-DUP-DATA",
        ("t1, t1ce, t2, flair of P4", "scans of P1"),
        f.copied("P4", touched=True),
        lost=("P4",),
        two_ids=f.copied("P4"),
    ),
    *made(15, "E-ROOT", ("no patients",), f.only(3), GOOD, none=f.only(0)),
    *made(15, "E-FEW", ("have 1", "at least 3"), f.only(3), GOOD[1:], one=f.only(1)),
    *made(15, "E-FEW", ("have 2", "at least 3"), f.only(3), GOOD[2:], two=f.only(2)),
    *made(
        16,
        "E-DUP-ID",
        ("'P1', 'p1'",),
        f.copied("p10", touched=True),
        capitals=f.copied("p1", touched=True, at="P1"),
    ),
    *made(17, leftovers=f.leftovers),
    *made(
        17,
        "E-AMBIGUOUS",
        ("P1_t1.nii.gz'",),
        f.added("P1/P1_t1 (1).txt", b"notes"),
        **each(
            lambda name: f.added(f"P1/{name}.nii.gz", T1),
            *("P1_t1 (1)", "Copy of P1_t1", "P1_t1 - Copy", "P1_t1 copy"),
        ),
    ),
    *made(18, "E-NII-EMPTY", ("0 bytes",), gz=raw(f.becomes(b""))),
    *made(18, "E-NII-EMPTY", ("0 bytes",), f.plain(), nii=f.plain(f.becomes(b""))),
    *made(
        19,
        "E-NII-SHORT",
        ("have ", " bytes, need "),
        f.plain(),
        **each(lambda n: f.plain(f.cut(n)), 0.001, 0.02, 0.04, 0.5, 0.9999),
    ),
    *made(
        20,
        "E-NII-GZ",
        near=raw(lambda content: content + bytes(512)),
        **each(lambda n: raw(f.cut(n)), *np.linspace(0.001, 0.9999, 20), name="{:.3f}"),
    ),
    *made(
        21,
        "E-NII-GZ",
        near=raw(f.flipped(5)),  # When it was packed, which says nothing.
        **each(lambda n: raw(f.flipped(n)), *range(100, 3700, 150), *range(-8, 0)),
    ),
    *made(
        22,
        "E-NII-GZ",
        ("content is not gzip", "Rename it to P1_t1.nii"),
        f.plain(),
        plain=raw(gzip.decompress),
    ),
    *made(
        22,
        "E-NII-GZ",
        ("content is gzip", "Rename it to P1_t1.nii.gz"),
        f.plain(),
        gzip=raw(bytes, name="P1_t1.nii"),
    ),
    *(
        fault
        for kind, content in f.FOREIGN.items()
        for fault in made(
            23,
            "E-NII-TYPE",
            (kind,),
            **{kind: raw(f.becomes(content))},
            **{f"{kind} as .nii": raw(f.becomes(content), name="P1_t1.nii")},
        )
    ),
    *made(24, "E-NII-DIMS", ("2000,",), lie=f.packed(f.lie), lie_in_nii=f.plain(f.lie)),
    *made(25, "E-NII-BOMB", near=raw(lambda c: c + bytes(2**16)), bomb=raw(f.bomb)),
    *made(
        26,
        "E-NII-DIMS",
        near=f.dims(3, 24, 20, 12),
        negative=f.dims(3, -24, 20, 12),
        zero=f.dims(3, 24, 0, 12),
        largest=f.dims(3, 32767, 32767, 32767),
        eight_axes=f.dims(8, 24, 20, 12),
        no_axes=f.dims(0, 24, 20, 12),
    ),
    *made(27, "E-NII-NDIM", ("[24, 20]", "3-D"), plane=f.packed(f.one_plane)),
    *made(27, "E-NII-NDIM", ("2 volumes", "split"), four=f.packed(f.axes_behind(2))),
    *made(27, one=f.packed(f.axes_behind(1)), two_ones=f.packed(f.axes_behind(1, 1))),
    *made(
        28,
        "E-NII-DTYPE",
        ("one real number a voxel",),
        f.header(datatype=512),
        **each(lambda n: f.header(datatype=n), 128, 2304, 32, 1792, 1536, 0, 7777),
    ),
    *made(
        28,
        **each(
            lambda kind: f.voxels(T2, lambda data: data.astype(kind)),
            *("u2", "i4", "u4", "i8", "u8", "f4", "f8"),
        ),
    ),
    *(
        fault
        for value in (NAN, INF, -INF)
        for fault in (
            *made(
                29,
                "E-NII-NONFINITE",
                ("1 of 5760 voxels", "first at [5, 5, 5]"),
                f.voxels(T1, f.put(199, dtype="f4")),
                **{f"{value} once": f.voxels(T1, f.put(value, dtype="f4"))},
            ),
            *made(
                29,
                "E-NII-NONFINITE",
                ("5760 of 5760 voxels", "first at [0, 0, 0]"),
                **{f"{value} only": f.voxels(T1, f.put(value, ..., "f4"))},
            ),
        )
    ),
    *made(29, "E-NII-NONFINITE", ("1 of 5760",), f.label(1), in_mask=f.label(NAN)),
    *made(
        30,
        "E-NII-SCALE",
        ("scl_slope",),
        f.header(scl_slope=2, scl_inter=1),
        **each(lambda n: f.header(scl_slope=n), NAN, INF, -INF, 0),
        **each(lambda n: f.header(scl_inter=n), NAN, INF, name="inter {}"),
    ),
    *made(
        31,
        "E-NII-OFFSET",
        near=f.header(vox_offset=352),
        **each(lambda n: f.header(vox_offset=n), NAN, INF, 0, 351, 352.5, 2**23, 1e9),
    ),
    *made(
        32,
        "E-NII-AFFINE",
        near=f.header(srow_x=[1 + 1e-7, 0, 0, 1e-7]),
        nan=f.header(srow_x=[NAN, 0, 0, 0]),
        infinite=f.header(srow_y=[0, INF, 0, 0]),
        flat=f.header(srow_x=[0, 0, 0, 0]),
        singular=f.header(srow_x=[0, 1, 0, 0]),
        no_size=f.header(sform_code=0, pixdim=[1, 0, 1, 1, 1, 0, 0, 0]),
        no_size_in_qform=f.header(sform_code=0, qform_code=1, pixdim=[1, 0, *6 * [1]]),
    ),
    *made(
        32,
        "E-NII-AFFINE",
        ("sform and qform",),
        f.header(qform_code=1, pixdim=8 * [1]),
        turned=f.header(qform_code=1, pixdim=8 * [1], quatern_d=1),
        shifted=f.header(qform_code=1, pixdim=8 * [1], qoffset_x=3),
    ),
    *made(33, big_endian=f.packed(f.big_endian)),
    *made(33, "E-NII-TYPE", ("NIfTI-2", "nibabel"), nifti_2=f.packed(f.nifti_2)),
    *made(33, "E-NII-TYPE", (".hdr/.img pair", "nibabel"), pair=f.pair),
    *made(
        34,
        "E-NII-EXTRA",
        ("1 bytes follow",),
        f.plain(),
        gz=f.packed(lambda content: content + b"\0"),
        nii=f.plain(lambda content: content + b"\0"),
    ),
    *made(
        35,
        "E-SEQ-CONST",
        ("t2 is ",),
        f.inside(T2, lambda data: 7 + 50 * (data > 150)),
        zeros=f.voxels(T2, np.zeros_like),
        constant=f.voxels(T2, f.put(7, BRAIN)),
        constant_float=f.voxels(T2, f.put(0.1, BRAIN, "f4")),
        constant_everywhere=f.voxels(T2, f.put(7, ...)),
    ),
    *made(
        36,
        "W-RANGE",
        ("t2: ",),
        f.inside(T2, lambda data: 10 * data),
        lost=(),
        phantoms=True,
        negative=f.inside(T2, lambda data: data - 2000),
        scaled=f.inside(T2, lambda data: 1e6 * data),
        inverted=f.inside(T2, lambda data: data.max() + 1 - data),
    ),
    *made(
        37,
        "E-SHAPE",
        ("'t1': (", "'t1ce': (", "'t2': (", "'flair': (", "'mask': ("),
        flair=f.voxels(FLAIR, lambda data: data[:, :, :-1], at="P1"),
        mask=f.voxels(SEG, lambda data: data[:, :, :-1], at="P1"),
        turned=f.voxels(T2, lambda data: data.swapaxes(0, 2), at="P1"),
    ),
    *made(
        38,
        "E-AFFINE",
        near=f.shifted(FLAIR, (0, 3, 1e-7), (1, 1, -1e-7)),
        forwards=f.shifted(FLAIR, (0, 3, 2e-3)),
        backwards=f.shifted(FLAIR, (0, 3, -2e-3)),
        flipped=f.shifted(FLAIR, (0, 0, -2)),
        flipped_twice=f.shifted(FLAIR, (0, 0, -2), (1, 1, -2)),
        compensating=f.shifted(FLAIR, (0, 3, 0.01), (1, 3, -0.01)),
        mask=f.shifted(SEG, (2, 3, 0.01)),
        the_first=f.shifted(T1, (2, 3, 0.01)),
    ),
    *(
        fault
        for value in (3, 5, 255, -1, 0.5)
        for fault in made(
            39,
            "E-LABEL",
            (f"{{{value:.1f}: 1}}",),
            f.label(4),
            **{f"{value}": f.label(value)},
        )
    ),
    *made(40, **each(f.label, 1.0000001, 0.9999, 1.0009)),
    *made(
        40, "E-LABEL", ("(value: voxels)",), f.label(1.0009), near_one=f.label(1.002)
    ),
    *made(
        41,
        "W-EMPTY",
        near=f.voxels(SEG, lambda mask: f.put(1, f.IN_BRAIN)(0 * mask)),
        lost=(),
        zeros=f.voxels(SEG, np.zeros_like),
    ),
    *made(
        42,
        "W-MASK",
        ("60% of the brain",),
        f.box((4, 2, 1), (20, 18, 6)),
        lost=(),
        most=f.box((4, 2, 1), (20, 18, 7)),
    ),
    *made(
        42,
        "W-MASK",
        ("only 0%",),
        f.box((4, 2, 1), (6, 4, 2)),
        lost=(),
        on_air=f.box((0, 0, 1), (2, 2, 2)),
    ),
    *made(
        43,
        "E-SEQ-DUP",
        ("t1 and flair of P1", "P1_t1.nii.gz", "P1_flair.nii.gz"),
        f.in_turn(f.added(FLAIR, T1), f.voxels(FLAIR, f.put(1))),
        one_file_twice=f.added(FLAIR, T1),
    ),
    *made(
        44,
        "W-SWAP",
        ("t1 and flair of P1",),
        f.inside(T1, lambda data: data / 2),
        lost=(),
        phantoms=True,
        t1_and_flair=f.swapped(T1, FLAIR),
    ),
    *made(
        45,
        "W-MASK",
        ("only 80%",),
        f.added(SEG, "P3/P3_seg.nii.gz"),  # Where it fits the brain, nothing tells.
        lost=(),
        anothers=f.box((12, 4, 2), (22, 6, 4)),
    ),
]

# Faults that are no change of the folder, or whose cost matters, and where their tests
# are: those of the catalogue's rows 46 to 56 on prepared slices, and some of the above.
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

    class Unmount(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            shutil.rmtree(cohort.store.folder)

    with monkeypatch.context() as patch:
        make = training.make_callbacks
        patch.setattr(training, "make_callbacks", lambda c: [*make(c), Unmount()])
        with pytest.raises(BrainSegError) as caught:
            training.train(CONFIG, cohort, workspace, verbose=0)
    problem = caught.value
    assert_explained(problem, "E-CACHE-GONE", problem.path)
    assert Path(problem.path).parent == cohort.store.folder
    assert not any(run.trained for run in map(Run, workspace.runs.rglob("*_*")))
    again = make_tiny_cohort(tmp_path)
    assert again.store.key == cohort.store.key
    assert training.train(
        replace(CONFIG, epochs=1), again, workspace, verbose=0
    ).trained
    assert contents(tmp_path / "patients") == user_files
