"""Recipes: strict, complete, and the same after a round trip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from delineate.core.errors import SettingsError
from delineate.recipe.recipe import (
    DEFAULT,
    Recipe,
    load_recipe,
    recipe_names,
    recipe_text,
)

from .networks import NETWORKS


@pytest.mark.parametrize("name", recipe_names())
def test_packaged_recipes_load_and_round_trip(name, tmp_path):
    """Each recipe of the package is valid, bears its file's name, and is written losslessly."""
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    (tmp_path / "again.toml").write_text(recipe_text(recipe))
    assert load_recipe(str(tmp_path / "again.toml")) == recipe


@pytest.mark.parametrize("name", NETWORKS)
def test_packaged_recipes_build_their_network_and_loss(name):
    """Names and arguments that the recipe floor cannot check do exist."""
    from delineate.losses.catalogue import weighted_sum
    from delineate.models.catalogue import build_classifier, build_model

    recipe = load_recipe(name)
    arguments = recipe.model.arguments
    build, classes = (build_classifier, 2) if recipe.task == "classify" else (build_model, 1)
    network = build(recipe.model.architecture, channels=1, classes=classes, arguments=arguments)
    assert recipe.predict.tile_px >= network.stride
    weighted_sum(recipe.loss, task=recipe.task)


def test_the_default_is_there():
    """What is taken without --recipe exists."""
    assert DEFAULT in recipe_names()
    assert load_recipe().name == DEFAULT


def test_changed_recipes_round_trip(tmp_path):
    """Changes of every kind survive being written and read."""
    changes = (
        "validation.patience=none",
        "prepare.longest_side_px=none",
        "prepare.size_px=[64, 48]",
        "model.arguments.normalisation=group",
        "loss.dice=0.25",
        "loss.focal={weight = 0.5, gamma = 1.5}",
        "train.keep=last",
        "augment.flips=false",
    )
    recipe = load_recipe("general", changes)
    (tmp_path / "r.toml").write_text(recipe_text(recipe))
    assert load_recipe(str(tmp_path / "r.toml")) == recipe


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("train.batch=3", lambda r: r.train.batch == 3),
        (" train.batch = 3 ", lambda r: r.train.batch == 3),
        ("train.learning_rate=3e-4", lambda r: r.train.learning_rate == 3e-4),
        ("train.keep=last", lambda r: r.train.keep == "last"),
        ('train.keep="last"', lambda r: r.train.keep == "last"),
        ("augment.turns=true", lambda r: r.augment.turns is True),
        ("patches.size_px=[64, 48]", lambda r: r.patches.size_px == (64, 48)),
        ("validation.patience=none", lambda r: r.validation.patience is None),
        ("model.arguments.width=8", lambda r: r.model.arguments["width"] == 8),
        ("model.arguments={width = 8}", lambda r: r.model.arguments == {"width": 8}),
        ("loss.cross_entropy=2", lambda r: r.loss["cross_entropy"].weight == 2.0),
        ("loss.focal.gamma=3", lambda r: r.loss["focal"].arguments == {"gamma": 3}),
    ],
)
def test_set_takes_every_kind_of_value(change, found):
    """Numbers, words with and without quotes, lists, tables, truth values and none."""
    recipe = load_recipe("general", (change,))
    assert found(recipe)
    assert recipe != load_recipe("general")


def test_set_keeps_other_arguments():
    """A dotted path changes one argument and leaves its neighbours."""
    before = load_recipe("general").model.arguments
    after = load_recipe("general", ("model.arguments.width=8",)).model.arguments
    assert after == before | {"width": 8}


def test_later_changes_win():
    """Of two changes of one setting the last counts."""
    assert load_recipe("general", ("train.batch=2", "train.batch=5")).train.batch == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.bach=4", r"unknown setting 'train.bach'; did you mean 'train.batch'"),
        ("trian.batch=4", r"unknown setting 'trian'; did you mean 'train'"),
        ("batch=4", r"unknown setting 'batch'; did you mean 'train.batch'\?"),
        ("train.size_px=4", r"did you mean 'prepare.size_px' or 'patches.size_px'\?"),
        ("train.batch=0", r"train.batch: .*greater than or equal to 1, found 0"),
        ("train.batch=many", r"train.batch: .*found 'many'"),
        ("train.batch", r"--set train.batch: expected section.setting=value"),
        ("=4", r"expected section.setting=value"),
        ("train..batch=4", r"expected section.setting=value"),
        ("name.first=4", r"'name' is a value, not a section"),
        ("loss.dice.weight=4", r"'dice' is a value, not a section"),
        ("loss={}", r"loss: .*at least 1 item"),
        ("loss.dice=-1", r"loss.dice.weight: .*greater than or equal to 0"),
        ("loss={dice = 0}", r"loss: expected a loss with a weight above 0"),
        ("patches.size_px=[0, 32]", r"patches.size_px.0: .*greater than 0"),
        ("patches.size_px=64", r"patches.size_px: .*found 64"),
        ("prepare.size_px=[64, 64]", r"exclude each other"),
        ("predict.margin_px=400", r"leaves nothing between two margins"),
        ("train.learning_rate=nan", r"train.learning_rate: .*finite number"),
        ("train.learning_rate=inf", r"train.learning_rate: .*finite number"),
        ("train=4", r"train: .*found 4"),
    ],
)
def test_wrong_changes_are_one_line(change, message):
    """Names get the nearest proposed; values say what was expected and found."""
    with pytest.raises(SettingsError, match=message) as caught:
        load_recipe("general", (change,))
    assert "\n" not in str(caught.value)


