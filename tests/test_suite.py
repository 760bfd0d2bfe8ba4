import json

import nbformat

from brainseg_utils import suite
from brainseg_utils.cli import main
from brainseg_utils.report import result_rows, text_table, write_report
from brainseg_utils.workspace import Workspace

DICE = {"mean": 0.8, "low": 0.7, "high": 0.9, "patients": {"A": 0.7, "B": 0.9}}
ENTRY = {"dice_volume": DICE, "dice_slice": 0.85, "dice_batch": 0.75}
SUMMARY = {
    "models": {"cnn1": {**ENTRY, "seconds": 12.3}, "cnn2": {**ENTRY, "seconds": 45.6}},
    "controls": {"predict_nothing": ENTRY, "best_threshold": ENTRY},
    "cohort": {"name": "<made-up>", "patients": 9},
    "folds": 1,
    "seeds": 2,
    "profile": "quick",
    "machine": "a machine",
}


def test_table_shows_every_model_control_and_the_baseline():
    rows = result_rows(SUMMARY)
    assert [row[0] for row in rows[1:]] == [
        "CNN1",
        "CNN2",
        "control: predict nothing",
        "control: best threshold",
        "paper's baseline",
    ]
    assert rows[1][1:] == ("0.800", "0.700 to 0.900", "0.850", "0.750", "12")
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
    assert "http" not in page and "<script" not in page
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
