from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
from refusals import refusal

from brainseg_utils.commands.pretraining import pretrain
from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.compiling import build_bare_model, build_model
from brainseg_utils.models import build_cnn2
from brainseg_utils.prediction.trained_runs import load_trained
from brainseg_utils.pretrained import PRETRAINED, halve, load_pretrained
from brainseg_utils.run_files.weights import read_weights
from brainseg_utils.workspace import Workspace

SEQUENCES = ("t1", "t1ce", "t2", "flair")
CONFIG = TrainingConfig("cnn2", recipe="recommended")


def store_of(sequences, size=32):
    """Return what of a store the building of a network looks at."""
    images = SimpleNamespace(shape=(1, size, size, len(sequences)))
    return SimpleNamespace(images=images, sequences=sequences)


def image(channels, size=32):
    return np.random.default_rng(0).normal(size=(1, size, size, channels))


def test_a_training_starts_from_the_weights_that_lie_in_the_package():
    model = build_model(CONFIG, store_of(SEQUENCES))
    kept = read_weights(PRETRAINED)
    for weight in model.weights:
        assert np.array_equal(weight.numpy(), kept[weight.path.replace("/", ".")])


def test_they_are_small_and_in_half_precision():
    assert PRETRAINED.stat().st_size < 4_000_000
    assert {a.dtype for a in read_weights(PRETRAINED).values()} == {np.dtype("f2")}


def test_sequences_in_another_order_are_read_in_theirs():
    turned = ("flair", "t2", "t1", "t1ce")
    one, other = (build_model(CONFIG, store_of(s)) for s in (SEQUENCES, turned))
    x = image(4)
    same = other.predict_on_batch(x[..., [SEQUENCES.index(name) for name in turned]])
    assert np.allclose(one.predict_on_batch(x), same, atol=1e-5)


def test_a_missing_sequence_is_as_one_that_is_average_everywhere():
    few = ("t1ce", "flair")
    one, other = (build_model(CONFIG, store_of(s)) for s in (SEQUENCES, few))
    x = image(4)
    x[..., [0, 2]] = 0
    same = other.predict_on_batch(x[..., [1, 3]])
    assert np.allclose(one.predict_on_batch(x), same, atol=1e-5)


def test_a_sequence_that_the_phantoms_lack_is_refused():
    error = refusal(lambda: build_model(CONFIG, store_of(("t1", "adc"))))
    assert error.code == "E-START" and "adc" in str(error)


def test_another_network_is_refused():
    model = build_cnn2((32, 32, 4), filters=8)
    assert refusal(lambda: load_pretrained(model, SEQUENCES)).code == "E-CKPT-MISMATCH"


def test_the_paper_s_recipe_starts_from_random_weights():
    config = TrainingConfig("cnn2", filters=2)
    keras.utils.set_random_seed(1)
    one = build_model(config, store_of(SEQUENCES)).get_weights()
    keras.utils.set_random_seed(1)
    other = build_bare_model(config, (32, 32, 4)).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_weight_beyond_half_precision_keeps_its_own():
    arrays = {"variance": np.array([7e4, 1], np.float32), "kernel": np.ones(1)}
    halved = halve(arrays)
    assert np.array_equal(halved["variance"], arrays["variance"])
    assert halved["kernel"].dtype == np.float16


def test_pretraining_leaves_a_finished_run_in_half_precision(tmp_path, monkeypatch):
    shrunk = {"spacing_mm": 8.0, "crop_size": 24, "image_size": 16}
    monkeypatch.setattr("brainseg_utils.commands.pretraining.PHANTOMS", shrunk)
    monkeypatch.setattr("brainseg_utils.commands.pretraining.FOLDS", 3)
    monkeypatch.setattr("brainseg_utils.commands.pretraining.SLICES", 32)
    output, workspace = tmp_path / "mine", Workspace(tmp_path, "test")
    run = pretrain(workspace, output, patients=3, epochs=1)
    assert run.folder == output and len(run.history["epoch"]) == 1
    assert load_trained(output).run.done  # Ready to predict with.
    assert "# mine\n" in (output / "MODEL_CARD.md").read_text()
    assert not (output / "predictions").exists()
    kept = read_weights(output / "weights.npz")
    assert {array.dtype for array in kept.values()} == {np.dtype("f2")}
    assert {n: a.shape for n, a in kept.items()} == {
        n: a.shape for n, a in read_weights(PRETRAINED).items()
    }
    (folder,) = (workspace.runs / "runs").iterdir()
    trained = read_weights(folder / "weights.npz")
    assert all(
        np.allclose(kept[n], a, rtol=1e-3, atol=1e-6) for n, a in trained.items()
    )
    error = refusal(lambda: pretrain(workspace, output, patients=3, epochs=1))
    assert error.code == "E-EXISTS"


def test_neighbours_change_nothing_before_the_first_step():
    without, config = CONFIG, replace(CONFIG, neighbours=1, planes="axial")
    one, other = (build_model(c, store_of(SEQUENCES)) for c in (without, config))
    x = image(12)
    alone = one.predict_on_batch(x[..., 4:8])
    assert np.allclose(alone, other.predict_on_batch(x), atol=1e-5)
    assert np.ptp(alone) > 0.1, "else the test would prove nothing"
