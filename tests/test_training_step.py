import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import keras
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from measuring import WayFailed
from monai_environment import FOLDER
from step_figures import add_shares, table, wanted_ratios
from step_ways import Network, matrix_product_rate, operations
from torch_ways import TORCH, ask, torch_ways

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TORCH_PYTHON = FOLDER / "bin" / "python"
# Tests install nothing; the benchmark's first run does.
needs_torch = pytest.mark.skipif(not TORCH_PYTHON.exists(), reason="no .venv-monai")


class Peer:
    """Answers every question alike."""

    facts = {"parameters": 0}

    def __init__(self, answer):
        self.answer = answer

    def ask(self, question):
        return self.answer


@pytest.fixture
def network():
    return Network("cnn1", "tiny", side=16, filters=2, batch_size=2, seconds=0.01)


def leave_outputs(folder, ours, theirs):
    for whose, values in (("ours", ours), ("theirs", theirs)):
        np.save(folder / f"cnn1_tiny-{whose}.npy", [np.full(3, v) for v in values])


def test_it_prints_a_table_and_writes_json(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    script, out = BENCHMARKS / "training_step.py", tmp_path / "out.json"
    options = ("--quick", "--without-torch", "--models", "cnn1", "--json", out)
    command = [sys.executable, script, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(out.read_text())
    assert outcome["benchmark"] == "training_step" and outcome["settings"]["threads"]
    assert outcome["machine"]["cpu"] and outcome["peak_gflops"] > 0
    ways = "cnn1_quick_ours", "cnn1_quick_ours_xla", "cnn1_quick_ours_bfloat16"
    assert tuple(outcome["results"]) == ways
    for way in outcome["results"].values():
        assert way["slices_per_second"] > 0 and 0 < way["share_of_peak"] < 1
        assert f"\n{way['label']} " in done.stdout
    assert set(outcome["ratios"]) == {f"{way}_over_ours" for way in ways[1:]}
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


def test_operations_are_two_for_each_weight_at_each_pixel():
    image = keras.Input((6, 6, 4))
    same = keras.layers.Conv2D(8, 3, padding="same")
    halved = keras.layers.Conv2D(8, 3, strides=2, padding="same")
    doubled = keras.layers.Conv2DTranspose(5, 2, strides=2)
    pool = keras.layers.MaxPooling2D()
    for layer in (same, halved, doubled, pool):
        layer(image)
    assert operations(same) == 2 * (3 * 3 * 4 * 8) * 36
    assert operations(halved) == 2 * (3 * 3 * 4 * 8) * 9
    assert operations(doubled) == 2 * (2 * 2 * 4 * 5) * 36
    assert operations(pool) == 0


def test_backward_counts_twice_forward(network):
    # Three levels at 16, 8 and 4 pixels, the bottleneck at 2, and back; 1 x 1 at 16.
    encoder = 9 * (4 * 2 * 256 + 2 * 4 * 64 + 4 * 8 * 16 + 8 * 16 * 4)
    decoder = 4 * (16 * 8 * 4 + 8 * 4 * 16 + 4 * 2 * 64) + 2 * 256
    assert network.gflop_per_slice == 3 * 2 * (encoder + decoder) / 1e9


def test_shares_are_of_the_network_s_own_operations(network):
    results = {
        "cnn1_tiny_ours": {"slices_per_second": 100.0},
        "cnn1_tinier_ours": {"slices_per_second": 100.0},
    }
    network.gflop_per_slice = 0.5
    add_shares(results, network, peak_gflops=200.0)
    assert results["cnn1_tiny_ours"]["gflops"] == 50
    assert results["cnn1_tiny_ours"]["share_of_peak"] == 0.25
    assert "gflops" not in results["cnn1_tinier_ours"]


def test_ours_is_compared_with_pytorch_s_fastest_way(network):
    results = {
        "cnn1_tiny_ours": {"slices_per_second": 5},
        "cnn1_tiny_eager_last": {"slices_per_second": 4},
        "cnn1_tiny_compiled": {"slices_per_second": 3},
    }
    name = "cnn1_tiny_ours_over_fastest_pytorch"
    wanted = wanted_ratios(results, [network])
    assert wanted[name] == ("cnn1_tiny_ours", "cnn1_tiny_eager_last")
    assert name not in wanted_ratios({"cnn1_tiny_ours": {}}, [network])


def test_the_table_has_a_row_a_way():
    one = {"label": "ours", "slices_per_second": 1234.56, "best": 2000.0}
    rows = table({"a": one | {"gflops": 99.6, "share_of_peak": 0.256}})
    assert rows[1:] == [("ours", "1,234.6", "2,000.0", "100", "26%")]


def test_a_matrix_product_takes_time():
    assert 0.1 < matrix_product_rate() < 1e6


def test_weights_are_the_same_each_time(network):
    first, second = (network.build().get_weights() for _ in range(2))
    assert all(map(np.array_equal, first, second))


def test_another_network_is_not_compared(network, tmp_path):
    size = {"parameters": network.build().count_params()}
    leave_outputs(tmp_path, (0.5, 0.6), (0.500005, 0.6005))
    assert np.allclose(network.check_same(tmp_path, size), (5e-6, 5e-4), rtol=0.1)
    with pytest.raises(WayFailed, match="parameters, not"):
        network.check_same(tmp_path, {"parameters": size["parameters"] + 1})
    for theirs in ((0.50003, 0.6), (0.5, 0.603), (0.5, np.nan)):
        leave_outputs(tmp_path, (0.5, 0.6), theirs)
        with pytest.raises(WayFailed, match="outputs differ"):
            network.check_same(tmp_path, size)


def test_a_way_that_pytorch_cannot_run_says_why():
    assert ask(Peer(12.5), "eager") == 12.5
    with pytest.raises(WayFailed, match="needs a compiler"):
        ask(Peer({"failed": "it needs a compiler"}), "compiled")


def test_without_pytorch_the_rest_goes_on(network, tmp_path, capsys):
    with ExitStack() as stack:
        broken = tmp_path / "python"
        broken.write_text("#!/bin/sh\necho no torch >&2; exit 1\n")
        broken.chmod(0o755)
        ways, facts = torch_ways(network, broken, tmp_path, stack)
    assert ways == [] and "no torch" in facts["failed"]
    assert "left out: PyTorch, cnn1_tiny" in capsys.readouterr().err


@needs_torch
@pytest.mark.parametrize("model", ["cnn1", "cnn2"])
def test_pytorch_has_the_same_network(model, tmp_path):
    network = Network(model, "tiny", side=16, filters=2, batch_size=2, seconds=0.01)
    with ExitStack() as stack:
        ways, facts = torch_ways(network, TORCH_PYTHON, tmp_path, stack)
        assert [way.name for way in ways] == [f"{model}_tiny_{kind}" for kind in TORCH]
        assert max(facts["outputs_differ_by"]) < 2e-3 and facts["torch"]
        assert ways[0].measure() > 0


@needs_torch
def test_without_a_compiler_eager_still_runs(network, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    with ExitStack() as stack:
        ways, _ = torch_ways(network, TORCH_PYTHON, tmp_path, stack)
        by_kind = dict(zip(TORCH, ways, strict=True))
        with pytest.raises(WayFailed, match=r"apt-get install g\+\+"):
            by_kind["compiled"].measure()
        assert by_kind["eager"].measure() > 0
