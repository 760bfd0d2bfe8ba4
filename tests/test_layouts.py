import numpy as np
import pytest
from miniatures import (
    LAYOUTS,
    LGG_SEQUENCES,
    case_names,
    make_image,
    sequences_of,
    write_miniature,
)
from patients import make_mask
from refusals import assert_explained, refused

from brainseg_utils.cases import LAYOUTS as KNOWN_LAYOUTS
from brainseg_utils.cases import case_files, find_cases
from brainseg_utils.files import file_digest
from brainseg_utils.layouts import without_copy_mark
from brainseg_utils.layouts.slice_stacks import read_stack
from brainseg_utils.nifti import read_series


def errors(problems):
    return [problem for problem in problems if problem.code.startswith("E-")]


def read_part(case, name):
    """Return the voxels, `[x, y, z]`, of a sequence or of the mask."""
    path = case.mask if name == "mask" else case.sequences[name]
    if path.is_dir():
        return read_stack(path, case.parts.get(name)).T[::-1, ::-1]
    return read_series(path)[case.parts.get(name, 0)].data


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_recognised_and_leads_to_its_voxels(tmp_path, layout):
    names = sequences_of(layout)
    cases, problems = find_cases(write_miniature(tmp_path, layout), names)
    assert errors(problems) == []
    assert [case.id for case in cases] == case_names(layout)
    for index, case in enumerate(cases):
        assert tuple(case.sequences) == names
        for name in names:
            assert np.array_equal(read_part(case, name), make_image(name, index))
        mask = case.labels.whole_tumour(read_part(case, "mask"))
        assert np.array_equal(mask, make_mask(3 + index) > 0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_subset_of_sequences_comes_in_the_order_asked_for(tmp_path, layout):
    names = ("flair", "t1")
    cases, problems = find_cases(write_miniature(tmp_path, layout, 1), names)
    assert errors(problems) == []
    assert [tuple(case.sequences) for case in cases] == [names]
    assert set(cases[0].parts) <= set(names)
    for name in names:
        assert np.array_equal(read_part(cases[0], name), make_image(name, 0))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_in_the_folder_changes(tmp_path, layout):
    folder = write_miniature(tmp_path, layout)

    def digests():
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path: (file_digest(path), path.stat().st_mtime_ns) for path in files}

    before = digests()
    find_cases(folder, sequences_of(layout))
    assert digests() == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_case_names_each_file_that_is_read_once(tmp_path, layout):
    cases, _ = find_cases(write_miniature(tmp_path, layout), sequences_of(layout))
    files = [path for case in cases for path in case_files(case)]
    assert len(set(files)) == len(files)
    assert all(path.is_file() for path in files)
    endings = (".tif",) if layout == "lgg" else (".nii", ".nii.gz")
    stored = {p for p in tmp_path.rglob("*") if p.name.endswith(endings)}
    spare = ("._", "BRATS_485", "automated")
    used = {
        p for p in stored if p.is_file() and not any(part in str(p) for part in spare)
    }
    assert set(files) == used


def test_slices_are_named_in_the_order_of_their_numbers(tmp_path):
    cases, _ = find_cases(write_miniature(tmp_path, "lgg", 1), ("flair", "t1"))
    names = [path.name for path in case_files(cases[0])]
    prefix = "TCGA_CS_1_19960909"
    assert names[:12] == [f"{prefix}_{n}.tif" for n in range(1, 13)]
    assert names[12:] == [f"{prefix}_{n}_mask.tif" for n in range(1, 13)]


