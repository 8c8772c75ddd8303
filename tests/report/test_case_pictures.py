"""Cases worth a look."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.types import default_classes
from delineate.report.case_pictures import best_median_worst, case_picture, picture_legend
from delineate.report.overlays import legend

IMAGE = np.full((30, 40, 1), 80, np.uint8)
LABELS = np.zeros((30, 40), np.uint8)
LABELS[5:20, 5:20] = 1


def test_best_median_and_worst_are_found() -> None:
    """The highest, middle and lowest scores have their roles; undefined cases have none."""
    scores = {"a": 0.1, "b": 0.9, "c": None, "d": 0.5, "e": 0.6, "f": 0.2}
    roles = best_median_worst(scores)
    assert roles == {"b": "best", "d": "median", "a": "worst"}


def test_equal_scores_are_ordered_by_id() -> None:
    """The choice does not depend on the order of the cases."""
    forwards = dict.fromkeys("abcdef", 0.5)
    backwards = dict(reversed(forwards.items()))
    assert best_median_worst(forwards, each=2) == best_median_worst(backwards, each=2)


def test_few_cases_have_one_role_each() -> None:
    """One case is the best; two are the best and the worst; none gives none."""
    assert best_median_worst({"a": 0.0}) == {"a": "best"}
    assert best_median_worst({"a": 0.0, "b": 1.0}) == {"b": "best", "a": "worst"}
    assert best_median_worst({"a": None}) == {}


@given(st.lists(st.floats(0, 1), max_size=14), st.integers(1, 4))
def test_roles_are_in_order(values: list[float], each: int) -> None:
    """No median case beats a best one, no worst one beats a median one, none is twice."""
    scores = {f"case {place}": value for place, value in enumerate(values)}
    roles = best_median_worst(scores, each=each)
    of = {
        role: [scores[one] for one in roles if roles[one] == role]
        for role in ("best", "median", "worst")
    }
    assert all(len(found) <= each for found in of.values())
    assert len(roles) == min(len(scores), 3 * each)
    if of["best"] and of["median"]:
        assert min(of["best"]) >= max(of["median"])
    if of["median"] and of["worst"]:
        assert min(of["median"]) >= max(of["worst"])


def test_a_binary_case_shows_hits_and_misses() -> None:
    """With one foreground class there are the image and the overlay, and the palette's legend."""
    shown = case_picture(
        IMAGE, LABELS, LABELS, case_id="a", classes=default_classes(2), palette="nerve", role="best"
    )
    assert [one.name for one in shown.pictures] == ["image", "truth and prediction"]
    assert shown.role == "best"
    assert picture_legend(default_classes(2), "nerve") == legend("nerve")


def test_several_classes_show_truth_beside_prediction() -> None:
    """With several classes truth and prediction are two pictures in the classes' colours."""
    classes = default_classes(3)
    shown = case_picture(IMAGE, LABELS, LABELS * 2, case_id="a", classes=classes, longest_px=20)
    assert [one.name for one in shown.pictures] == ["image", "truth", "prediction"]
    assert {(one.height_px, one.width_px) for one in shown.pictures} == {(15, 20)}
    assert shown.pictures[1].uri != shown.pictures[2].uri
    assert [entry.words for entry in picture_legend(classes)] == ["class 1", "class 2"]


def test_emptiness_is_said() -> None:
    """A caption says where truth or prediction is empty, which ignored pixels are too."""
    empty = np.where(LABELS == 1, 255, 0).astype(np.uint8)
    classes = default_classes(2)
    said = [
        case_picture(IMAGE, truth, found, case_id="a", classes=classes, caption="Dice 1").caption
        for truth in (LABELS, empty)
        for found in (LABELS, empty)
    ]
    assert said == [
        "Dice 1",
        "Dice 1; no foreground in prediction",
        "Dice 1; no foreground in truth",
        "Dice 1; no foreground in truth or prediction",
    ]
