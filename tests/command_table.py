"""The commands of the documents, and those of them that no test of theirs runs."""

from documents import ROOT, WRITTEN, commands

CHANGELOG = ROOT / "CHANGELOG.md"  # History: commands as they were.
COMMANDS = [one for page in WRITTEN if page != CHANGELOG for one in commands(page)]

# How commands begin that are not run here: why, and the test that runs them, if any.
ELSEWHERE = {
    "git clone": ("needs the network; CI begins with it", ""),
    "cd": ("goes with git clone", ""),
    "pip install": ("needs the network; `make setup` installs the same files", ""),
    "conda": ("is not installed everywhere", ""),
    "jupyter lab": ("serves until it is stopped", ""),
    "tensorboard": ("serves until it is stopped", ""),
    "nvidia-smi": ("needs a GPU", ""),
    "dask scheduler": ("needs several machines", "test_dask"),
    "dask worker": ("needs several machines", "test_dask"),
    "brainseg download": ("gigabytes from the network", "test_download"),
    "brainseg pretrain": ("trains for minutes", "test_pretrained"),
    "python benchmarks/prepare.py": ("takes minutes", "test_benchmarks"),
    "python benchmarks/input_pipeline.py": ("takes minutes", "test_benchmarks"),
    "python benchmarks/training_step.py": ("takes minutes", "test_training_step"),
    "python benchmarks/between_epochs.py": ("takes minutes", "test_training_step"),
    "python benchmarks/time_to_dice.py": ("takes minutes", "test_time_to_dice"),
    "python benchmarks/phantom_to_patients.py": ("takes minutes", "test_time_to_dice"),
    "python benchmarks/predict.py": ("takes minutes", "test_prediction_benchmark"),
    "python tools/packaged_run.py": ("takes minutes", "test_packaged_run"),
    "make clean": ("would delete the environment", ""),
    "make address": ("changes the notebooks", "test_address"),
    "make lock": ("needs the network", "test_lock"),
    "make strip": ("changes the notebooks", "test_notebook_rules"),
    "make gallery": ("changes the gallery", "test_gallery"),
    "make bench": ("takes minutes", "test_benchmarks"),
    "make fuzz": ("takes minutes", "test_nifti_fuzz"),
    "make kills": ("takes minutes", "test_kills"),
    "make help": ("lists the targets, and does nothing", ""),
}


def reason(command):
    """Return the entry of `ELSEWHERE` that a command falls under; None without one."""
    fitting = (key for key in ELSEWHERE if f"{command} ".startswith(f"{key} "))
    return next(fitting, None)


def of(program, *, elsewhere=False):
    """Return the different commands of a program, those of `ELSEWHERE` left out."""
    found = {str(one): one for one in COMMANDS if one.words[0] == program}
    return [one for one in found.values() if elsewhere or not reason(one)]
