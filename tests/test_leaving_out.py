import subprocess
import sys

import pytest

from brainseg_utils.leaving_out import leaving_out


def test_a_package_cannot_be_imported_for_as_long_as_it_lasts(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with leaving_out("this", "sys", "no_such_package"):
        with pytest.raises(ModuleNotFoundError):
            import this
        import sys as still_there

        assert still_there is sys
    import this  # noqa: F401

    assert "no_such_package" not in sys.modules


def test_after_an_error_it_can_be_imported_as_well(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with pytest.raises(ValueError), leaving_out("this"):
        raise ValueError
    assert "this" not in sys.modules


def test_keras_starts_without_what_the_command_leaves_out():
    code = """
import sys
from brainseg_utils.leaving_out import leaving_out
from brainseg_utils.predict_command import UNUSED
with leaving_out(*UNUSED):
    import brainseg_utils.compiling
print(sorted({*UNUSED} & {*sys.modules}))
import matplotlib.pyplot, pandas
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
