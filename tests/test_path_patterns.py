import time

import pytest

from brainseg_utils.layouts.path_patterns import compile_pattern, fill_pattern


def case_of(pattern, path):
    match = compile_pattern(pattern).fullmatch(path)
    return match and match["case"]


@pytest.mark.parametrize(
    ("pattern", "path", "case_id"),
    [
        ("{case}.nii", "P0.nii", "P0"),
        ("{case}/t1.nii", "P_0/t1.nii", "P_0"),
        ("a/{case}_t1.nii", "a/P_0_t1.nii", "P_0"),
        ("{case}/{case}_t1.nii", "P0/P0_t1.nii", "P0"),
        ("{case}/*_t1.nii", "P0/x_y_t1.nii", "P0"),
        ("{case}/*_t1.nii", "P0/_t1.nii", "P0"),
        ("*/{case}/t1.nii", "HGG/P0/t1.nii", "P0"),
        ("{case}_*_t1.nii", "P0_x_t1.nii", "P0"),
        ("{case}/t1.nii", "two\nlines/t1.nii", "two\nlines"),
        ("{case}[1-3].nii", "P0[1-3].nii", "P0"),
        ("({case})+?.nii", "(P0)+?.nii", "P0"),
        ("{{case}}.nii", "{P0}.nii", "P0"),
        ("{case}_{x}.nii", "P0_{x}.nii", "P0"),
    ],
)
def test_a_path_that_fits_tells_the_patient(pattern, path, case_id):
    assert case_of(pattern, path) == case_id


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{case}.nii", "P0.nii.gz"),
        ("{case}.nii", "a/P0.nii"),
        ("{case}.nii", ".nii"),
        ("{case}.nii", "P0xnii"),
        ("{case}/{case}_t1.nii", "P0/P1_t1.nii"),
        ("{case}/{case}_t1.nii", "P0/P00_t1.nii"),
        ("{case}/*_t1.nii", "P0/a/b_t1.nii"),
        ("{case}[1-3].nii", "P02.nii"),
        ("{case}.nii", "P0.nii\n"),
        ("{case}.nii", "P0.NII"),
    ],
)
def test_other_paths_do_not_fit(pattern, path):
    assert case_of(pattern, path) is None


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("", "characters"),
        ("{case}" + "a" * 1024, "characters"),
        ("/data/{case}.nii", "relative"),
        ("~/{case}.nii", "relative"),
        ("C:/{case}.nii", "relative"),
        ("a\\{case}.nii", "relative"),
        ("../{case}.nii", "'..'"),
        ("{case}/../x.nii", "'..'"),
        ("./{case}.nii", "dot"),
        ("{case}/.git/x.nii", "dot"),
        ("{case}//x.nii", "empty"),
        ("{case}/", "empty"),
        ("t1.nii", "{case}"),
        ("{Case}.nii", "{case}"),
        ("{case}*.nii", "between them"),
        ("*{case}.nii", "between them"),
        ("{case}{case}.nii", "between them"),
        ("{case}/**/x.nii", "between them"),
        ("{case}/*a*b*c.nii", "at most 2"),
    ],
)
def test_patterns_that_cannot_be_meant_are_refused(pattern, told):
    with pytest.raises(ValueError, match=told.replace("{", "{").replace(".", r"\.")):
        compile_pattern(pattern)


def test_two_stars_a_name_are_enough():
    assert case_of("{case}/*_T1*.nii/a*b*c", "P/x_T1y.nii/abbc") == "P"


def test_matching_a_long_name_takes_no_time():
    pattern = compile_pattern("{case}a*a*b.nii")
    start = time.perf_counter()
    assert not pattern.fullmatch("a" * 200 + ".nii")
    assert time.perf_counter() - start < 1


def test_a_pattern_is_filled_for_one_patient():
    assert fill_pattern("{case}/*_{case}.nii", "P0") == "P0/*_P0.nii"
