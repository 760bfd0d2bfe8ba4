"""What every refusal owes to its reader."""

from contextlib import contextmanager

import pytest

from brainseg_utils.errors import BrainSegError


@contextmanager
def refused(code, path):
    """Expect a `BrainSegError` that names `code` and `path` and says what to do."""
    with pytest.raises(BrainSegError) as caught:
        yield caught
    assert_explained(caught.value, code, path)


def assert_explained(problem, code, path):
    assert problem.code == code
    assert problem.path == str(path)
    assert problem.what and problem.remedy
    for part in (code, str(path), problem.what, problem.remedy):
        assert part in str(problem)


def refusal(call, *arguments):
    """Return the error with which a call refuses its arguments."""
    with pytest.raises(BrainSegError) as caught:
        call(*arguments)
    return caught.value
