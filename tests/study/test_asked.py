"""What a study was asked for, and what may be asked again."""

from __future__ import annotations

import json

import pytest

from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.study.asked import AskedStudy, asked_again, asked_anew, read_asked, write_asked


def test_read_back_as_written(tmp_path):
    """The file gives back the very study."""
    asked = asked_anew(tmp_path, ["a", "b"], {"minutes": 5.0, "seeds": 2, "masks": ("invert",)})
    write_asked(tmp_path, asked)
    assert read_asked(tmp_path) == asked


def test_seeds_count_from_the_first():
    """As many seeds as asked for, from `seed` on."""
    assert list(asked_anew("d", ["a"], {"seeds": 3, "seed": 4}).all_seeds) == [4, 5, 6]


@pytest.mark.parametrize(
    ("recipes", "given", "words"),
    [
        ([], {}, "--recipes: expected one name or more"),
        (["a"], {"minutes": 1.0, "steps": 3}, "exclude each other"),
        (["a"], {"minutes": 0.0}, "expected more than nothing"),
        (["a"], {"minutes": float("nan")}, "expected more than nothing"),
        (["a"], {"folds": 3, "split": "test"}, "--folds 3: .* leave --split out"),
    ],
)
def test_what_cannot_be_meant_is_refused(recipes, given, words):
    """Nothing to train, two budgets or none of any length, and two ways of scoring."""
    with pytest.raises(SettingsError, match=words):
        asked_anew("d", recipes, given)


def test_recipes_may_be_added():
    """All else stays; recipes that are there are not there twice."""
    before = asked_anew("d", ["a", "b"], {"steps": 4})
    again = asked_again(before, "d", ["b", "c"], {"steps": 4, "seeds": None, "overlapping": False})
    assert again == before.model_copy(update={"recipes": ("a", "b", "c")})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seeds": 3}, "--seeds 3: this study was started with 1"),
        ({"minutes": 2.0}, "--minutes 2.0: this study was started without it, and"),
        ({"split_file": "b.csv"}, "--split-file b.csv: this study was started with a.csv"),
        ({"changes": ("a:train.batch=1",)}, "--set a:train.batch=1: .* started without it"),
        ({"overlapping": True}, "--overlapping: .* started without it"),
        ({"seed": 3}, "--seed 3: this study was started with 0,"),
    ],
)
def test_anything_else_must_be_the_same(given, words):
    """The option is named as it is typed, with both values."""
    before = asked_anew("d", ["a"], {"steps": 4, "split_file": "a.csv"})
    with pytest.raises(SettingsError, match=words):
        asked_again(before, "d", [], given)


def test_other_data_is_refused(tmp_path):
    """A study goes on with the folder that it began with."""
    before = asked_anew(tmp_path / "one", ["a"], {})
    with pytest.raises(SettingsError, match=r"DATA .*two: this study was started with"):
        asked_again(before, tmp_path / "two", [], {})


def test_a_file_of_another_version_is_refused(tmp_path):
    """A field that is not known here is no study of this version."""
    write_asked(tmp_path, AskedStudy(data="d", recipes=("a",)))
    file = tmp_path / "asked.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"seeds": "many"}))
    with pytest.raises(UnreadableFileError, match=r"asked\.json: expected a study of this version"):
        read_asked(tmp_path)
