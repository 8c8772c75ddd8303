"""What the report of a run says of its trainings."""

from __future__ import annotations

import pytest

from delineate.recipe.recipe import load_recipe
from delineate.workflows.evaluation_page import budget_words, training_rows
from delineate.workflows.run_folder import RunFacts


def _facts(**given) -> RunFacts:
    known = {"data": "d", "layout": None, "masks": None, "subjects": None, "seed": 0}
    how = {"device": "cpu", "threads": 1, "precision": "float32", "why_precision": "asked"}
    return RunFacts(**known, **how, **({"minutes": None, "steps": None} | given))


@pytest.mark.parametrize(
    ("recipe", "given", "said"),
    [
        ("general", {"steps": 1}, "1 step"),
        ("general", {"minutes": 2.5}, "2.5 minutes"),
        ("general", {"folds": 2, "steps": 40}, "40 steps, for each"),
        ("general", {"folds": 2}, "the epochs of the recipe, for each"),
        ("general", {"seeds": 3, "minutes": 2.0}, "2 minutes for all of them"),
        ("pneumothorax-small", {"folds": 2, "minutes": 9.0}, "9 minutes for all of them"),
        ("otsu", {}, "every combination"),
        ("otsu", {"folds": 2}, "every combination, for each"),
    ],
)
def test_budget_is_of_each_training_or_of_all(recipe, given, said):
    """Steps and epochs are of each, minutes of all; of folds without either the epochs count."""
    assert budget_words(_facts(**given), load_recipe(recipe)) == said


def test_trainings_are_counted():
    """Both stages over every fold and seed; one training has no row."""
    both, one = load_recipe("pneumothorax-small"), load_recipe("general")
    assert training_rows(_facts(folds=2, seeds=3), both) == [
        ("Trainings", "12: 2 folds, 3 seeds, gate and segmenter")
    ]
    assert training_rows(_facts(folds=2), one) == [("Trainings", "2: 2 folds")]
    assert training_rows(_facts(), one) == []
