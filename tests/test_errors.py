import pickle

import pytest
from refusals import refused

from brainseg_utils.errors import BrainSegError, raise_all

MISSING = BrainSegError("E-MISSING", "data/P1", "has no t2.", "Add the file.")
SHAPE = BrainSegError("E-SHAPE", "data/P2", "differs in shape.", "Resample it.")


def test_the_message_is_code_path_what_remedy():
    assert str(MISSING) == "E-MISSING  data/P1: has no t2. Add the file."


def test_an_error_survives_the_way_between_processes():
    copy = pickle.loads(pickle.dumps(MISSING))
    assert type(copy) is BrainSegError
    assert str(copy) == str(MISSING)
    assert (copy.code, copy.path) == ("E-MISSING", "data/P1")


def test_no_problem_raises_nothing():
    raise_all([])
    raise_all(iter(()))


def test_one_problem_is_raised_with_the_way_round_it():
    with pytest.raises(BrainSegError) as caught:
        raise_all([MISSING])
    assert str(caught.value).startswith(str(MISSING))
    assert "on_bad='exclude'" in caught.value.remedy


def test_several_problems_are_listed_in_one_error():
    with refused("E-DATA", "data") as caught:
        raise_all(problem for problem in (MISSING, SHAPE))
    message = str(caught.value)
    assert message.startswith("E-DATA  data: 2 problems:")
    assert str(MISSING) in message and str(SHAPE) in message
    assert "on_bad='exclude'" in caught.value.remedy
