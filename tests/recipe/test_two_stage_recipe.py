"""Recipes of a gate and a segmenter: named or written out, changed, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from delineate.core.errors import SettingsError
from delineate.recipe.recipe import Recipe, load_recipe, recipe_text
from delineate.recipe.two_stage_recipe import TwoStageRecipe

NAMED = """
name = "two"
description = "A gate and a segmenter."

[gate]
recipe = "pneumothorax-gate"

[gate.model]
arguments = { encoder = "resnet18" }

[segmenter]
recipe = "own/segmenter.toml"

[segmenter.train]
batch = 3
"""
SEGMENTER = """
name = "own"
description = "Mine."

[model]
architecture = "encoder_decoder"
arguments = { encoder = "resnet18" }
encoder_weights = "start.safetensors"

[train]
batch = 7
learning_rate = 0.5
"""


@pytest.fixture
def named(tmp_path) -> Path:
    """A recipe whose stages name a recipe of the package, and a file beside it."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/segmenter.toml").write_text(SEGMENTER)
    (tmp_path / "two.toml").write_text(NAMED)
    return tmp_path / "two.toml"


def test_stages_take_the_recipes_they_name(named):
    """What a stage says replaces one setting, a table of arguments as a whole; the rest stays."""
    recipe = load_recipe(str(named))
    assert isinstance(recipe, TwoStageRecipe)
    gate = load_recipe("pneumothorax-gate")
    assert isinstance(gate, Recipe)
    assert recipe.gate.model.arguments == {"encoder": "resnet18"}
    assert recipe.gate.model.architecture == gate.model.architecture
    assert recipe.gate.prepare == gate.prepare
    assert recipe.segmenter.train.batch == 3
    assert recipe.segmenter.train.learning_rate == 0.5


def test_weights_are_found_from_the_recipe_that_names_them(named):
    """A path is relative to the file it stands in, or where it is a change, to where one is."""
    recipe = load_recipe(str(named), ("gate.model.encoder_weights=x.pt",))
    assert isinstance(recipe, TwoStageRecipe)
    expected = named.parent / "own/start.safetensors"
    assert recipe.segmenter.model.encoder_weights == str(expected.resolve())
    assert recipe.gate.model.encoder_weights == str(Path("x.pt").resolve())


def test_what_is_written_holds_both_whole(named, tmp_path):
    """The resolved recipe names no other recipe, and is read back to an equal one."""
    recipe = load_recipe(str(named), ("operating.costs.miss=3", "folds.seeds=2"))
    text = recipe_text(recipe)
    assert "recipe =" not in text
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "again.toml").write_text(text)
    assert load_recipe(str(elsewhere / "again.toml")) == recipe


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("gate.train.batch=4", lambda r: r.gate.train.batch == 4),
        ("segmenter.loss.dice=0.5", lambda r: r.segmenter.loss["dice"].weight == 0.5),
        ("operating.objective=cost", lambda r: r.operating.objective == "cost"),
        ("operating.costs.segmented=0.5", lambda r: r.operating.costs.segmented == 0.5),
        ("operating.false_alarm_rate=0.05", lambda r: r.operating.false_alarm_rate == 0.05),
        ("folds.count=2", lambda r: r.folds.count == 2),
        ("budget.gate_share=0.5", lambda r: r.budget.gate_share == 0.5),
        ("segmenter.recipe=general", lambda r: r.segmenter == load_recipe("general")),
    ],
)
def test_set_reaches_every_part(change, found):
    """Either stage, the folds, the budget and the objective; or a stage as a whole."""
    assert found(load_recipe("pneumothorax", (change,)))
    assert not found(load_recipe("pneumothorax"))


def test_changes_of_a_replaced_stage_count():
    """What is changed after a stage was replaced is changed in the new one."""
    changes = ("segmenter.recipe=general", "segmenter.model.arguments.width=8")
    recipe = load_recipe("pneumothorax", changes)
    general = load_recipe("general")
    assert isinstance(recipe, TwoStageRecipe)
    assert isinstance(general, Recipe)
    assert recipe.segmenter.model.arguments == general.model.arguments | {"width": 8}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("gate.train.bach=1", r"'gate.train.bach'; did you mean 'gate.train.batch'\?"),
        ("gate.batch=4", r"unknown setting 'gate.batch'; did you mean 'gate.train.batch'\?"),
        ("batch=4", r"did you mean 'gate.train.batch' or 'segmenter.train.batch'\?"),
        ("model.encoder_weights=random", r"did you mean 'gate.model' or 'segmenter.model'\?"),
        ("miss=3", r"did you mean 'operating.costs.miss'\?"),
        ("operating.objective=dice", r"operating.objective: .*'cost', found 'dice'"),
        ("operating.false_alarm_rate=2", r"less than or equal to 1, found 2"),
        ("folds.count=1", r"folds.count: .*greater than or equal to 2, found 1"),
        ("gate.recipe=general", r"gate: expected a recipe that is to classify, found 'general'"),
        ("segmenter.recipe=pneumothorax-gate", r"segmenter: expected .* is to segment, found"),
        ("gate.recipe=otsu", r"--set gate.recipe=otsu: expected .* with a section \[classical\]"),
        ("segmenter.recipe=pneumothorax", r"of one network, found .* with a section \[gate\]"),
        ("gate.recipe=pneumothoraxgate", r"did you mean 'pneumothorax-gate'\?"),
        ("gate.train=3", r"gate.train: .*found 3"),
        ("gate.validation.metric=mean_dice", r"gate: .*classify watches one of"),
    ],
)
def test_wrong_changes_are_one_line(change, message):
    """Names get the nearest proposed, in the stage that was meant where that is said."""
    with pytest.raises(SettingsError, match=message) as caught:
        load_recipe("pneumothorax", (change,))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[gate]\nrecipe = "pneumothorax-gate"', r"segmenter: Field required"),
        ("[gate]\nrecipe = 3", r"gate.recipe: expected the name of a recipe, found 3"),
        ("gate = 3", r"gate: .*found 3"),
        ('[gate]\nrecipe = "not/there.toml"', r"not/there.toml: cannot be read as a recipe"),
    ],
)
def test_wrong_files_say_what_is_wrong(tmp_path, text, message):
    """A stage that is missing, that is no recipe, or that names none."""
    (tmp_path / "two.toml").write_text(f'name = "x"\ndescription = "y"\n{text}')
    with pytest.raises(SettingsError, match=message):
        load_recipe(str(tmp_path / "two.toml"))


def test_a_recipe_of_one_network_has_no_stages():
    """A stage's setting given to another recipe is an unknown setting of that recipe."""
    with pytest.raises(SettingsError, match="unknown setting 'gate'"):
        load_recipe("general", ("gate.train.batch=4",))
