import resource

import numpy as np
import pytest

from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.fitting.compiling import load_network
from brainseg_utils.models import build_cnn1
from brainseg_utils.run_files.weights import load_weights, save_weights


@pytest.fixture(scope="module")
def model():
    return build_cnn1((16, 16, 4), filters=2)


def test_weights_of_another_architecture_are_refused(model, tmp_path):
    save_weights(model, tmp_path / "weights.npz")
    other = build_cnn1((16, 16, 4), filters=4)
    with pytest.raises(BrainSegError, match="E-CKPT-MISMATCH"):
        load_weights(other, tmp_path / "weights.npz")


def test_flipped_bit_is_noticed(model, tmp_path):
    path = tmp_path / "weights.npz"
    save_weights(model, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(BrainSegError, match="E-CKPT"):
        load_weights(model, path)


def test_pickled_arrays_are_refused(model, tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, tumour=np.array([object()], dtype=object))
    with pytest.raises(BrainSegError, match="E-CKPT"):
        load_weights(model, path)


def test_missing_file_is_named(model, tmp_path):
    with pytest.raises(BrainSegError, match="nowhere.npz"):
        load_weights(model, tmp_path / "nowhere.npz")


def test_a_network_is_built_with_the_weights_of_its_file(model, tmp_path):
    save_weights(model, tmp_path / "weights.npz")
    config = TrainingConfig("cnn1", filters=2)
    built = load_network(config, (16, 16, 4), tmp_path / "weights.npz")
    for one, other in zip(built.weights, model.weights, strict=True):
        assert np.array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("filters", [128, 2**31 - 1])
def test_a_network_that_its_file_does_not_hold_takes_no_memory(
    model, tmp_path, filters
):
    save_weights(model, tmp_path / "weights.npz")
    config = TrainingConfig("cnn2", filters=filters)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BrainSegError, match="E-CKPT-MISMATCH"):
        load_network(config, (16, 16, 4), tmp_path / "weights.npz")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
