import json
from pathlib import Path

import nbformat
import pytest
from made_up_summary import DICE, ENTRY, SUMMARY

from brainseg_utils.cli import main
from brainseg_utils.report import result_rows, text_table, write_report
from brainseg_utils.suite import running as suite
from brainseg_utils.workspace import Workspace

ROOT = Path(__file__).parents[1]


def test_table_shows_every_model_control_and_the_baseline():
    rows = result_rows(SUMMARY)
    assert [row[0] for row in rows[1:]] == [
        "CNN1",
        "CNN2",
        "control: predict nothing",
        "control: best threshold",
        "paper's baseline",
    ]
    figures = ("4.6", "0.650", "0.850", "0.750", "12")
    assert rows[1][1:] == ("0.800", "0.700 to 0.900", *figures)
    assert rows[0][3:] == ("HD95 mm", "surface Dice", "per slice", "per batch", "s")
    assert len({len(row) for row in rows}) == 1
    assert rows[-1][1] == "0.600"


def test_one_patient_has_no_interval():
    alone = {**ENTRY, "dice_volume": {**DICE, "low": None, "high": None}}
    summary = {**SUMMARY, "controls": {"predict_nothing": alone}}
    assert "one patient" in text_table(result_rows(summary))


def test_columns_of_the_text_table_line_up():
    lines = text_table(result_rows(SUMMARY)).split("\n")
    assert len({len(line.rstrip()) for line in lines[:2]}) == 1


def test_report_is_one_page_with_escaped_names_and_nothing_from_outside(tmp_path):
    log = nbformat.v4.new_output("stream", name="stderr", text="cannot find CUDA")
    badge = "# T\n\n[![Open In Colab](https://a.b/c.svg)](https://a.b)\n\ntext"
    cells = [nbformat.v4.new_markdown_cell(badge), nbformat.v4.new_code_cell("1")]
    cells[1].outputs = [log]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "n.ipynb")
    write_report(tmp_path / "report.html", [tmp_path / "n.ipynb"], SUMMARY)
    page = (tmp_path / "report.html").read_text()
    assert "&lt;made-up&gt;" in page and "<made-up>" not in page
    assert "://" not in page and "<script" not in page
    assert "text" in page and "CUDA" not in page


def test_typo_is_refused_before_anything_runs(monkeypatch, capsys):
    monkeypatch.setattr(suite, "execute_notebook", None)
    assert main(["run", "--set", "epcohs=3"]) == 1
    error = capsys.readouterr().err
    assert "epcohs" in error and "Known:" in error and "epochs" in error


def test_results_of_other_parameters_are_set_aside_not_lost(tmp_path, capsys):
    workspace = Workspace(tmp_path, "quick")
    suite._set_aside_other_results(workspace, {"profile": "quick"})
    (workspace.runs / "summary.json").write_text(json.dumps({"mine": 1}))
    suite._set_aside_other_results(workspace, {"profile": "quick"})
    assert (workspace.runs / "summary.json").is_file()
    suite._set_aside_other_results(workspace, {"profile": "quick", "epochs": 3})
    kept = list((workspace.runs / "earlier").rglob("summary.json"))
    assert len(kept) == 1 and json.loads(kept[0].read_text()) == {"mine": 1}
    assert str(kept[0].parent) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "last"),
    [([], suite.NOTEBOOKS[-1]), (["--all"], suite.FURTHER[-1])],
)
def test_further_notebooks_are_executed_on_request(
    options, last, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    executed = {}

    def execute(path, output, wanted, *_):
        executed[path.stem] = wanted

    monkeypatch.setattr(suite, "execute_notebook", execute)
    monkeypatch.setattr(suite, "read_json", lambda path: dict(SUMMARY))
    monkeypatch.setattr(suite, "write_report", lambda *_: None)
    assert main(["run", *options, "--set", "epochs=3", "seeds=[5]"]) == 0
    assert [*executed][-1] == last
    if options:
        asked = {"profile": "quick", "epochs": 3, "seeds": [5]}
        assert executed["06_learning_rates"] == asked


def test_a_parameter_of_a_further_notebook_alone_wants_all(monkeypatch, capsys):
    monkeypatch.setattr(suite, "execute_notebook", None)
    assert main(["run", "--set", "frozen_blocks=1"]) == 1
    assert "frozen_blocks" in capsys.readouterr().err


def test_every_further_notebook_is_there():
    names = [path.stem for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert sorted(names) == sorted((*suite.NOTEBOOKS, *suite.FURTHER))
