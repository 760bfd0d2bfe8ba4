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
from brainseg_utils.runs import Run

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from findings import settings_of
from measuring import WayFailed, peak_memory_mb
from monai_environment import FOLDER
from predict import RATIOS, add_costs, main, parse, table
from prediction_task import COLD, MONAI, Task, check_same
from prediction_ways import Cold, Warm
from probe import largest_difference, make_probe

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "predict.py"
# Tests install nothing; the benchmark's first run does.
HAS_MONAI = (FOLDER / "bin" / "python").exists()
NAN = float("nan")
OURS = ["ours_cold", "ours_warm"]
THEIRS = [f"monai_{one}_cold" for one in COLD] + [f"monai_{one}_warm" for one in MONAI]


def python(code):
    return Cold("name", "label", [sys.executable, "-c", code])


class Peer:
    """Answers every question with the same costs."""

    def ask(self, question):
        return {"seconds": 2.0, "cpu_seconds": 3.0}


def test_it_prints_a_table_and_writes_json(tmp_path):
    home, out = tmp_path / "home", tmp_path / "out.json"
    options = [] if HAS_MONAI else ["--without-monai"]
    done = subprocess.run(
        [sys.executable, SCRIPT, "--quick", "--json", out, *options],
        env=os.environ | {"BRAINSEG_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(out.read_text())
    assert outcome["benchmark"] == "predict" and len(outcome["patients"]) == 1
    assert outcome["settings"]["mirror"] and outcome["settings"]["filters"] == 16
    assert list(outcome["results"]) == OURS + (THEIRS if HAS_MONAI else [])
    for name, way in outcome["results"].items():
        assert way["seconds"] > 0 and way["cpu_seconds"] > 0
        assert ("peak_memory_mb" in way) == name.endswith("_cold")
        assert f"\n{way['label']} " in done.stdout
    assert outcome["started"]["ours"]["parameters"] > 0
    # Of what was made for it, the patients alone are kept, as they are by the others.
    assert [path.name for path in (home / "data").iterdir()] == ["phantom-0-4mm"]
    if HAS_MONAI:
        assert set(outcome["ratios"]) == set(RATIOS)
        assert outcome["started"]["monai"]["outputs_differ_by"] < 1e-4
        assert outcome["started"]["monai"]["dice_with_ours"] > 0.9


def test_a_named_run_is_refused_before_anything_is_measured(tmp_path):
    with refused("E-RUN", tmp_path):
        main(["--run", str(tmp_path), "--without-monai"])


def test_a_named_run_s_settings_go_into_json(tmp_path):
    options = parse(["--run", str(tmp_path)])
    assert json.loads(json.dumps(settings_of(options)))["run"] == str(tmp_path)


def test_a_process_s_seconds_and_those_of_its_children_count():
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    cold = python(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    )
    assert cold.measure() >= 0.3
    assert cold.cpu_seconds[0] >= 0.3
    assert cold.processes() == []


def test_a_process_that_fails_is_left_out_with_its_last_line():
    with pytest.raises(WayFailed, match="ValueError: too small"):
        python("raise ValueError('too small')").measure()


def test_memory_is_that_of_all_processes_at_the_peak():
    grown = "import time; held = bytearray(2 * 10**8); time.sleep(0.3); del held"
    cold = python(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grown!r}])"
    )
    assert 200 < peak_memory_mb(cold) < 300


def test_costs_stand_beside_each_way_and_ratios_are_to_ours_of_its_kind():
    works = [
        Cold("ours_cold", "ours, cold", [sys.executable, "-c", ""]),
        Warm("ours_warm", "ours, warm", Peer(), ""),
        Warm("monai_slices_warm", "MONAI", Peer(), ""),
    ]
    results = {
        work.name: {"label": work.label, "seconds": seconds, "best": 1}
        for work, seconds in zip(works, (8, 2, 6), strict=True)
    }
    for work in works:
        work.measure()
    add_costs(results, works)
    assert results["ours_warm"]["cpu_seconds"] == 3.0
    assert results["ours_cold"]["peak_memory_mb"] > 0
    rows = {row[0]: row[1:] for row in table(results)[1:]}
    assert rows["MONAI"] == ("6.00", "1.00", "3.00", "3.00", "")
    assert rows["ours, cold"][3] == "1.00"


def test_another_network_is_not_measured():
    ours = {"parameters": 5, "answer": [0.5, 0.25]}
    assert check_same(ours, {**ours, "answer": [0.5, 0.25005]}) < 1e-4
    for change in ({"parameters": 6}, {"answer": [0.5, 0.2]}, {"answer": [0.5, NAN]}):
        with pytest.raises(WayFailed, match="another network"):
            check_same(ours, {**ours, **change})


def test_a_probe_is_the_same_everywhere_and_has_no_two_channels_alike():
    probe = make_probe(16, 4)
    assert probe.shape == (1, 16, 16, 4) and np.array_equal(probe, make_probe(16, 4))
    assert len({channel.tobytes() for channel in np.moveaxis(probe, -1, 0)}) == 4
    assert largest_difference([0.0, 1.0], [0.5, 0.75]) == 0.5


def test_a_patient_must_have_a_folder_of_its_own(tmp_path):
    write_patient(tmp_path / "one", "P1")
    both = tmp_path / "both"
    write_patient(both, "P1")
    write_patient(both, "P2")
    cases, _ = find_cases(tmp_path / "one")
    assert Task.of(cases[0], Run(tmp_path), tmp_path / "masks").case == cases[0]
    for file in [*both.rglob("*.nii*")]:
        file.rename(both / file.name)
    cases, _ = find_cases(both)
    with refused("E-AMBIGUOUS", both):
        Task.of(cases[0], Run(tmp_path), tmp_path / "others")
