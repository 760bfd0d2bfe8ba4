"""SIGKILL of a sweep's parent, worker and kernel: nothing repeated, nothing missing."""

import os
import signal
import time

import numpy as np
import pytest
from sweeps import VALUES, points_of, start_sweep, sweep, workers_and_kernels
from tiny_notebook import executions, write_tiny_notebook

from brainseg_utils.sweep.records import read_record

KILLS = int(os.environ.get("BRAINSEG_SWEEP_KILLS", 3))
WHO = ["parent", "worker", "kernel"]


@pytest.fixture
def notebook(tmp_path):
    return write_tiny_notebook(tmp_path / "tiny.ipynb")


def finished(notebook, out):
    """Return the bytes of the executed notebooks that have their record."""
    points = [point for point in points_of(notebook) if read_record(point, out)]
    return {p.output_name: (out / p.output_name).read_bytes() for p in points}


def kill(who, parent, folder):
    """Kill the parent, or the first of its workers or kernels that is found."""
    if who == "parent":
        parent.kill()
        return
    until = time.time() + 60
    while time.time() < until:
        victims = workers_and_kernels(folder)[who]
        if victims:
            victims[0].kill()
            return
        time.sleep(0.02)


def wait_for_the_end_of(folder):
    until = time.time() + 60
    while time.time() < until:
        left = workers_and_kernels(folder)
        if not left["kernel"] and not left["worker"]:
            return
        time.sleep(0.1)
    raise AssertionError(f"left over: {left}")


@pytest.mark.parametrize("number", range(KILLS))
def test_after_a_kill_the_sweep_does_what_is_missing_and_no_more(
    notebook, tmp_path, number
):
    out, rng = tmp_path / "out", np.random.default_rng(number)
    parent = start_sweep(notebook, out)
    for line in parent.stdout:  # Somewhere behind the first run, and before the last.
        if line.startswith("[") and rng.random() < 0.5:
            break
    time.sleep(rng.uniform(0, 1.0))
    kill(WHO[number % 3], parent, tmp_path)
    parent.stdout.read()
    parent.wait()
    wait_for_the_end_of(tmp_path)
    before, counts = finished(notebook, out), executions(tmp_path)
    outcomes, table = sweep(notebook, out, report=lambda line: None)
    assert [outcome.status for outcome in outcomes].count("kept") == len(before)
    assert finished(notebook, out).items() >= before.items()
    done = {points_of(notebook)[value - 1].output_name: value for value in VALUES}
    for name in before:
        assert executions(tmp_path)[done[name]] == counts[done[name]], "repeated"
    assert table["value"].tolist() == VALUES
    assert table["square"].tolist() == [value**2 for value in VALUES]
    assert (table["status"] == "done").all()
    assert not list(out.glob("*.failed.ipynb"))
    wait_for_the_end_of(tmp_path)


@pytest.mark.parametrize("point", ["sweep.executed", "sweep.recorded"])
def test_a_worker_killed_at_a_point_is_started_once_more(
    notebook, tmp_path, point, monkeypatch
):
    # Each worker dies at the point, at its first attempt and at its second.
    monkeypatch.setenv("BRAINSEG_CRASH", point)
    out = tmp_path / "out"
    outcomes, table = sweep(notebook, out, count=2, report=lambda line: None)
    if point == "sweep.recorded":
        # The second attempt finds the record of the first, and executes nothing.
        assert {outcome.status for outcome in outcomes} == {"done"}
        assert set(executions(tmp_path).values()) == {1}
    else:
        assert {outcome.status for outcome in outcomes} == {"failed"}
        assert f"signal {signal.SIGKILL.value}" in outcomes[0].error
    monkeypatch.delenv("BRAINSEG_CRASH")
    _, table = sweep(notebook, out, count=2, report=lambda line: None)
    assert (table["status"] == "done").all()
