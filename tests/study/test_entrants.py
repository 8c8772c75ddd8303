"""The recipes of a study, resolved once."""

from __future__ import annotations

import pytest

from delineate.core.errors import SettingsError
from delineate.recipe.recipe import load_recipe
from delineate.study.entrants import entrants_of, kept_entrants


def test_a_kept_recipe_is_the_one_that_was_given(tmp_path):
    """Written and read again, with its changes, a recipe is equal to what `train` would load."""
    found = entrants_of(["vessel", "otsu"], ["vessel:train.batch=3"])
    for each in found:
        each.write(tmp_path)
    assert load_recipe(found[0].recipe_in(tmp_path)) == load_recipe("vessel", ("train.batch=3",))
    assert load_recipe(found[1].recipe_in(tmp_path)) == load_recipe("otsu")
    kept = kept_entrants(["vessel", "otsu"], tmp_path, ["vessel:train.batch=3"])
    assert [(each.name, each.text, each.is_classical) for each in kept] == [
        (each.name, each.text, each.is_classical) for each in found
    ]
    assert [each.is_classical for each in kept] == [False, True]


def test_a_planned_recipe_is_made_by_its_training(tmp_path):
    """It has no text to keep, and hands its own changes on."""
    changes = ["planned:train.batch=3", "otsu:classical.images=2"]
    (planned, _) = entrants_of(["planned", "otsu"], changes)
    planned.write(tmp_path)
    assert planned.recipe_in(tmp_path) == "planned"
    assert planned.changes == ("train.batch=3",)
    assert kept_entrants(["planned"], tmp_path, changes) == [planned]
    assert not (tmp_path / "recipes").exists()


@pytest.mark.parametrize(
    ("given", "changes", "words"),
    [
        (["genral"], [], "unknown recipe 'genral'; did you mean 'general'"),
        (["general", "otsu", "general"], [], "two are called general"),
        (["general", "mine/general.toml"], [], "two are called general"),
        (["pneumothorax-gate"], [], "it classifies whole images"),
        (["general"], ["vessel:train.batch=3"], "unknown recipe of this study 'vessel'"),
        (["general"], ["train.batch=3"], "expected RECIPE:section.setting=value, such as general:"),
        ([], ["train.batch=3"], "expected RECIPE:section.setting=value, such as general:"),
        (["mine/planned.toml"], [], "planned stands for a plan .* another name"),
        (["general"], ["general:train.bach=3"], "did you mean 'train.batch'"),
    ],
)
def test_what_cannot_be_trained_is_refused(given, changes, words):
    """Before anything is read, in one line."""
    with pytest.raises(SettingsError, match=words):
        entrants_of(given, changes)


def test_two_recipes_of_one_name_are_told_apart(tmp_path):
    """A file that is called as one that is kept, and says something else, is refused."""
    entrants_of(["otsu"])[0].write(tmp_path)
    file = tmp_path / "otsu.toml"
    file.write_text(entrants_of(["otsu"], ["otsu:classical.images=3"])[0].text)
    with pytest.raises(SettingsError, match="this study holds another recipe called otsu"):
        entrants_of([str(file)])[0].write(tmp_path)


def test_two_stages_have_folds_of_their_own():
    """So that no image of train and validation is unseen by them."""
    (found,) = entrants_of(["pneumothorax"])
    assert (found.has_own_folds, found.is_classical) == (True, False)
