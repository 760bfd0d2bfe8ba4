"""Sweeps over a tiny notebook that trains nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest
from refusals import refusal
from tiny_notebook import executions, write_tiny_notebook

from brainseg_utils.sweep import (
    Outcome,
    Point,
    expand_grid,
    make_table,
    run_sweep,
    show_result,
    write_table,
)
from brainseg_utils.sweep.pools import LocalPool
from brainseg_utils.sweep.records import read_record, write_record


@pytest.fixture
def notebook(tmp_path):
    return write_tiny_notebook(tmp_path / "tiny.ipynb")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def sweep(points, out, **options):
    lines = []
    options = {"cwd": out.parent, "report": lines.append, **options}
    return run_sweep(points, out, **options), lines


def grid_of(notebook, **values):
    return expand_grid(notebook, {"folder": [str(notebook.parent)], **values})


def test_grid_is_every_combination(notebook):
    points = expand_grid(notebook, {"value": [1, 2], "rate": [0.1, 0.2]})
    assert [tuple(p.parameters.values()) for p in points] == [
        (1, 0.1),
        (1, 0.2),
        (2, 0.1),
        (2, 0.2),
    ]
    assert len({p.output_name for p in points}) == 4


def test_only_missing_runs_are_done_and_the_table_is_the_same(notebook, out):
    first, _ = sweep(grid_of(notebook, value=[3]), out)
    kept = (out / first[0].point.output_name).read_bytes()
    outcomes, lines = sweep(grid_of(notebook, value=[3, 4]), out)
    assert [outcome.status for outcome in outcomes] == ["kept", "done"]
    assert executions(notebook.parent) == {3: 1, 4: 1}
    assert lines[0] == "1 of 2 runs are done already"
    assert (out / first[0].point.output_name).read_bytes() == kept
    table = make_table(outcomes)
    assert table["square"].tolist() == [9, 16]
    again, _ = sweep(grid_of(notebook, value=[3, 4]), out)
    assert make_table(again).equals(table)


def test_failures_are_listed_with_cell_and_cause_and_the_rest_is_kept(notebook, out):
    points = grid_of(notebook, value=[5], fail=["raise"]) + grid_of(notebook, value=[6])
    outcomes, lines = sweep(points, out)
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert executions(notebook.parent) == {6: 1}
    listing = "\n".join(lines[-3:])
    assert "1 of 2 runs failed" in listing and "value=5" in listing
    assert "cell 2 ('import os')" in listing and "asked to fail" in listing
    assert make_table(outcomes)["status"].tolist() == ["failed", "done"]


def test_progress_is_a_line_a_run_with_the_time_left(notebook, out):
    _, lines = sweep(grid_of(notebook, value=[1, 2]), out, workers=1)
    assert lines[1].startswith("[1/2] done") and "s left" in lines[1]
    assert lines[2].startswith("[2/2] done") and "left" not in lines[2]
    assert len(lines) == 3


def test_a_run_that_leaves_no_record_of_its_own_has_failed(notebook, out):
    points = grid_of(notebook, value=[8])
    outcomes, _ = sweep(points, out, is_done=lambda point: False)
    assert outcomes[0].status == "failed"
    assert outcomes[0].error == "left no complete run"


def test_an_unknown_parameter_is_refused_before_anything_runs(notebook, out):
    points = grid_of(notebook, value=[1]) + grid_of(notebook, vlaue=[2])
    assert refusal(lambda: sweep(points, out)).path == "vlaue"
    assert executions(notebook.parent) == {}


def test_any_executor_runs_the_points(notebook, out):
    with ThreadPoolExecutor(1) as pool:
        outcomes, _ = sweep(grid_of(notebook, value=[1]), out, executor=pool)
        assert outcomes[0].status == "done"
        assert pool.submit(int).result() == 0, "whoever made it closes it"


def test_an_executor_that_loses_a_worker_for_good_costs_that_run_alone(notebook, out):
    class Losing(ThreadPoolExecutor):
        def submit(self, function, task):
            if task.point.parameters["value"] == 1:
                return super().submit(lambda: 1 / 0)
            return super().submit(function, task)

    with Losing(1) as pool:
        outcomes, _ = sweep(grid_of(notebook, value=[1, 2]), out, executor=pool)
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert "ZeroDivisionError" in outcomes[0].error


@pytest.fixture
def recorded(notebook, out):
    """A point with an executed notebook, made without a kernel, and its record."""
    point = Point(notebook, {"value": 1})
    out.mkdir()
    write_tiny_notebook(out / point.output_name)
    write_record(point, out, 1.5)
    return point


def test_a_record_holds_for_its_notebook_parameters_and_output(recorded, out):
    assert read_record(recorded, out)["seconds"] == 1.5


def test_a_changed_notebook_is_another_one(recorded, notebook, out):
    notebook.write_text(notebook.read_text() + " ")
    assert read_record(recorded, out) is None


def test_an_executed_notebook_that_was_changed_or_is_gone_is_not_done(recorded, out):
    path = out / recorded.output_name
    text = path.read_text()
    path.write_text(text[:-5])
    assert read_record(recorded, out) is None
    path.unlink()
    assert read_record(recorded, out) is None
    path.write_text(text)
    assert read_record(recorded, out)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"notebook": 1}'])
def test_a_broken_record_is_none(recorded, out, text):
    (out / recorded.output_name).with_suffix(".json").write_text(text)
    assert read_record(recorded, out) is None


def test_the_record_of_other_parameters_is_none(recorded, out):
    other = replace(recorded, parameters={"value": 2})
    record = (out / recorded.output_name).with_suffix(".json")
    record.rename((out / other.output_name).with_suffix(".json"))
    (out / recorded.output_name).rename(out / other.output_name)
    assert read_record(other, out) is None


def test_only_what_json_can_hold_is_shown_as_a_result():
    assert refusal(lambda: show_result(dice=object())).code == "E-PARAM"


def test_the_table_is_written_as_csv(notebook, tmp_path):
    points = expand_grid(notebook, {"value": [1, 2]})
    outcomes = [Outcome(p, "done", 2.0, figures={"dice": 0.5}) for p in points]
    write_table(outcomes, tmp_path / "results.csv")
    table = pd.read_csv(tmp_path / "results.csv")
    assert [*table.columns] == [
        *("notebook", "value", "dice"),
        *("seconds", "status", "error"),
    ]
    assert table["value"].tolist() == [1, 2]


def shares(pool, count):
    return [pool._shares.get_nowait() for _ in range(count)]


def test_workers_share_cores_and_take_turns_on_gpus(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    with LocalPool(4) as pool:
        given = shares(pool, 4)
    assert [share["CUDA_VISIBLE_DEVICES"] for share in given] == ["4", "5", "4", "5"]
    assert {share["TF_NUM_INTRAOP_THREADS"] for share in given} == {"2"}


@pytest.mark.parametrize("gpus", ["", "-1", "0"])
def test_one_gpu_or_none_is_left_as_it_is(monkeypatch, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    with LocalPool(2) as pool:
        assert "CUDA_VISIBLE_DEVICES" not in shares(pool, 1)[0]
