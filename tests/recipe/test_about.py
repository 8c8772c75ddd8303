"""Words about the models of a recipe: in recipes of every kind, and nothing that is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from delineate.core.checks import sha256_of_text
from delineate.core.errors import SettingsError
from delineate.inference.about import About
from delineate.recipe.planned_text import planned_text
from delineate.recipe.recipe import Recipe, load_recipe, recipe_digest, recipe_text

KINDS = ("general", "pneumothorax-gate", "otsu", "pneumothorax-small")
WORDS = (
    "about.title=Nerve in ultrasound images",
    'about.purpose="Outlines the nerve, for somebody who mends it."',
    'about.limits=["Frames of children.", "Other nerves."]',
)
ABOUT = About(
    title="Nerve in ultrasound images",
    purpose="Outlines the nerve, for somebody who mends it.",
    limits=("Frames of children.", "Other nerves."),
)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_recipe_takes_words_and_keeps_them(name: str, tmp_path: Path) -> None:
    """They are set like any setting, and stand in the recipe that is written."""
    recipe = load_recipe(name, WORDS)
    assert recipe.about == ABOUT
    (tmp_path / "again.toml").write_text(recipe_text(recipe))
    assert load_recipe(str(tmp_path / "again.toml")) == recipe


@pytest.mark.parametrize("name", KINDS)
def test_words_are_no_part_of_what_is_trained(name: str) -> None:
    """The digest of a recipe is the same under any words, and another under another setting."""
    plain = load_recipe(name)
    assert "about" not in recipe_text(plain)
    assert recipe_digest(load_recipe(name, WORDS)) == recipe_digest(plain)
    assert recipe_digest(plain) == sha256_of_text(recipe_text(plain))
    stage = "gate." if name == "pneumothorax-small" else ""
    changed = load_recipe(name, (f"{stage}predict.repeats=turns",))
    assert recipe_digest(changed) != recipe_digest(plain)


def test_words_of_a_stage_are_no_part_of_it_either() -> None:
    """Each stage may have words of its own, for its model can be used by itself."""
    told = load_recipe("pneumothorax-small", ("gate.about.title=Is there any?",))
    assert told.gate.about.title == "Is there any?"
    assert told.about == told.segmenter.about == About()
    assert recipe_digest(told) == recipe_digest(load_recipe("pneumothorax-small"))


def test_a_planned_recipe_is_written_with_its_words(tmp_path: Path) -> None:
    """Reasons stand above settings, and the words where they are read back from."""
    recipe = load_recipe("general", WORDS)
    assert isinstance(recipe, Recipe)
    (tmp_path / "planned.toml").write_text(planned_text(recipe, ()))
    assert load_recipe(str(tmp_path / "planned.toml")) == recipe


def test_lines_may_be_broken_anywhere() -> None:
    """A text of several lines in TOML is one line with one space between words."""
    about = About(title=" Nerve\tin\n ultrasound ", purpose="It\noutlines.", limits=("a\r\nb",))
    assert about == About(title="Nerve in ultrasound", purpose="It outlines.", limits=("a b",))


def test_what_is_left_out_is_taken_from_others() -> None:
    """Field by field; lists are not joined."""
    own = About(title="Mine", limits=("A.",))
    other = About(title="Theirs", purpose="To try.", limits=("B.",))
    assert own.completed_by(other) == About(title="Mine", purpose="To try.", limits=("A.",))
    assert About().completed_by(other) == other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("about.titel=Nerve", "did you mean 'about.title'"),
        ("title=Nerve", r"did you mean 'about.title'\?"),
        ("about=Nerve", "about: .*found 'Nerve'"),
        ("about.title=", r"about\.title: expected words, found none"),
        (f"about.title={'x' * 81}", r"about\.title: expected at most 80 characters, found 81"),
        (f"about.purpose={'x' * 601}", r"about\.purpose: expected at most 600 .*found 601"),
        ("about.title=a\x1b[2Jb", r"about\.title: .* control characters of 'a\\x1b\[2Jb'"),
        ("about.title=4", r"about\.title: .*valid string, found 4"),
        ("about.limits=No children.", r"about\.limits: .*found 'No children\.'"),
        ("about.limits=['A.', ' ']", r"about\.limits\.1: expected words, found none"),
    ],
)
def test_words_that_do_not_fit_are_refused(change: str, message: str) -> None:
    """In one line, with the setting and what was found."""
    with pytest.raises(SettingsError, match=message) as caught:
        load_recipe("general", (change,))
    assert "\n" not in str(caught.value)
