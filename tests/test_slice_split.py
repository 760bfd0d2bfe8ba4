"""The comparison with a wrong split: what differs between its sides, and what not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils import slice_split
from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import read_json
from brainseg_utils.judging.slice_deals import deal_slices
from brainseg_utils.slice_split import (
    compare_splits,
    describe_pairs,
    shorten,
    summarise_pairs,
)
from brainseg_utils.splits import Split
from brainseg_utils.workspace import Workspace

PACKAGE = Path(__file__).parents[1] / "brainseg_utils"
CONFIG = TrainingConfig("cnn2", filters=2, fine_learning_rate=1e-3, dropout_rate=0.1)
SPLIT = Split(train=("P0", "P1", "P2"), validation=("P3",), test=("P4", "P5"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("tiny"), patients=6)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path, "test")


def owners(store, rows):
    """Return the patients whose slices are among rows."""
    return {c["id"] for c in store.cases if set(rows) & {*range(c["start"], c["stop"])}}


@pytest.fixture(params=range(5))
def deal(request, cohort):
    return deal_slices(cohort.store, SPLIT, seed=request.param)


def test_scored_slices_are_in_neither_training(deal):
    scored = np.concatenate([*deal.held_out.values()])
    for rows in deal.train.values():
        assert not set(scored) & set(rows)
        assert len(set(rows)) == len(rows)


def test_split_by_patients_learns_from_training_patients_alone(deal, cohort):
    assert owners(cohort.store, deal.train["patients"]) == set(SPLIT.train)


def test_split_by_slices_learns_from_the_scored_patients_too(deal, cohort):
    found = owners(cohort.store, deal.train["slices"])
    assert set(SPLIT.test) < found
    assert "P3" not in found, "validation patients are left out of both"


def test_both_learn_from_as_many_patients_slices_and_tumour_slices(deal, cohort):
    sides = deal.train.values()
    assert {len(owners(cohort.store, rows)) for rows in sides} == {3}
    assert len({len(rows) for rows in sides}) == 1
    tumour = cohort.store.tumour_rows()
    assert len({len(np.intersect1d(rows, tumour)) for rows in sides}) == 1


def test_a_fifth_of_each_kind_is_scored_and_always_some_tumour(deal, cohort):
    for case_id, rows in deal.held_out.items():
        assert owners(cohort.store, rows) == {case_id}
        # 4 slices with tumour and 4 without: of each, 4 / 5 is rounded up.
        assert len(rows) == 2
        assert len(np.intersect1d(rows, cohort.store.tumour_rows())) == 1


def test_deal_is_a_function_of_the_seed(cohort):
    one, same, other = (deal_slices(cohort.store, SPLIT, seed) for seed in (0, 0, 1))
    for name, rows in one.train.items():
        assert np.array_equal(rows, same.train[name])
        assert not np.array_equal(rows, other.train[name])


def test_of_more_test_than_training_patients_as_many_take_part(cohort):
    split = Split(train=("P0",), validation=("P1",), test=("P2", "P3", "P4"))
    deal = deal_slices(cohort.store, split, seed=0)
    assert len(deal.held_out) == 1
    assert owners(cohort.store, deal.train["slices"]) == set(deal.held_out)


def test_trainings_differ_in_their_rows_alone(cohort, workspace, monkeypatch):
    seen, draw = [], slice_split.draw_batches

    def spy(*arguments):
        seen.append(arguments)
        return draw(*arguments)

    monkeypatch.setattr(slice_split, "draw_batches", spy)
    (pair,) = compare_splits(CONFIG, cohort, workspace, 32, [0], [0], seen.append)
    line, one, other = seen
    assert "two trainings of 32 slices" in line
    assert one[:2] == other[:2] and one[3:] == other[3:] == (16, 32)
    assert not np.array_equal(one[2], other[2]) and len(one[2]) == len(other[2])
    assert pair["train_slices"] == len(one[2])
    assert pair["patients"].keys() == pair["slices"].keys()
    for scores in (*pair["patients"].values(), *pair["slices"].values()):
        assert all(0 <= score <= 1 for score in scores.values())


def test_what_is_finished_is_kept_and_not_repeated(cohort, workspace, monkeypatch):
    done = []

    def pretend(config, cohort, path):
        done.append((config.fold, config.seed, config.slices_per_epoch))
        return {"number": len(done)}

    monkeypatch.setattr(slice_split, "_train_both", pretend)

    def compare(slices=32, seeds=(0,), folds=(0,)):
        return compare_splits(
            CONFIG, cohort, workspace, slices, seeds, np.array(folds), done.count
        )

    first = compare(seeds=(0, 1))
    assert compare(seeds=(0, 1)) == first == [{"number": 1}, {"number": 2}]
    assert compare(seeds=(1,), folds=(0, 1)) == [{"number": 2}, {"number": 3}]
    compare(slices=48)
    assert done == [(0, 0, 32), (0, 1, 32), (1, 1, 32), (0, 0, 48)]
    assert len(read_json(workspace.runs / "slice-split.json")) == 4


def test_smoke_has_one_seed(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(slice_split, "_train_both", lambda config, *rest: config.seed)
    smoke = Workspace(tmp_path, "smoke")
    assert compare_splits(CONFIG, cohort, smoke, 32, [3, 4], [0], str) == [3]


def test_only_held_out_slices_are_scored(cohort, monkeypatch):
    deal = deal_slices(cohort.store, SPLIT, seed=0)

    def right_where_held_out(model, store, case_id, config):
        masks = 1 - store.masks[store.rows([case_id])].astype(np.float32)
        places = deal.held_out[case_id] - store.case(case_id)["start"]
        masks[places] = 1 - masks[places]
        return masks

    monkeypatch.setattr(slice_split, "predict_slices", right_where_held_out)
    scores = slice_split._score(None, CONFIG, cohort, deal)
    assert scores == dict.fromkeys(deal.held_out, {"dice": 1.0, "dice_slice": 1.0})


def test_nothing_scores_0_pooled_and_a_half_by_slice(cohort, monkeypatch):
    def nothing(model, store, case_id, config):
        return np.zeros_like(store.masks[store.rows([case_id])], np.float32)

    monkeypatch.setattr(slice_split, "predict_slices", nothing)
    deal = deal_slices(cohort.store, SPLIT, seed=0)
    scores = slice_split._score(None, CONFIG, cohort, deal)
    assert scores == dict.fromkeys(deal.held_out, {"dice": 0.0, "dice_slice": 0.5})


def test_training_is_one_cycle_without_anything_to_choose_by():
    short = shorten(replace(CONFIG, neighbours=1), 640)
    assert short.neighbours == 0, "a scored slice is nobody's neighbour"
    short = shorten(replace(CONFIG, planes="three"), 640)
    assert short.planes == "axial", "other planes would hold slices of the training"
    assert (short.epochs, short.slices_per_epoch, short.keep) == (1, 640, "last")
    assert short.schedule == "one-cycle" and short.switch_epoch is None
    assert short.filters == CONFIG.filters and short.dropout_rate == 0.1


def scored(**dice):
    return {i: {"dice": one, "dice_slice": one / 2} for i, one in dice.items()}


def test_difference_is_slices_minus_patients_over_patients_not_pairs():
    pairs = [
        {"patients": scored(A=0.5, B=0.6), "slices": scored(A=0.7, B=0.7)},
        {"patients": scored(A=0.7, B=0.6), "slices": scored(A=0.9, B=0.7)},
    ]
    summary = summarise_pairs(pairs)
    assert summary["dice"]["patients"] == pytest.approx({"A": 0.6, "B": 0.6})
    assert summary["dice"]["slices"] == pytest.approx({"A": 0.8, "B": 0.7})
    assert summary["dice_slice"]["slices"] == pytest.approx(0.375)
    assert summary["difference"]["mean"] == pytest.approx(0.15)
    assert "+0.150" in describe_pairs(summary)
    assert "over slices: 0.300 and 0.375." in describe_pairs(summary)
    assert "Chance" in describe_pairs(summary), "two patients prove nothing"


def test_words_say_what_the_interval_says():
    pair = {"patients": scored(A=0.5, B=0.6, C=0.7)}
    more, less = scored(A=0.7, B=0.81, C=0.9), scored(A=0.3, B=0.41, C=0.5)
    words = [
        describe_pairs(summarise_pairs([{**pair, "slices": s}])) for s in (more, less)
    ]
    assert "slices flatters." in words[0]
    assert "does not flatter" in words[1]


def test_nothing_else_in_the_package_deals_slices():
    users = {
        path.stem
        for path in PACKAGE.rglob("*.py")
        if "slice_deals" in path.read_text(encoding="utf-8")
    }
    assert users == {"slice_split"}
    users = {
        path.stem
        for path in PACKAGE.rglob("*.py")
        if "slice_split" in path.read_text(encoding="utf-8")
    }
    assert users == {"slice_split", "slice_deals"}
