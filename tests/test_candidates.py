from pathlib import Path

from refusals import assert_explained

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import BINARY, BRATS_2018
from brainseg_utils.layouts import Candidate, Wanted
from brainseg_utils.layouts.candidates import make_cases
from brainseg_utils.layouts.folders import Tree


def candidate(path, copy=False):
    return Candidate(path, str(Path(path).parent), copy)


def explain(case_id, missing):
    return [BrainSegError("E-MISSING", case_id, f"no {missing}.", "Add it.")]


def assemble(tmp_path, patients, sequences=("t1",), need_mask=True, labels=None):
    wanted = Wanted(sequences, need_mask, labels)
    return make_cases(
        Tree(tmp_path, (), ()), patients, wanted, explain, lambda case_id: BRATS_2018
    )


def patient(folder="P", **roles):
    files = roles or {"t1": ["t1.nii"], "mask": ["seg.nii"]}
    return {
        role: [candidate(f"{folder}/{name}") for name in names]
        for role, names in files.items()
    }


def test_a_whole_patient_becomes_a_case(tmp_path):
    (case,), problems = assemble(tmp_path, {"P": patient()})
    assert problems == []
    assert case.sequences == {"t1": tmp_path / "P" / "t1.nii"}
    assert case.mask == tmp_path / "P" / "seg.nii"
    assert case.labels is BRATS_2018 and case.parts == {}


def test_cases_and_problems_are_sorted_by_id(tmp_path):
    patients = {name: patient(name) for name in ("b", "c", "a")}
    patients |= {name: patient(name, t1=["t1.nii"]) for name in ("y", "x")}
    cases, problems = assemble(tmp_path, patients)
    assert [case.id for case in cases] == ["a", "b", "c"]
    assert [problem.path for problem in problems] == ["x", "y"]


def test_a_declared_scheme_goes_before_the_layouts(tmp_path):
    (case,), _ = assemble(tmp_path, {"P": patient()}, labels=BINARY)
    assert case.labels is BINARY


def test_missing_roles_are_explained_once(tmp_path):
    cases, (problem,) = assemble(tmp_path, {"P": {}}, ("t1", "t2"))
    assert cases == []
    assert problem.what == "no ['t1', 't2', 'mask']."


def test_a_mask_is_taken_along_where_none_is_needed(tmp_path):
    with_mask, without = patient(), patient("Q", t1=["t1.nii"])
    cases, problems = assemble(
        tmp_path, {"P": with_mask, "Q": without}, need_mask=False
    )
    assert problems == []
    assert [case.mask for case in cases] == [tmp_path / "P" / "seg.nii", None]


def test_a_role_that_only_a_copy_has_is_missing(tmp_path):
    roles = patient()
    roles["t1"] = [candidate("P/t1 (1).nii", copy=True)]
    assert assemble(tmp_path, {"P": roles})[1][0].code == "E-MISSING"
    roles["t1"].append(candidate("P/t1.nii"))
    assert assemble(tmp_path, {"P": roles})[1][0].code == "E-AMBIGUOUS"


def test_a_patient_in_two_folders_stops_even_for_other_sequences(tmp_path):
    roles = patient()
    roles["t2"] = [candidate("P/t2.nii"), candidate("Q/t2.nii")]
    _, (problem,) = assemble(tmp_path, {"P": roles})
    assert_explained(problem, "E-DUP-ID", tmp_path / "P")
    assert "['P', 'Q']" in problem.what


def test_sequences_may_lie_in_folders_of_their_own(tmp_path):
    roles = {
        "t1": [candidate("t1/P.nii")],
        "t2": [candidate("t2/P.nii")],
        "mask": [candidate("masks/P.nii")],
    }
    cases, problems = assemble(tmp_path, {"P": roles}, ("t1", "t2"))
    assert len(cases) == 1 and problems == []


def test_a_clash_of_ids_is_told_once_and_takes_neither(tmp_path):
    patients = {"P": patient("a"), "p": patient("b"), "Q": patient("c")}
    cases, (problem,) = assemble(tmp_path, patients)
    assert [case.id for case in cases] == ["Q"]
    assert_explained(problem, "E-DUP-ID", tmp_path / "a")
    assert "['P', 'p']" in problem.what and "['a', 'b']" in problem.what


def test_a_clash_of_patients_without_files_is_told_too(tmp_path):
    _, (problem,) = assemble(tmp_path, {"P": {}, "p": {}})
    assert_explained(problem, "E-DUP-ID", tmp_path)


def test_a_link_to_the_other_candidate_is_no_second_one(tmp_path):
    (tmp_path / "P").mkdir()
    (tmp_path / "P" / "t1.nii").touch()
    (tmp_path / "P" / "a_t1.nii").symlink_to("t1.nii")
    roles = patient(t1=["a_t1.nii", "t1.nii"], mask=["seg.nii"])
    (case,), problems = assemble(tmp_path, {"P": roles})
    assert problems == []
    assert case.sequences["t1"] == tmp_path / "P" / "t1.nii"


def test_parts_follow_the_sequences_wanted(tmp_path):
    wanted = Wanted(("t2",), False, None)
    roles = {name: [candidate("P/all.nii")] for name in ("t1", "t2")}
    (case,), _ = make_cases(
        Tree(tmp_path, (), ()),
        {"P": roles},
        wanted,
        explain,
        lambda case_id: BINARY,
        {"t1": 0, "t2": 3},
    )
    assert case.parts == {"t2": 3}
