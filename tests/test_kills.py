"""SIGKILL at every named point and at random moments of a store's writing."""

import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from builds import build, contents, start_build

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "brainseg_utils"
# The numbers are written first and the record second, through the same points.
POINTS = [
    "files.written",
    "files.flushed",
    "files.replaced",
    "entries.images",
    "entries.numbers",
    "files.written:2",
    "files.flushed:2",
    "files.replaced:2",
    "entries.recorded",
    "entries.recorded:3",
]
RANDOM_KILLS = int(os.environ.get("BRAINSEG_KILLS", 10))


@pytest.fixture
def patients(patient_folder):
    return patient_folder()


@pytest.fixture
def clean(patients, tmp_path):
    build(patients, tmp_path / "clean")
    return contents(tmp_path / "clean")


def test_every_point_in_the_source_is_killed_at_by_a_test():
    source = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    tests = "\n".join(path.read_text() for path in TESTS.glob("test_*.py"))
    points = set(re.findall(r'crashpoint\("([^"]+)"\)', source))
    assert len(points) > 5
    assert {point for point in points if point not in tests} == set()


@pytest.mark.parametrize("point", POINTS)
def test_a_build_killed_at_a_point_is_finished_by_the_next(
    patients, clean, tmp_path, point
):
    process = start_build(patients, tmp_path / "killed", BRAINSEG_CRASH=point)
    assert process.wait() == -signal.SIGKILL, process.stderr.read()
    user_files = contents(patients)
    build(patients, tmp_path / "killed")
    assert contents(tmp_path / "killed") == clean
    assert contents(patients) == user_files


def test_builds_killed_at_random_moments_are_finished_by_the_next(
    patients, clean, tmp_path
):
    rng = np.random.default_rng(0)
    duration, killed = fork_build(patients, tmp_path / "whole", np.inf), 0
    for number in range(RANDOM_KILLS):
        folder = tmp_path / f"killed-{number}"
        for moment in rng.uniform(0, 1.1 * duration, 2):  # Twice, one upon the other.
            killed += fork_build(patients, folder, moment) >= moment
        build(patients, folder)
        assert contents(folder) == clean, f"kill {number}"
    assert killed > RANDOM_KILLS, "the moments must lie within the build"


def fork_build(patients, folder, seconds):
    """Build in a forked child, kill it after some seconds; return how long it ran."""
    started = time.perf_counter()
    child = os.fork()
    if not child:
        try:
            build(patients, folder)
        finally:
            os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.perf_counter() - started >= seconds:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.0005)
    return time.perf_counter() - started


@pytest.mark.parametrize("builders", [2, 4])
def test_of_builders_at_once_each_patient_is_built_by_one(
    patients, clean, tmp_path, builders
):
    folder = tmp_path / "shared"
    processes = [start_build(patients, folder) for _ in range(builders)]
    for process in processes:
        assert process.wait() == 0, process.stderr.read()
    assert contents(folder) == clean


def test_the_lock_of_a_killed_builder_holds_up_nobody(patients, clean, tmp_path):
    killed = start_build(patients, tmp_path / "a", BRAINSEG_CRASH="entries.images")
    assert killed.wait() == -signal.SIGKILL
    started = time.perf_counter()
    build(patients, tmp_path / "a")
    assert time.perf_counter() - started < 5
    assert contents(tmp_path / "a") == clean
