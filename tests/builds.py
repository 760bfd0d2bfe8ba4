"""Prepare a folder of patients in a process of its own, to be killed on the way.

Run as a script: `python builds.py PATIENTS PREPARED`.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from brainseg_utils.cases import find_cases
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid

GRID = SliceGrid(16, 16)


def build(patients, prepared):
    return prepare_slices(find_cases(patients)[0], prepared, GRID)


def start_build(patients, prepared, **environment):
    """Start the build in a process of its own."""
    command = [sys.executable, __file__, str(patients), str(prepared)]
    return subprocess.Popen(
        command,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def contents(folder):
    """Return the digest of every file below a folder, but for locks."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    build(*sys.argv[1:])