def test_unknown_recipe_proposes_the_nearest():
    """A misspelt recipe gets the nearest name."""
    with pytest.raises(SettingsError, match="did you mean 'general'"):
        load_recipe("genral")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "expected TOML"),
        (b"\xff\xfe", "cannot be read as a recipe"),
        (b'description = "x"', "name: Field required"),
        (b'name = "x"\ndescription = "y"\n[train]\nepochz = 3', "did you mean 'train.epochs'"),
    ],
)
def test_wrong_files_are_one_line(tmp_path, content, message):
    """A file that is no recipe says so and names itself or the setting."""
    (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load_recipe(str(tmp_path / "r.toml"))


@pytest.mark.parametrize(
    ("written", "change", "found"),
    [
        ("w.pt", None, "{recipes}/w.pt"),
        ("../w.pt", None, "{root}/w.pt"),
        ("/w.pt", None, "/w.pt"),
        ("imagenet", None, "imagenet"),
        ("random", None, "random"),
        (None, "w.pt", "{here}/w.pt"),
        ("w.pt", "../w.pt", "{root}/w.pt"),
        ("w.pt", "random", "random"),
        ("w.pt", "none", None),
    ],
)
def test_weights_have_their_whole_path(tmp_path, monkeypatch, written, change, found):
    """Those of a file are found from its folder, those of a change from where one stands."""
    folders = {"root": tmp_path, "recipes": tmp_path / "recipes", "here": tmp_path / "here"}
    for name in ("recipes", "here"):
        folders[name].mkdir()
    text = f'[model]\nencoder_weights = "{written}"' if written else ""
    (tmp_path / "recipes" / "r.toml").write_text(f'name = "x"\ndescription = "y"\n{text}')
    monkeypatch.chdir(tmp_path / "here")
    changes = () if change is None else (f"model.encoder_weights={change}",)
    weights = load_recipe("../recipes/r.toml", changes).model.encoder_weights
    assert weights == (None if found is None else found.format(**folders))


def test_missing_file_is_one_line(tmp_path):
    """A recipe file that is not there is named."""
    with pytest.raises(SettingsError, match=r"none.toml: cannot be read"):
        load_recipe(str(tmp_path / "none.toml"))


def test_a_recipe_cannot_be_changed():
    """Settings are frozen: what was written down is what ran."""
    recipe = load_recipe()
    with pytest.raises(ValueError, match="frozen"):
        recipe.train.batch = 3
    assert isinstance(recipe, Recipe)


def shown_recipes() -> list[str]:
    """The whole recipes that the page on recipes shows."""
    page = Path(__file__).parents[2] / "docs" / "recipes.md"
    blocks = re.findall(r"^```toml\n(.+?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [block for block in blocks if block.startswith("name")]


@pytest.mark.parametrize(
    ("at", "task"), [(0, "segment"), (1, "classify"), (2, "segment"), (3, "segment")]
)
def test_recipes_that_are_shown_are_whole(tmp_path, at, task):
    """They load as they stand on the page; there are four."""
    assert len(shown_recipes()) == 4
    (tmp_path / "r.toml").write_text(shown_recipes()[at])
    assert load_recipe(str(tmp_path / "r.toml")).task == task


def test_a_recipe_that_classifies_needs_no_loss_and_no_metric(tmp_path):
    """Without them it has cross-entropy and ROC AUC; what it names stays."""
    text = shown_recipes()[1]
    (tmp_path / "r.toml").write_text(text)
    recipe = load_recipe(str(tmp_path / "r.toml"))
    assert {name: term.weight for name, term in recipe.loss.items()} == {"cross_entropy": 1.0}
    assert recipe.validation.metric == "roc_auc"
    own = "[loss]\nfocal = 2.0\n[validation]\nmetric = 'accuracy'\ntimes = 3\n"
    (tmp_path / "r.toml").write_text(text + own)
    recipe = load_recipe(str(tmp_path / "r.toml"))
    assert {name: term.weight for name, term in recipe.loss.items()} == {"focal": 2.0}
    assert (recipe.validation.metric, recipe.validation.times) == ("accuracy", 3)
    (tmp_path / "r.toml").write_text(f"{text}[validation]\ntimes = 3\n")
    assert load_recipe(str(tmp_path / "r.toml")).validation.metric == "roc_auc"
    (tmp_path / "r.toml").write_text(f"{text}[validation]\nmetric = 'pooled_dice'\n")
    with pytest.raises(SettingsError, match="to classify watches one of"):
        load_recipe(str(tmp_path / "r.toml"))
