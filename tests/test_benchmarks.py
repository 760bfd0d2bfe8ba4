import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patients import write_patient
from refusals import refused

from brainseg_utils.cases import find_cases

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import monai_environment
from command_line import check_output
from measuring import Way, WayFailed, interleave, slices_per_second, summarise
from monai_environment import MonaiPeer, find_monai
from nibabel_ways import generate_batches, load_patient
from record import both_ratios

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PREPARE = {
    *("floor_isal", "floor_bare", "floor_gzip"),
    *("ours", "ours_again", "nibabel", "nibabel_pool"),
}
OURS = {
    f"ours_{change}_{place}_{feed}"
    for change, place in [("plain", "memory"), ("flips", "memory"), ("flips", "disk")]
    + [("rich", "memory"), ("rich", "disk")]
    for feed in ("dataset", "sequence")
}
PIPELINE = OURS | {
    "floor_numpy",
    "floor_tf_data",
    "keras_flips",
    "keras_rich",
    "nibabel_flips",
}


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_benchmark(name, home, *arguments):
    return subprocess.run(
        [sys.executable, BENCHMARKS / f"{name}.py", "--quick", *arguments],
        env=os.environ | {"BRAINSEG_HOME": str(home)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "unit", "ways", "ratio"),
    [
        ("prepare", "seconds", PREPARE, "ours_over_the_decompression_floor"),
        ("input_pipeline", "slices_per_second", PIPELINE, "flips_ours_over_keras"),
    ],
)
def test_a_benchmark_prints_a_table_and_writes_json(tmp_path, name, unit, ways, ratio):
    patients = tmp_path / "patients"
    for width in (3, 4):
        write_patient(patients, f"P{width}", tumour_width=width)
    before = contents(patients)
    options = ("--without-monai", "--json", tmp_path / "out.json")
    done = run_benchmark(name, tmp_path / "home", "--data", patients, *options)
    assert done.returncode == 0, done.stderr
    outcome = json.loads((tmp_path / "out.json").read_text())
    assert outcome["benchmark"] == name and outcome["date"]
    assert {"cores", "cpu", "memory_gib", "python", "versions"} <= set(
        outcome["machine"]
    )
    assert outcome["patients"] == ["P3", "P4"] and outcome["data"] == str(patients)
    assert set(outcome["results"]) == ways
    for way in outcome["results"].values():
        assert way[unit] > 0 and way["best"] > 0 and len(way["runs"]) == 1
        assert f"\n{way['label']} " in done.stdout
    assert outcome["ratios"][ratio] > 0 and outcome["ratios_of_best"][ratio] > 0
    assert outcome["settings"]["workers"] > 0
    # Neither the patients are touched, nor is anything left beside them.
    assert contents(patients) == before
    assert not contents(tmp_path / "home")


def test_a_bad_folder_ends_in_its_explanation(tmp_path):
    done = run_benchmark("prepare", tmp_path, "--data", tmp_path / "nothing")
    assert done.returncode == 1 and done.stdout == ""
    assert "E-ROOT" in done.stderr and "Traceback" not in done.stderr


def test_figures_are_written_over_a_benchmark_s_own_alone(tmp_path):
    path = tmp_path / "out.json"
    for harmless in (None, "", '{"benchmark": "prepare"}'):
        if harmless is not None:
            path.write_text(harmless)
        check_output(path)
    for precious in ("[]", "{}", "notes", '"a benchmark"'):
        path.write_text(precious)
        with refused("E-EXISTS", path):
            check_output(path)
        assert path.read_text() == precious
    with refused("E-EXISTS", tmp_path):
        check_output(tmp_path)


def test_ways_take_turns_and_one_that_fails_is_left_out():
    order = []

    def way(name, *figures):
        left = list(figures)

        def measure():
            order.append(name)
            if not left:
                raise WayFailed("no more")
            return left.pop(0)

        return Way(name, name, measure)

    ways = [way("a", 3, 1, 2), way("b", 1)]
    runs = interleave(ways, 3)
    assert order == ["a", "b", "a", "b", "a"]
    assert runs == {"a": [3, 1, 2]}
    assert summarise(ways, runs, "seconds", min) == {
        "a": {"label": "a", "seconds": 2, "best": 1, "runs": [3, 1, 2]}
    }


def test_ratios_are_of_medians_and_of_best_where_both_ways_were_measured():
    results = {"a": {"seconds": 6, "best": 5}, "b": {"seconds": 2, "best": 1}}
    wanted = {"a_over_b": ("a", "b"), "c_over_b": ("c", "b"), "b_over_c": ("b", "c")}
    assert both_ratios(results, "seconds", wanted) == {
        "ratios": {"a_over_b": 3},
        "ratios_of_best": {"a_over_b": 5},
    }


def test_a_rate_counts_slices_and_not_batches(monkeypatch):
    seconds = iter(range(100))  # One passes between each two looks at the clock.
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    batches = iter([(np.zeros(5), None)] * 100)
    assert slices_per_second(batches, 4) == 5


def test_an_environment_that_has_monai_is_used_as_it_is(tmp_path, monkeypatch):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 0\n")  # It imports whatever it is asked to.
    python.chmod(0o755)
    monkeypatch.setattr(monai_environment, "FOLDER", tmp_path)
    before = contents(tmp_path)
    assert find_monai() == python
    assert contents(tmp_path) == before


def test_without_a_way_to_install_monai_there_is_none(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(monai_environment, "FOLDER", tmp_path / "file" / "venv")
    assert find_monai() is None
    assert "going on without it" in capsys.readouterr().err


def test_monai_s_process_says_why_it_ended():
    # This environment has no MONAI.
    with pytest.raises(WayFailed, match="No module named 'monai'"):
        MonaiPeer(Path(sys.executable), {"job": "prepare", "settings": {}})


def test_the_usual_way_normalises_and_turns_image_and_mask_together(patient_folder):
    cases, _ = find_cases(patient_folder("P0"))
    images, masks = load_patient(cases[0])
    for channel in np.moveaxis(images, -1, 0):
        inside = channel[channel != 0]
        assert abs(inside.mean()) < 1e-6 and abs(inside.std() - 1) < 1e-6
    assert masks.sum() == 27
    images, masks = next(generate_batches(cases, slices=4))
    assert images.shape == (4, 20, 20, 4) and masks.shape == (4, 20, 20, 1)
    # Tumour is brighter than all else, before and after.
    tumour = masks[..., 0] == 1
    assert tumour.any()
    assert (images[tumour].min(axis=0) > images[~tumour].max(axis=0)).all()


def test_preparing_imports_no_tensorflow():
    code = "import sys, prepare; print('tensorflow' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