def test_a_case_without_mask_names_its_sequences_only(tmp_path):
    folder = write_miniature(tmp_path, "msd", 1)
    (folder / "labelsTr" / "BRATS_001.nii.gz").unlink()
    case = find_cases(folder, need_mask=False)[0][0]
    assert case.mask is None
    assert case_files(case) == [folder / "imagesTr" / "BRATS_001.nii.gz"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_declared_scheme_replaces_the_layouts_own(tmp_path, layout):
    folder = write_miniature(tmp_path, layout, 1)
    cases, _ = find_cases(folder, sequences_of(layout), labels="binary")
    assert cases[0].labels.name == "tumour or not"


@pytest.mark.parametrize(
    ("layout", "scheme", "labels"),
    [
        ("brats2018", "BraTS 2018-2022", {1, 2, 4}),
        ("brats2020", "BraTS 2018-2022", {1, 2, 4}),
        ("brats2021_folders", "BraTS 2018-2022", {1, 2, 4}),
        ("brats2023", "BraTS 2023+", {1, 2, 3}),
        ("brats2024", "BraTS 2024+ after treatment", {1, 2, 3}),
        ("upenn", "UPENN-GBM", {1, 2, 4}),
        ("msd", "BRATS (labels 1, 2, 3)", {1, 2, 3}),
        ("nnunet", "dataset.json (labels 1, 2, 3)", {1, 2, 3}),
        ("lgg", "Kaggle LGG", {255}),
        ("yaml", "brainseg.yaml (labels 1, 2)", {1, 2}),
    ],
)
def test_each_layout_has_its_label_scheme(tmp_path, layout, scheme, labels):
    cases, _ = find_cases(write_miniature(tmp_path, layout), sequences_of(layout))
    assert {case.labels.name for case in cases} == {scheme}
    assert set(cases[0].labels.names) == labels


def test_an_unknown_scheme_is_refused(tmp_path):
    with refused("E-LABEL", "labels"):
        find_cases(write_miniature(tmp_path, "brats2018", 1), labels="brats2019")


@pytest.mark.parametrize(
    ("layout", "name"),
    [("upenn", "named"), ("msd", "msd"), ("nnunet", "nnunet"), ("lgg", "lgg")],
)
def test_a_layout_may_be_named(tmp_path, layout, name):
    folder = write_miniature(tmp_path, layout)
    cases, _ = find_cases(folder, LGG_SEQUENCES, layout=name)
    assert len(cases) == 3


@pytest.mark.parametrize(
    "layout", ["brats2020", "MSD", "nothing.txt", "a" * 300, "~nobody/x", "a\0b"]
)
def test_an_unknown_layout_is_refused_with_the_known(tmp_path, layout):
    with refused("E-LAYOUT", "layout") as caught:
        find_cases(write_miniature(tmp_path, "brats2018", 1), layout=layout)
    assert repr(layout) in caught.value.what
    assert all(repr(known) in caught.value.what for known in KNOWN_LAYOUTS)


def test_the_folder_above_a_data_set_may_be_named(tmp_path):
    for layout in ("msd", "nnunet", "lgg"):
        write_miniature(tmp_path / layout / "Data" / "inner", layout)
        cases, problems = find_cases(tmp_path / layout, LGG_SEQUENCES)
        assert len(cases) == 3 and problems == []


@pytest.mark.parametrize("pair", [("brats2018", "msd"), ("lgg", "upenn")])
def test_data_sets_of_different_layouts_are_not_chosen_between(tmp_path, pair):
    for layout in pair:
        write_miniature(tmp_path / layout, layout)
    with refused("E-LAYOUT", tmp_path) as caught:
        find_cases(tmp_path)
    assert "several layouts" in caught.value.what
    name = next(name for name in ("msd", "lgg") if name in pair)
    cases, _ = find_cases(tmp_path, LGG_SEQUENCES, layout=name)
    assert [case.id for case in cases] == case_names(name)


def test_pictures_beside_patients_are_no_second_layout(tmp_path):
    folder = write_miniature(tmp_path, "brats2018")
    (folder / "preview_1.tif").touch()
    assert len(find_cases(folder)[0]) == 3


def test_a_description_in_the_folder_goes_before_all_names(tmp_path):
    folder = write_miniature(tmp_path, "brats2018")
    (folder / "brainseg.yaml").write_text(
        'sequences: {t1: "{case}/*_t1.nii.gz"}\n'
        'mask: "{case}/*_seg.nii.gz"\n'
        "labels: brats2023\n"
    )
    cases, _ = find_cases(folder, ("t1",))
    assert {case.labels.name for case in cases} == {"BraTS 2023+"}
    assert len(find_cases(folder, layout="named")[0]) == 3


def test_the_wanted_trees_of_all_layouts_are_shown(tmp_path):
    with refused("E-ROOT", tmp_path) as caught:
        find_cases(tmp_path)
    for part in ("<case>_{t1,t1ce", "-{t1n,t1c", "images_segm", "imagesTr/<case>.nii"):
        assert part in caught.value.remedy
    for part in ("imagesTr/<case>_0000.nii.gz", "_mask.tif", "brainseg.yaml"):
        assert part in caught.value.remedy


def test_what_a_folder_without_patients_holds_is_counted(tmp_path):
    for name in ("a.dcm", "b.dcm", "c", "BraTS2021.tar"):
        (tmp_path / name).touch()
    with refused("E-ROOT", tmp_path) as caught:
        find_cases(tmp_path)
    assert "4 files (2 .dcm, " in caught.value.what
    assert "Unpack the archives." in caught.value.remedy
    (tmp_path / "BraTS2021.tar").unlink()
    with refused("E-ROOT", tmp_path) as caught:
        find_cases(tmp_path)
    assert "Unpack" not in caught.value.remedy


def test_the_images_folder_alone_points_above_itself(tmp_path):
    folder = write_miniature(tmp_path, "msd") / "labelsTr"
    with refused("E-ROOT", folder) as caught:
        find_cases(folder)
    assert "Name the folder above it" in caught.value.remedy


def test_problems_of_the_walk_are_listed_too(tmp_path):
    folder = write_miniature(tmp_path, "brats2018")
    (folder / "loop").symlink_to(folder)
    cases, problems = find_cases(folder)
    assert len(cases) == 3
    assert_explained(problems[0], "E-READ", folder / "loop")


def test_a_data_folder_that_may_not_be_read_is_told_as_such(tmp_path, monkeypatch):
    def refusing(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refusing)
    with refused("E-READ", tmp_path) as caught:
        find_cases(tmp_path)
    assert "chmod" in caught.value.remedy


def test_a_tree_that_holds_only_problems_names_the_first(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "absent")
    with refused("E-ROOT", tmp_path) as caught:
        find_cases(tmp_path)
    assert f"E-READ  {tmp_path / 'gone'}" in caught.value.what


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("P0_t1 (1).nii.gz", "P0_t1.nii.gz"),
        ("P0_t1(12).nii", "P0_t1.nii"),
        ("P0_t1.nii (1).gz", "P0_t1.nii.gz"),
        ("P0_t1 - Copy.nii.gz", "P0_t1.nii.gz"),
        ("P0_t1 copy.nii.gz", "P0_t1.nii.gz"),
        ("Copy of P0_t1.nii.gz", "P0_t1.nii.gz"),
        ("X_3_mask (2).tif", "X_3_mask.tif"),
        ("P0 (1)_t1.nii.gz", "P0 (1)_t1.nii.gz"),
        ("P0_t1.nii.gz", "P0_t1.nii.gz"),
        ("P0copy_t1.nii.gz", "P0copy_t1.nii.gz"),
        ("photocopy.nii", "photocopy.nii"),
    ],
)
def test_the_marks_of_a_second_copy_are_known(name, original):
    assert without_copy_mark(name) == original
