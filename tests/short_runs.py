"""A training of seconds, and a notebook that is notebook 03 but for all of its work."""

from pathlib import Path

import nbformat
from notebook_cells import parameters, read_notebook

from brainseg_utils.cohorts import Cohort, DataConfig, load_cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.workspace import Workspace

NOTEBOOK = Path(__file__).parents[1] / "notebooks/03_cnn2.ipynb"
RESULT = """from brainseg_utils.sweep import show_result

show_result(dice=0.9)"""


def train_one(workspace: Workspace) -> Cohort:
    """Train CNN2 on phantom patients and score it; return the patients."""
    from brainseg_utils.evaluation import evaluate_run
    from brainseg_utils.training import load_model, train

    cohort = load_cohort(DataConfig(), workspace)
    config = TrainingConfig("cnn2", filters=2, epochs=1, slices_per_epoch=16)
    run = train(config, cohort, workspace, verbose=False)
    evaluate_run(run, load_model(run, cohort), cohort)
    return cohort


def write_short_notebook(path: Path) -> None:
    """Write a notebook with the parameters of notebook 03 that trains nothing."""
    sources = parameters(read_notebook(NOTEBOOK)), RESULT
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel}
    path.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
