"""The linter refuses in the package what could run code from a file or a text."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BAD = {
    "import pickle": "TID251",
    "from pickle import loads": "TID251",
    "import cloudpickle": "TID251",
    "import dill": "TID251",
    "import marshal": "TID251",
    "import shelve": "TID251",
    "import h5py": "TID251",
    "import numpy as np; np.load('a')": "TID251",
    "from numpy import load": "TID251",
    "import joblib; joblib.load('a')": "TID251",
    "import pandas as pd; pd.read_pickle('a')": "TID251",
    "import torch; torch.load('a')": "TID251",
    "import keras; keras.models.load_model('a')": "TID251",
    "import keras; keras.saving.load_model('a')": "TID251",
    "import keras; keras.saving.deserialize_keras_object({})": "TID251",
    "import keras; keras.config.enable_unsafe_deserialization()": "TID251",
    "import keras; keras.utils.get_file('a')": "TID251",
    "import tensorflow as tf; tf.saved_model.load('a')": "TID251",
    "import shutil; shutil.unpack_archive('a')": "TID251",
    "import tarfile; tarfile.open('a').extractall()": "S202",
    "import yaml; yaml.load('a')": "S506",
    "eval('1')": "S307",
    "exec('1')": "S102",
    "import os; os.system('ls')": "S605",
    "import subprocess; subprocess.run('ls', shell=True)": "S602",
    "import subprocess; subprocess.run([command])": "S603",
    "import tempfile; tempfile.mktemp()": "S306",
    "import requests; requests.get('a', verify=False, timeout=1)": "S501",
    "import requests; requests.get('a')": "S113",
}


def codes(source, name):
    """Return the rules that a source breaks, under the project's settings."""
    command = [sys.executable, "-m", "ruff", "check", "--stdin-filename", name, "-"]
    done = subprocess.run(
        [*command, "--output-format", "json", "--no-cache"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
    )
    return {found["code"] for found in json.loads(done.stdout)}


@pytest.mark.parametrize("source", BAD)
def test_the_package_may_not_hold_it(source):
    assert BAD[source] in codes(f"{source}\n", "brainseg_utils/made_up.py")


def test_what_is_good_passes():
    assert codes('"""Good."""\n', "brainseg_utils/made_up.py") == set()


def test_exceptions_are_these_and_no_others():
    found = [
        (path.name, line.split("noqa: ")[1][:4])
        for path in sorted((ROOT / "brainseg_utils").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "noqa: S" in line or "noqa: TID" in line
    ]
    # Each has its reason in a comment above it.
    assert found == [
        ("requirements.py", "S603"),
        ("folder_yaml.py", "S506"),
        ("workers.py", "S603"),
    ]
