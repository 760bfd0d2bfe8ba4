import base64
import io
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_json
from brainseg_utils.gallery import command as gallery
from brainseg_utils.gallery import executed_notebooks
from brainseg_utils.workspace import Workspace

ROOT = Path(__file__).parents[1]
BADGE = (
    "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/a/b/blob/main/notebooks/01_made_up.ipynb)"
)
FIRST = (
    f"# 01. Made up: a page\n\n{BADGE}\n\nIt shows much. It **reads** nothing. "
    "[See it executed](../gallery/01_made_up.md)."
)


def png(width=1200, height=300, colour=(0, 114, 178)):
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def figure():
    data = {"image/png": base64.b64encode(png()).decode(), "text/plain": "<Figure>"}
    return new_output("display_data", data)


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(plain, html):
    data = {"text/plain": plain, "text/html": html}
    return new_output("execute_result", data, execution_count=1)


def cells():
    return [
        new_markdown_cell(FIRST),
        new_code_cell("a: int = 1  # Given.", metadata={"tags": ["parameters"]}),
        new_markdown_cell("## Look\n\nSee [02](02_next.ipynb#top)."),
        new_code_cell("draw(a)"),
        new_markdown_cell("## Conclusions\n\n- None."),
    ]


def save(folder, notebook_cells):
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=notebook_cells), folder / "01_made_up.ipynb")


def execute(workspace, outputs):
    """Leave what papermill would: counts, outputs, and the cell with parameters."""
    executed = cells()
    injected = new_code_cell("a = 7", metadata={"tags": ["injected-parameters"]})
    executed.insert(2, injected)
    for count, cell in enumerate(c for c in executed if c.cell_type == "code"):
        cell.execution_count = count + 1
    executed[4].outputs = outputs
    save(workspace.runs, executed)


RUN = {
    "date": "2026-11-23",
    "machine": "a machine",
    "versions": {"python": "3.12"},
    "cohort": {"name": "phantom-0-1mm"},
}


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "checkout", "quick")
    save(workspace.root / "notebooks", cells())
    execute(workspace, [printed("done\n"), figure()])
    write_json(workspace.runs / "summary.json", RUN)
    return workspace


def page_of(workspace):
    gallery.write_gallery(workspace)
    path = workspace.root / "gallery" / "01_made_up.md"
    return path.read_text(encoding="utf-8")


def change_executed(workspace, change):
    path = workspace.runs / "01_made_up.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook.cells)
    nbformat.write(notebook, path)


def test_gallery_pages_are_as_new_as_their_notebooks():
    stale = gallery.stale_pages(ROOT)
    assert not stale, f"pages of {', '.join(stale)}: run make run && make gallery"


def test_gallery_pages_name_no_folder_of_a_machine():
    for page in (ROOT / "gallery").glob("*.md"):
        found = [
            part
            for part in ("/home/", "/Users/", "/tmp/", ":\\")
            if part in page.read_text(encoding="utf-8")
        ]
        assert not found, f"{page.name} holds {found}: run make gallery in the checkout"


def test_a_page_tells_the_notebooks_story_in_order(workspace):
    page = page_of(workspace)
    wanted = [
        "<!-- notebook sha256: ",
        "# 01. Made up: a page\n",
        "*Executed 2026-11-23 on a machine, with python 3.12; profile quick.*\n",
        BADGE,
        "[Open the notebook](../notebooks/01_made_up.ipynb)",
        "<details><summary>code</summary>\n\n```python\na: int = 1  # Given.\n```\n",
        "<summary>parameters of this run</summary>\n\n```python\na = 7\n```\n",
        "## Look\n\nSee [02](02_next.md#top).",
        "```text\ndone\n```",
        "![Look](images/01_made_up-1.png)",
        "## Conclusions\n\n- None.\n",
    ]
    places = [page.find(text) for text in wanted]
    assert -1 not in places
    assert places == sorted(places)


def test_figures_lie_beside_the_page_and_old_ones_go(workspace):
    execute(workspace, [figure(), figure()])
    page_of(workspace)
    images = workspace.root / "gallery" / "images"
    assert len(list(images.iterdir())) == 2
    execute(workspace, [figure()])
    page_of(workspace)
    assert [path.name for path in images.iterdir()] == ["01_made_up-1.png"]
    assert Image.open(images / "01_made_up-1.png").size == (900, 225)


def test_the_index_shows_title_sentence_and_first_figure(workspace):
    gallery.write_gallery(workspace)
    index = (workspace.root / "gallery" / "README.md").read_text(encoding="utf-8")
    assert "## [01. Made up: a page](01_made_up.md)\n\nIt shows much.\n" in index
    image = "![01. Made up: a page](images/01_made_up-1.png)"
    assert f"[{image}](01_made_up.md)" in index
    assert "Executed 2026-11-23" in index


def test_stderr_is_dropped_and_printed_pieces_are_joined(workspace):
    pieces = [printed("a"), printed("WARNING", "stderr"), printed("b\n")]
    execute(workspace, pieces)
    page = page_of(workspace)
    assert "```text\nab\n```" in page
    assert "WARNING" not in page


def test_paths_of_the_machine_do_not_reach_the_page(workspace):
    text = f"{workspace.root}/runs/a\nPosixPath('{workspace.root}')\n{Path.home()}/b"
    execute(workspace, [printed(text)])
    page = page_of(workspace)
    assert "```text\nruns/a\nPosixPath('.')\n~/b\n```" in page
    assert str(workspace.root) not in page


