from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils import decoding
from brainseg_utils.config import TrainingConfig
from brainseg_utils.decoding import best_decoding, dice_by_decoding, tune_decoding
from brainseg_utils.evaluation import dice_score
from brainseg_utils.masks.predictions import predict_slices, restore_mask
from brainseg_utils.volumes import read_mask

CONFIG = TrainingConfig("cnn2")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


class Network:
    """Answers with the first channel, squeezed into 0 to 1."""

    def predict_on_batch(self, images):
        return 1 / (1 + np.exp(-images[..., :1]))


def test_every_choice_is_scored_as_a_prediction_by_it_would_be(cohort):
    dice = dice_by_decoding(Network(), cohort, ["P0", "P1"], CONFIG)
    slices = predict_slices(Network(), cohort.store, "P1", CONFIG)
    truth, _ = read_mask(cohort.cases["P1"])
    for choice, scores in dice.items():
        mask = restore_mask(cohort.store, "P1", slices, *choice)
        assert scores["P1"] == dice_score(truth, mask)
        assert set(scores) == {"P0", "P1"}
    assert len({scores["P1"] for scores in dice.values()}) > 1


def test_a_network_that_sees_neighbours_is_scored_with_them(cohort):
    class Above(Network):
        """Answers with the slice above in place of the slice."""

        def predict_on_batch(self, images):
            return super().predict_on_batch(images[..., 8:])

    with_them = replace(CONFIG, neighbours=1)
    seen = dice_by_decoding(Above(), cohort, ["P0"], with_them)
    alone = dice_by_decoding(Network(), cohort, ["P0"], CONFIG)
    assert 0 < seen[0.5, 0.0]["P0"] < alone[0.5, 0.0]["P0"]


def test_the_best_choice_has_the_highest_mean():
    dice = {(0.3, 0.0): {"a": 0.2, "b": 0.9}, (0.5, 0.0): {"a": 0.6, "b": 0.6}}
    assert best_decoding(dice) == (0.5, 0.0)


def run_with(validation, test):
    split = {"validation": validation, "test": test}
    return SimpleNamespace(config={"split": split}, training_config=CONFIG)


def test_a_run_s_choice_is_its_validation_patients_alone(cohort, monkeypatch):
    monkeypatch.setattr(decoding, "load_model", lambda run, cohort: Network())
    runs = [run_with(["P0"], ["P1", "P2"]), run_with(["P3"], ["P1"])]
    chosen, dice = tune_decoding(runs, cohort)
    ways = [dice_by_decoding(Network(), cohort, [i], CONFIG) for i in ("P0", "P3")]
    assert chosen == [best_decoding(way) for way in ways]
    tested = dice_by_decoding(Network(), cohort, ["P1", "P2"], CONFIG)
    assert dice["P2"] == tested[chosen[0]]["P2"]
    assert dice["P1"] == np.mean([tested[choice]["P1"] for choice in chosen])
