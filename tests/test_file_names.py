import pytest

from brainseg_utils.layouts.file_names import read_name, style_of


@pytest.mark.parametrize(
    ("name", "case_id", "role"),
    [
        ("P0_t1.nii.gz", "P0", "t1"),
        ("P0_t1ce.nii", "P0", "t1ce"),
        ("P_0-1_T1GD.NII.GZ", "P_0-1", "t1ce"),
        ("BraTS-GLI-00005-001-t2f.nii.gz", "BraTS-GLI-00005-001", "flair"),
        ("UPENN-GBM-00002_11_segm.nii.gz", "UPENN-GBM-00002_11", "mask"),
        ("a b {x} 100%_t2w.nii", "a b {x} 100%", "t2"),
        ("two\nlines_t1n.nii", "two\nlines", "t1"),
    ],
)
def test_a_name_tells_patient_and_role(name, case_id, role):
    named = read_name(f"folder/{name}")
    assert (named.id, named.role, named.folder) == (case_id, role, "folder")
    assert named.is_nifti and not named.copy


@pytest.mark.parametrize("name", ["P0_adc.nii.gz", "P0_t1x.nii", "t1.nii", "_t1.nii"])
def test_other_nifti_files_have_no_role(name):
    assert read_name(name).role == ""


@pytest.mark.parametrize(
    "name", ["P0_t1.tif", "P0_t1", "P0_t1.nii.zip", "nii", "t1.gz"]
)
def test_other_files_are_not_named(name):
    assert read_name(name) is None


@pytest.mark.parametrize("ending", [".hdr", ".IMG", ".img.gz"])
def test_halves_of_a_pair_have_roles_and_are_no_nifti(ending):
    named = read_name(f"P0_flair{ending}")
    assert (named.id, named.role, named.is_nifti) == ("P0", "flair", False)


def test_a_copy_is_named_like_its_original_and_marked():
    named = read_name("P0/P0_t1 (1).nii.gz")
    assert (named.id, named.role, named.copy) == ("P0", "t1", True)
    assert named.file == "P0/P0_t1 (1).nii.gz"


def test_a_folder_named_as_a_file_names_the_file_in_it():
    named = read_name("P0/P0_seg.nii/00000057_final_seg.nii")
    assert (named.id, named.role, named.folder) == ("P0", "mask", "P0")
    assert read_name("P0_seg.nii/readme.txt") is None


def test_the_misnamed_mask_of_brats_2020_is_known_in_its_folder_only():
    known = read_name("all/BraTS20_Training_355/W39_1998.09.19_Segm.nii")
    assert (known.id, known.role) == ("BraTS20_Training_355", "mask")
    other = read_name("all/BraTS20_Training_354/W39_1998.09.19_Segm.nii")
    assert (other.id, other.role) == ("W39_1998.09.19", "mask")


@pytest.mark.parametrize(
    ("aliases", "stem"),
    [
        ({"t1", "flair"}, "P0_{t1ce,seg}"),
        ({"t1n"}, "P0-{t1c,seg}"),
        ({"t1gd", "t2"}, "P0_{T1GD,segm}"),
        (set(), "P0_{t1ce,seg}"),
    ],
)
def test_new_names_follow_the_style_of_the_patients_others(aliases, stem):
    assert style_of(aliases).stem("P0", ["t1ce", "mask"]) == stem


def test_a_single_new_name_needs_no_braces():
    assert style_of({"t2f"}).stem("P0", ["flair"]) == "P0-t2f"
