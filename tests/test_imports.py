import subprocess
import sys
from pathlib import Path

from scored import write_scored_run
from tiny_cohort import make_tiny_cohort

from brainseg_utils.prediction.lean_import import EXTRAS

REPOSITORY = Path(__file__).parents[1]
LIGHT_MODULES = (
    "system.disks",
    "files",
    "cases",
    "labels",
    "nifti",
    "volumes",
    "checks",
    "download",
    "splits",
    "planning.split_files",
    "slices",
    "store",
    "store.neighbour_slices",
    "augmentation",
    "changes.changed_slices",
    "batches",
    "masks.surface_elements",
    "masks.surfaces",
    "intervals",
    "planning.recipes",
    "planning.config_checks",
    "schedules",
    "changes.painting",
    "fitting.sampling",
    "masks.predictions",
    "run_files.inputs",
    "run_files.model_card",
    "prediction",
    "prediction.trained_runs",
    "prediction.new_patient",
    "prediction.case_prediction",
    "prediction.command",
    "prediction.lean_import",
    "pretrained",
    "evaluation",
    "averaging",
    "judging.slice_deals",
    "execution.parameters",
    "execution.notebook",
    "run_files.states",
    "runs",
    "run_files.npz",
    "run_files.weights",
    "run_files.foreign_runs",
    "run_files.scored_runs",
    "drive.mirror",
    "drive.copies",
    "drive.restoring",
    "sweep",
    "sweep.workers",
    "sweep.command",
    "page",
    "pictures",
    "prediction.case_views",
    "case_report",
    "run_report",
    "commands.run_page",
    "suite.running",
    "commands.data",
    "commands.prediction",
    "commands.training",
    "cli",
)


def modules_after(code):
    """Return the top-level modules that a fresh interpreter holds after `code`."""
    listing = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", f"{code}\n{listing}"]
    result = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_importing_the_package_imports_nothing_else_of_size():
    loaded = modules_after("import brainseg_utils")
    assert "brainseg_utils" in loaded
    assert not loaded & {"numpy", "tensorflow", "keras", "matplotlib", "pandas"}


def test_modules_that_do_not_train_import_neither_tensorflow_nor_keras():
    imports = [f"import brainseg_utils.{name}" for name in LIGHT_MODULES]
    loaded = modules_after("\n".join(imports))
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras"}


def test_extras_stay_out_of_the_import_of_keras_and_can_be_had_afterwards():
    within = "with without_extras(): import brainseg_utils.fitting.compiling"
    lean = f"from brainseg_utils.prediction.lean_import import without_extras\n{within}"
    loaded = modules_after(lean)
    assert {"tensorflow", "keras"} <= loaded
    assert not loaded & set(EXTRAS)
    assert set(EXTRAS) <= modules_after(f"{lean}\nimport {', '.join(EXTRAS)}")


def test_command_runs_as_a_module():
    # The Colab cell calls it so, before any console script is on the path.
    command = [sys.executable, "-m", "brainseg_utils.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "install-missing" in done.stdout


def test_a_report_on_a_run_needs_no_tensorflow(tmp_path):
    run = write_scored_run(tmp_path / "run", make_tiny_cohort(tmp_path, 6)).folder
    words = ["report", str(run), "--data", str(tmp_path / "patients")]
    call = f"from brainseg_utils.cli import main; assert main({words!r}) == 0"
    setting = f"import os; os.environ['BRAINSEG_HOME'] = {str(tmp_path)!r}"
    loaded = modules_after(f"{setting}\n{call}")
    assert (run / "report.html").is_file()
    assert "matplotlib" in loaded
    assert not loaded & {"tensorflow", "keras"}