def test_a_page_is_stale_once_its_notebook_has_another_source(workspace):
    root = workspace.root
    assert gallery.stale_pages(root) == ["01_made_up"]
    page_of(workspace)
    assert gallery.stale_pages(root) == []
    changed = cells()
    changed[1].metadata["collapsed"] = True
    changed[0].source = FIRST.replace("github/a/b/", "github/else/where.2/")
    save(workspace.root / "notebooks", changed)
    assert gallery.stale_pages(root) == [], "neither metadata nor address counts"
    changed[3].source = "draw(a + 1)"
    save(workspace.root / "notebooks", changed)
    assert gallery.stale_pages(root) == ["01_made_up"]


def test_the_page_has_the_address_of_today(workspace):
    moved = cells()
    moved[0].source = FIRST.replace("github/a/b/", "github/else/where/")
    save(workspace.root / "notebooks", moved)
    assert "github/else/where/blob/main/notebooks/01_made_up" in page_of(workspace)


def test_real_patients_do_not_reach_the_published_pages(workspace):
    write_json(
        workspace.runs / "summary.json",
        RUN | {"cohort": {"name": "phantom-limb-study"}},
    )
    with pytest.raises(BrainSegError, match="E-GALLERY.*patients of phantom-limb"):
        gallery.write_gallery(workspace)
    assert not (workspace.root / "gallery").exists()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda runs: (runs / "01_made_up.ipynb").unlink(), "was not executed yet"),
        (lambda runs: (runs / "summary.json").unlink(), "left no summary"),
    ],
)
def test_a_missing_run_is_refused(workspace, spoil, what):
    spoil(workspace.runs)
    with pytest.raises(BrainSegError, match=f"E-GALLERY.*{what}.*`make run"):
        gallery.write_gallery(workspace)
    assert not (workspace.root / "gallery").exists()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda cells: cells[4].update(source="draw(2)"), "another version"),
        (lambda cells: cells.pop(), "another version"),
        (lambda cells: cells[4].update(execution_count=None), "before cell 4"),
    ],
)
def test_a_run_of_another_version_or_half_a_run_is_refused(workspace, change, what):
    change_executed(workspace, change)
    with pytest.raises(BrainSegError, match=f"01_made_up.ipynb: it .*{what}"):
        gallery.write_gallery(workspace)
    assert not (workspace.root / "gallery").exists()


def with_a_further_one(workspace, monkeypatch):
    """Add a second notebook, one that is executed on request alone."""
    monkeypatch.setattr(executed_notebooks, "FURTHER", ("02_further",))
    for folder in (workspace.root / "notebooks", workspace.runs):
        text = (folder / "01_made_up.ipynb").read_text(encoding="utf-8")
        text = text.replace("01. Made up", "02. Further").replace("01_made", "02_made")
        (folder / "02_further.ipynb").write_text(text, encoding="utf-8")
    return workspace.runs / "02_further.ipynb"


def test_a_further_notebook_that_was_not_executed_keeps_its_page(
    workspace, monkeypatch
):
    executed = with_a_further_one(workspace, monkeypatch)
    assert len(gallery.write_gallery(workspace)) == 3
    page = workspace.root / "gallery" / "02_further.md"
    index, before = page.with_name("README.md").read_text(), page.read_text()
    executed.unlink()
    assert len(gallery.write_gallery(workspace)) == 2
    assert gallery.stale_pages(workspace.root) == []
    assert page.with_name("README.md").read_text() == index
    assert page.read_text() == before and "images/02_further-1.png" in index


def test_a_further_notebook_without_a_page_is_not_in_the_index(workspace, monkeypatch):
    with_a_further_one(workspace, monkeypatch).unlink()
    gallery.write_gallery(workspace)
    assert "02_further" not in (workspace.root / "gallery/README.md").read_text()
    assert gallery.stale_pages(workspace.root) == ["02_further"]


def test_a_further_notebook_of_another_version_is_refused(workspace, monkeypatch):
    executed = with_a_further_one(workspace, monkeypatch)
    executed.write_text(executed.read_text().replace("draw(a)", "draw(2)"))
    with pytest.raises(BrainSegError, match="another version.*`make run ALL=1 &&"):
        gallery.write_gallery(workspace)


def test_a_study_dates_its_own_page(workspace, monkeypatch):
    with_a_further_one(workspace, monkeypatch)
    study = workspace.runs / "study-further.json"
    write_json(study, RUN | {"date": "2026-01-02"})
    gallery.write_gallery(workspace)
    pages = workspace.root / "gallery"
    assert "Executed 2026-01-02" in (pages / "02_further.md").read_text()
    assert "Executed 2026-11-23" in (pages / "01_made_up.md").read_text()
    write_json(study, RUN | {"cohort": {"name": "clinic"}})
    with pytest.raises(BrainSegError, match="patients of clinic"):
        gallery.write_gallery(workspace)


def test_tables_are_recognised_as_jupyter_shows_them(workspace):
    import pandas as pd

    frame = pd.DataFrame({"dice": [0.5]})
    source = shown("a = 1", '<div class="highlight"><pre>…</pre></div>')
    execute(workspace, [shown("dice", frame._repr_html_()), source])
    page = page_of(workspace)
    assert "| 0 | 0.5 |" in page
    assert "```python\na = 1\n```" in page


def test_the_command_explains_a_refusal(workspace, monkeypatch, capsys):
    monkeypatch.setenv("BRAINSEG_HOME", str(workspace.root))
    monkeypatch.delenv("BRAINSEG_PROFILE", raising=False)
    assert gallery.main([]) == 0
    assert "2 pages" in capsys.readouterr().out
    assert gallery.main(["--profile", "paper"]) == 1
    assert "make run PROFILE=paper" in capsys.readouterr().err
