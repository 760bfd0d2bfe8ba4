import keras
import pytest
import tensorflow as tf
from refusals import refusal

from brainseg_utils import compute
from brainseg_utils.compute import Compute
from brainseg_utils.models import build_cnn1
from brainseg_utils.system import gpus
from brainseg_utils.system.memory_errors import is_out_of_memory, out_of_memory


@pytest.mark.parametrize(
    ("name", "value"),
    [("strategy", "all"), ("precision", "float16"), ("jit", "yes")],
)
def test_an_unknown_choice_is_refused_with_the_known_ones(name, value):
    error = refusal(lambda: Compute(**{name: value}))
    assert (error.code, error.path) == ("E-PARAM", name)
    assert repr(value) in error.what and "auto" in error.what


def test_a_required_gpu_that_is_not_there_is_an_error_with_the_remedy(monkeypatch):
    monkeypatch.setattr(compute, "gpu_names", lambda: [])
    error = refusal(Compute(require_gpu=True).check)
    assert error.code == "E-GPU" and "Runtime" in error.remedy


def test_without_a_gpu_a_training_runs_where_none_is_required(monkeypatch):
    monkeypatch.setattr(compute, "gpu_names", lambda: [])
    Compute().check()


def test_a_required_gpu_that_is_there_passes(monkeypatch):
    monkeypatch.setattr(compute, "gpu_names", lambda: ["GPU:0"])
    Compute(require_gpu=True).check()


@pytest.mark.parametrize(
    ("found", "policy"),
    [((0, 0), "float32"), ((6, 1), "float32"), ((7, 5), "mixed_float16")],
)
def test_half_precision_is_for_gpus_that_gain_from_it(monkeypatch, found, policy):
    monkeypatch.setattr(compute, "capability", lambda: found)
    assert Compute().policy == policy
    assert Compute(precision="mixed_bfloat16").policy == "mixed_bfloat16"


def test_a_model_made_in_the_scope_has_the_precision_and_others_have_not():
    with Compute(precision="mixed_float16").scope():
        model = build_cnn1((16, 16, 4), filters=2)
        model.compile(keras.optimizers.Adam(), loss="mse")
    assert model.dtype_policy.name == "mixed_float16"
    assert model.get_layer("tumour").dtype_policy.name == "float32"
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert keras.config.dtype_policy().name == "float32"


def test_one_gpu_or_none_needs_no_replicas(monkeypatch):
    for names in ([], ["GPU:0"]):
        monkeypatch.setattr(compute, "gpu_names", lambda names=names: names)
        assert Compute().replicas is None


def test_several_gpus_train_together_unless_one_is_asked_for(monkeypatch):
    monkeypatch.setattr(compute, "gpu_names", lambda: ["GPU:0", "GPU:1"])
    asked = []
    monkeypatch.setattr(compute, "_mirrored", asked.append)
    assert Compute(strategy="one").replicas is None
    Compute().replicas  # noqa: B018
    Compute(devices=("GPU:1", "GPU:2")).replicas  # noqa: B018
    assert asked == [("GPU:0", "GPU:1"), ("GPU:1", "GPU:2")]


def test_the_least_of_the_gpus_decides(monkeypatch):
    monkeypatch.setattr(gpus, "_tensorflow", lambda: [(8, 0), (6, 1)])
    assert gpus.gpu_names() == ["GPU:0", "GPU:1"]
    assert gpus.capability() == (6, 1)


class XlaRuntimeError(RuntimeError):
    """As JAX calls it."""


class OutOfMemoryError(RuntimeError):
    """As PyTorch calls it."""


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes."),
        OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
    ],
)
def test_ended_memory_is_known_in_every_backend_s_words(error):
    assert is_out_of_memory(error)
    told = out_of_memory(error, 16, (96, 96, 4))
    assert told.code == "E-OOM" and "16 slices of 96 x 96 x 4" in told.what
    assert "batch_size" in told.remedy


@pytest.mark.parametrize(
    "error",
    [
        ValueError("out of memory"),
        RuntimeError("shapes differ"),
        tf.errors.InvalidArgumentError(None, None, "shapes differ"),
    ],
)
def test_other_errors_are_not_taken_for_it(error):
    assert not is_out_of_memory(error)
