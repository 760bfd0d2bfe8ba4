import subprocess
import sys
from pathlib import Path

from brainseg_utils.lean_import import EXTRAS

REPOSITORY = Path(__file__).parents[1]
LIGHT_MODULES = (
    "disks",
    "files",
    "cases",
    "labels",
    "nifti",
    "volumes",
    "checks",
    "download",
    "splits",
    "split_files",
    "slices",
    "store",
    "neighbour_slices",
    "augmentation",
    "changed_slices",
    "batches",
    "surface_elements",
    "surfaces",
    "intervals",
    "recipes",
    "config_checks",
    "schedules",
    "painting",
    "sampling",
    "predictions",
    "run_inputs",
    "model_card",
    "trained_runs",
    "new_patient",
    "patient_prediction",
    "predict_command",
    "lean_import",
    "pretrained",
    "evaluation",
    "averaging",
    "slice_deals",
    "parameters",
    "execution",
    "states",
    "runs",
    "npz",
    "weights",
    "foreign_runs",
    "mirror",
    "copies",
    "restoring",
    "sweep",
    "sweep.workers",
    "sweep.command",
    "page",
    "pictures",
    "case_views",
    "case_report",
    "run_report",
    "suite",
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
    within = "with without_extras(): import brainseg_utils.compiling"
    lean = f"from brainseg_utils.lean_import import without_extras\n{within}"
    loaded = modules_after(lean)
    assert {"tensorflow", "keras"} <= loaded
    assert not loaded & set(EXTRAS)
    assert set(EXTRAS) <= modules_after(f"{lean}\nimport {', '.join(EXTRAS)}")


def test_command_runs_as_a_module():
    # The Colab cell calls it so, before any console script is on the path.
    command = [sys.executable, "-m", "brainseg_utils.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "install-missing" in done.stdout
