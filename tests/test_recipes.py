from dataclasses import replace

import pytest
from refusals import refusal

from brainseg_utils.config import TrainingConfig
from brainseg_utils.planning.config_checks import CHOICES
from brainseg_utils.planning.recipes import PAPER, RECIPES, RECOMMENDED


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_not_given_is_the_recipe_s(recipe):
    config = TrainingConfig("cnn2", recipe=recipe)
    assert {name: getattr(config, name) for name in RECIPES[recipe]} == RECIPES[recipe]


def test_what_is_given_goes_before_the_recipe():
    config = TrainingConfig("cnn2", recipe="recommended", mirror=False, threshold=0.4)
    assert (config.mirror, config.threshold) == (False, 0.4)
    assert config.loss == RECOMMENDED["loss"]


def test_the_paper_s_recipe_is_what_a_configuration_is_by_itself():
    assert TrainingConfig("cnn2") == TrainingConfig("cnn2", recipe="paper", **PAPER)


def test_a_change_keeps_all_the_rest():
    config = TrainingConfig("cnn2", recipe="recommended", learning_rate=2e-3)
    changed = replace(config, seed=3)
    assert changed.learning_rate == 2e-3 and changed.start == "phantom"


def test_both_recipes_say_something_of_the_same_fields():
    assert PAPER.keys() == RECOMMENDED.keys()


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_that_there_is_not_is_refused(name):
    error = refusal(lambda: TrainingConfig(**{"model": "cnn2", name: "nonsense"}))
    assert error.code == "E-PARAM" and error.path == name
    assert "'nonsense'" in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("minutes", -1.0),
        ("weight_average", 1.0),
        ("tumour_share", 1.5),
        ("painted_share", -0.1),
        ("threshold", 1.0),
        ("smallest_ml", -1.0),
        ("neighbours", -1),
        ("learning_rate", 0.0),
    ],
)
def test_a_number_out_of_range_is_refused(name, value):
    error = refusal(lambda: TrainingConfig("cnn2", **{name: value}))
    assert (error.code, error.path) == ("E-PARAM", name)


@pytest.mark.parametrize(
    ("together", "named"),
    [
        ({"schedule": "one-cycle", "fine_learning_rate": 1e-6}, "schedule"),
        ({"minutes": 1.0, "fine_learning_rate": 1e-6}, "minutes"),
        ({"weight_average": 0.99}, "keep"),
        ({"neighbours": 1, "painted_share": 0.5}, "painted_share"),
        ({"neighbours": 1, "planes": "three"}, "planes"),
        ({"neighbours": 1, "recipe": "recommended"}, "planes"),
        ({"start": "phantom", "filters": 8}, "filters"),
        ({"start": "phantom", "normalization": "group"}, "normalization"),
        ({"start": "phantom", "stem": "space-to-depth"}, "stem"),
    ],
)
def test_what_does_not_go_together_is_refused(together, named):
    error = refusal(lambda: TrainingConfig("cnn2", **together))
    assert (error.code, error.path) == ("E-PARAM", named)


@pytest.mark.parametrize("name", ["start", "stem"])
def test_what_is_cnn2_s_alone_is_refused_for_cnn1(name):
    error = refusal(lambda: TrainingConfig("cnn1", **{name: CHOICES[name][1]}))
    assert (error.code, error.path) == ("E-PARAM", "model")


def test_an_average_of_frozen_layers_is_refused():
    choices = {"weight_average": 0.9, "keep": "last", "fine_learning_rate": 1e-6}
    error = refusal(lambda: TrainingConfig("cnn2", **choices))
    assert (error.code, error.path) == ("E-PARAM", "fine_learning_rate")
