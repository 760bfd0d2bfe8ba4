import shutil

import pytest
from miniatures import write_miniature
from refusals import assert_explained, refused

from brainseg_utils.cases import find_cases

SEQUENCES = 'sequences: {t1: "{case}/anat/{case}_T1w.nii.gz"}\n'


@pytest.fixture
def folder(tmp_path):
    return write_miniature(tmp_path / "data", "yaml")


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_the_description_may_lie_elsewhere(folder, tmp_path):
    (folder / "brainseg.yaml").rename(tmp_path / "mine.yml")
    cases, problems = find_cases(folder, layout=tmp_path / "mine.yml")
    assert [case.id for case in cases] == ["sub-01", "sub-02", "sub-03"]
    assert problems == []


def test_a_relative_description_is_looked_for_here_and_in_the_folder(
    folder, tmp_path, monkeypatch
):
    (folder / "brainseg.yaml").rename(folder / "inside")
    assert len(find_cases(folder, layout="inside")[0]) == 3
    (folder / "inside").rename(tmp_path / "here.yaml")
    monkeypatch.chdir(tmp_path)
    assert len(find_cases(folder, layout="here.yaml")[0]) == 3


def test_a_description_that_is_not_there_is_refused(folder, tmp_path):
    with refused("E-LAYOUT", tmp_path / "absent.yaml"):
        find_cases(folder, layout=str(tmp_path / "absent.yaml"))


def test_volumes_of_a_series_are_counted_from_0(folder):
    case = find_cases(folder, ("flair", "t1"))[0][0]
    assert case.parts == {"flair": 1}


def test_masks_without_a_meaning_are_refused_until_one_is_declared(folder):
    description = folder / "brainseg.yaml"
    text = description.read_text()
    description.write_text(text[: text.index("labels")])
    with refused("E-LAYOUT", description) as caught:
        find_cases(folder)
    assert caught.value.what.startswith("labels:")
    assert find_cases(folder, labels="upenn")[0][0].labels.name == "UPENN-GBM"


@pytest.mark.parametrize(("need_mask", "found"), [(True, 0), (False, 3)])
def test_a_folder_without_masks_serves_prediction(folder, need_mask, found):
    (folder / "brainseg.yaml").write_text(SEQUENCES)
    cases, problems = find_cases(folder, ("t1",), need_mask)
    assert len(cases) == found
    if need_mask:
        assert_explained(only(problems), "E-MISSING", folder / "brainseg.yaml")
        assert "no pattern for mask" in problems[0].what


def test_a_sequence_without_pattern_is_missing(folder):
    (folder / "brainseg.yaml").write_text(SEQUENCES)
    cases, problems = find_cases(folder, ("t1", "t2"), need_mask=False)
    assert cases == []
    assert "no pattern for t2; its sequences are ['t1']" in only(problems).what


def test_a_missing_file_leaves_out_this_patient_only(folder):
    (folder / "sub-02" / "anat" / "sub-02_T1w.nii.gz").unlink()
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["sub-01", "sub-03"]
    assert_explained(only(problems), "E-MISSING", folder / "sub-02" / "anat")
    assert "sub-02/anat/sub-02_T1w.nii.gz" in problems[0].what


@pytest.mark.parametrize(
    "name", ["acq-2_T2andFLAIR.nii.gz", "acq-1_T2andFLAIR (1).nii.gz"]
)
def test_two_files_for_one_pattern_are_not_chosen_between(folder, name):
    home = folder / "sub-01" / "anat"
    shutil.copy(home / "acq-1_T2andFLAIR.nii.gz", home / name)
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["sub-02", "sub-03"]
    assert [problem.code for problem in problems] == ["E-AMBIGUOUS"] * 2
    assert name in problems[0].what


def test_a_copy_of_a_file_with_a_whole_name_is_ambiguous(folder):
    home = folder / "sub-01" / "anat"
    shutil.copy(home / "sub-01_T1w.nii.gz", home / "sub-01_T1w (1).nii.gz")
    assert only(find_cases(folder)[1]).code == "E-AMBIGUOUS"


def test_one_patient_in_two_folders_is_refused(folder):
    (folder / "brainseg.yaml").write_text('sequences: {t1: "*/{case}/t1.nii"}')
    for site in "ab":
        (folder / site / "P").mkdir(parents=True)
        (folder / site / "P" / "t1.nii").touch()
    cases, problems = find_cases(folder, ("t1",), need_mask=False)
    assert cases == []
    assert_explained(only(problems), "E-DUP-ID", folder / "a" / "P")


def test_a_mask_alone_is_named_and_is_no_patient(folder):
    lone = folder / "derivatives" / "sub-09_lesion.nii.gz"
    lone.touch()
    cases, problems = find_cases(folder)
    assert len(cases) == 3
    assert_explained(only(problems), "W-NAME", lone)


def test_a_folder_that_matches_nothing_is_refused_with_the_patterns(folder):
    text = (folder / "brainseg.yaml").read_text()
    (folder / "brainseg.yaml").write_text(text.replace("{case}/anat", "{case}/x"))
    with refused("E-ROOT", folder) as caught:
        find_cases(folder, need_mask=False)
    assert "{case}/x/{case}_T1w.nii.gz" in caught.value.what


def test_links_of_patients_into_another_tree_are_separate_names(folder):
    (folder / "train").mkdir()
    (folder / "train" / "sub-01").symlink_to(folder / "sub-01")
    (folder / "brainseg.yaml").write_text(
        'sequences: {t1: "train/{case}/anat/*_T1w.nii.gz"}'
    )
    cases, problems = find_cases(folder, ("t1",), need_mask=False)
    assert problems[0].code == "E-AMBIGUOUS"
    shutil.rmtree(folder / "sub-01" / "anat" / "none", ignore_errors=True)
    (folder / "sub-01" / "anat" / "sub-01_ce-gad_T1w.nii.gz").unlink()
    cases, problems = find_cases(folder, ("t1",), need_mask=False)
    assert [case.id for case in cases] == ["sub-01"] and problems == []
