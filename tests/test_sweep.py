"""Sweeps over a tiny notebook that trains nothing: it writes a file, or fails."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from brainseg_utils.errors import BrainSegError
from brainseg_utils.execution import check_parameters, notebook_parameters
from brainseg_utils.sweep import Point, expand_grid, run_sweep

PARAMETERS = """value: int = 1  # What to write.
rate: float = 0.5  # Ignored.
folder: str = ""  # Where to write.
fail: bool = False  # Whether to fail."""

BODY = """from pathlib import Path
if fail:
    raise ZeroDivisionError("asked to fail")
path = Path(folder) / f"{value}.txt"
path.write_text(str(int(path.read_text()) + 1 if path.exists() else 1))"""


@pytest.fixture
def notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell(text) for text in (PARAMETERS, BODY)]
    cells[0].metadata["tags"] = ["parameters"]
    path = tmp_path / "tiny {1}.ipynb"  # papermill would fill in the braces.
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def sweep(points, tmp_path, **options):
    """Run with threads; every point is done when its file is there."""

    def is_done(point):
        folder = Path(point.parameters["folder"])
        return (folder / f"{point.parameters['value']}.txt").is_file()

    lines = []
    # One at a time, and no processes: the test is about what runs, not how.
    with ThreadPoolExecutor(1) as pool:
        outcomes = run_sweep(
            points,
            tmp_path / "out {2}",
            is_done,
            cwd=tmp_path,
            executor=pool,
            report=lines.append,
            **options,
        )
    return outcomes, lines


def grid_of(notebook, tmp_path, **values):
    return expand_grid(notebook, {"folder": [str(tmp_path)], **values})


def test_grid_is_every_combination(notebook):
    points = expand_grid(notebook, {"value": [1, 2], "rate": [0.1, 0.2]})
    assert [tuple(p.parameters.values()) for p in points] == [
        (1, 0.1),
        (1, 0.2),
        (2, 0.1),
        (2, 0.2),
    ]
    assert len({p.output_name for p in points}) == 4


def test_defaults_are_read_from_the_notebook(notebook):
    assert notebook_parameters(notebook) == {
        "value": 1,
        "rate": 0.5,
        "folder": "",
        "fail": False,
    }


def test_only_missing_runs_are_done(notebook, tmp_path):
    points = grid_of(notebook, tmp_path, value=[3, 4])
    (tmp_path / "3.txt").write_text("7")
    outcomes, lines = sweep(points, tmp_path)
    assert [outcome.status for outcome in outcomes] == ["kept", "done"]
    assert (tmp_path / "3.txt").read_text() == "7"
    assert (tmp_path / "4.txt").read_text() == "1"
    assert lines[0] == "1 of 2 runs are done already"


def test_failed_run_is_named_and_the_rest_kept(notebook, tmp_path):
    bad = Point(notebook, {"folder": str(tmp_path), "value": 5, "fail": True})
    good = Point(notebook, {"folder": str(tmp_path), "value": 6})
    outcomes, lines = sweep([bad, good], tmp_path)
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert "ZeroDivisionError: asked to fail" in outcomes[0].error
    assert "cell 2" in outcomes[0].error
    assert "value=5" in " ".join(lines)
    assert (tmp_path / "6.txt").is_file()


def test_run_that_leaves_no_record_has_failed(notebook, tmp_path):
    points = grid_of(notebook, tmp_path, value=[8])
    with ThreadPoolExecutor(1) as pool:
        outcomes = run_sweep(
            points, tmp_path, lambda p: False, tmp_path, pool, report=lambda line: None
        )
    assert outcomes[0].status == "failed"
    assert outcomes[0].error == "left no complete run"


def test_unknown_parameter_is_refused_before_anything_runs(notebook, tmp_path):
    points = grid_of(notebook, tmp_path, value=[1])
    points += grid_of(notebook, tmp_path, vlaue=[2])
    with pytest.raises(BrainSegError, match="vlaue.*Known: value, rate"):
        sweep(points, tmp_path)
    assert not (tmp_path / "1.txt").exists()


@pytest.mark.parametrize(
    "wrong", [{"value": "1"}, {"value": True}, {"value": 1.0}, {"rate": "x"}]
)
def test_wrong_type_is_refused(notebook, wrong):
    with pytest.raises(BrainSegError, match="E-PARAM"):
        check_parameters(notebook, wrong)


def test_whole_number_serves_for_a_fraction(notebook):
    check_parameters(notebook, {"rate": 1})


def test_untagged_notebook_is_refused(notebook):
    content = json.loads(notebook.read_text())
    content["cells"][0]["metadata"] = {}
    notebook.write_text(json.dumps(content))
    with pytest.raises(BrainSegError, match="no cell tagged 'parameters'"):
        notebook_parameters(notebook)


def test_processes_run_the_points(notebook, tmp_path):
    points = grid_of(notebook, tmp_path, value=[1, 2])
    outcomes = run_sweep(
        points,
        tmp_path / "out",
        lambda point: (tmp_path / f"{point.parameters['value']}.txt").is_file(),
        cwd=tmp_path,
        workers=2,
        report=lambda line: None,
    )
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert all(outcome.output.is_file() for outcome in outcomes)
