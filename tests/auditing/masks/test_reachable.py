"""The best mean score of one mask, against every mask that there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from delineate.auditing.masks import reachable as module
from delineate.auditing.masks.reachable import (
    DICE,
    IOU,
    Reachable,
    best_mask,
    mean_reachable,
    mean_score,
    reachable,
    votes_of,
)
from delineate.core.errors import SizeMismatchError
from delineate.core.types import IGNORE, Labels
from delineate.metrics.counts import count
from delineate.metrics.overlap import overlap

PIXELS = 6


def tiny(count: int, values: int = 2) -> st.SearchStrategy[np.ndarray]:
    """So many label maps of six pixels."""
    return hnp.arrays(np.uint8, (count, 1, PIXELS), elements=st.integers(0, values - 1))


def every_answer(values: int = 2) -> list[Labels]:
    """Each label map of six pixels that there is."""
    return [np.array([each], dtype=np.uint8) for each in product(range(values), repeat=PIXELS)]


ANSWERS = {values: every_answer(values) for values in (2, 3)}


def brute_force(labels: np.ndarray, score: str, values: int = 2) -> float:
    """The best mean by trying every label map, classes scored by the metrics themselves."""
    classes = sorted(set(np.unique(labels)) - {0})
    if not classes:
        return 1.0

    def mean(answer: Labels) -> float:
        found = [
            overlap(score, count(each == index, answer == index), when_both_empty=1.0).value
            for each in labels
            for index in classes
        ]
        return float(np.mean([value for value in found if value is not None]))

    return max(mean(answer) for answer in ANSWERS[values])


@settings(max_examples=60, deadline=None)
@given(labels=tiny(2), score=st.sampled_from([DICE, IOU]))
def test_two_masks_exactly(labels: np.ndarray, score: str) -> None:
    """For two masks the value is that of trying every mask, and stated as exact."""
    found = reachable(labels, score)
    assert found is not None
    assert found.is_exact
    assert found.upper == pytest.approx(brute_force(labels, score), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(labels=st.integers(3, 5).flatmap(tiny))
@example(labels=np.array([[[1, 1, 1, 1, 0, 0]], [[1, 0, 0, 0, 0, 0]], [[0, 0, 0, 0, 0, 0]]]))
def test_more_masks_exactly_by_dice(labels: np.ndarray) -> None:
    """For any number of masks the best mean Dice is that of trying every mask."""
    found = reachable(labels.astype(np.uint8), DICE)
    assert found is not None
    assert found.is_exact
    assert found.upper == pytest.approx(brute_force(labels, DICE), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(labels=st.integers(3, 5).flatmap(tiny))
def test_more_masks_within_bounds_by_iou(labels: np.ndarray) -> None:
    """For three masks or more the best mean IoU lies between the stated bounds."""
    found = reachable(labels, IOU)
    assert found is not None
    best = brute_force(labels, IOU)
    assert found.lower - 1e-12 <= best <= found.upper + 1e-12


def test_three_masks_apart_by_iou() -> None:
    """Three masks of a pixel each: the union reaches a third, and one half bounds it."""
    found = reachable(list(np.eye(3, dtype=np.uint8)[:, None]), IOU)
    assert found is not None
    assert found.lower == pytest.approx(1 / 3)
    assert found.upper == pytest.approx(1 / 2)
    assert str(found) == "0.333 to 0.500"


@settings(max_examples=25, deadline=None)
@given(labels=st.integers(2, 3).flatmap(lambda n: tiny(n, 3)), score=st.sampled_from([DICE, IOU]))
def test_several_classes_within_bounds(labels: np.ndarray, score: str) -> None:
    """With several classes the best label map lies between the stated bounds."""
    found = reachable(labels, score)
    assert found is not None
    best = brute_force(labels, score, values=3)
    assert found.lower - 1e-12 <= best <= found.upper + 1e-12


@pytest.mark.parametrize("score", [DICE, IOU])
def test_empty_against_drawn_reaches_one_half(score: str) -> None:
    """Whatever is answered, one of an empty and a drawn mask is missed altogether."""
    drawn = np.zeros((8, 8), np.uint8)
    drawn[2:5, 2:5] = 1
    found = reachable([np.zeros_like(drawn), drawn], score)
    assert found is not None
    assert (found.lower, found.upper) == (0.5, 0.5)


def test_agreement_reaches_one() -> None:
    """Equal masks, drawn or empty, can be matched."""
    for labels in (np.ones((3, 3), np.uint8), np.zeros((3, 3), np.uint8)):
        assert reachable([labels, labels, labels]) == Reachable(
            DICE, 1.0, 1.0, "the union" if labels.any() else "an empty mask"
        )


def test_the_union_can_beat_each_mask() -> None:
    """Two masks of nine pixels with one in common: the union scores more than either."""
    first, second = np.zeros((2, 1, 17), np.uint8)
    first[0, :9] = second[0, 8:] = 1
    found = reachable([first, second])
    assert found is not None
    assert found.reached_by == "the union"
    assert found.lower == pytest.approx(18 / 26)


def test_unknown_pixels_do_not_count() -> None:
    """Pixels that any label map ignores are left out; none left gives no value."""
    first = np.array([[1, 1, 0, IGNORE]], np.uint8)
    second = np.array([[1, IGNORE, 0, 1]], np.uint8)
    found = reachable([first, second])
    assert found is not None
    assert found.upper == 1.0
    assert reachable([first, np.full_like(first, IGNORE)]) is None


def test_large_masks_are_settled_exactly() -> None:
    """Blobs of ten thousand pixels in five masks: the best size is found, and it is attained."""
    rows, columns = np.indices((200, 200))
    masks = [
        (rows - 90 - 9 * k) ** 2 + (columns - 80 - 7 * k) ** 2 < (30 + 6 * k) ** 2 for k in range(5)
    ]
    votes = votes_of(masks)
    found = best_mask(votes)
    assert found.is_exact
    sizes = np.arange(1, int(votes.pixels.sum()) + 1)
    assert found.upper == pytest.approx(module._heaviest(votes, sizes, sizes).max(), abs=1e-12)
    assert found.upper >= max(mean_score(votes.holds[:, k], votes) for k in range(5))


def test_bounds_are_stated_when_the_search_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that is ended early still encloses the best value."""
    rng = np.random.default_rng(3)
    votes = votes_of(list(rng.random((4, 30, 30)) < rng.random((4, 1, 1))))
    exact = best_mask(votes).upper
    monkeypatch.setattr(module, "_MOST_WEIGHTS", 0)
    found = best_mask(votes)
    assert not found.is_exact
    assert found.lower <= exact <= found.upper
    assert "to" in str(found)


@given(masks=hnp.arrays(np.bool_, st.tuples(st.integers(1, 11), st.just(1), st.integers(1, 20))))
def test_votes_keep_every_area(masks: np.ndarray) -> None:
    """Kinds of pixels are counted once each, and none is forgotten."""
    votes = votes_of(list(masks))
    assert votes.areas.tolist() == masks.sum(axis=(1, 2)).tolist()
    assert int(votes.pixels.sum()) == masks[0].size
    assert len(np.unique(votes.holds, axis=0)) == len(votes.holds)


def test_wrong_arguments_are_refused() -> None:
    """One mask alone, an unknown score or two sizes are errors."""
    one = np.zeros((2, 2), np.uint8)
    with pytest.raises(ValueError, match="two masks or more"):
        reachable([one])
    with pytest.raises(ValueError, match="dice or iou"):
        reachable([one, one], "accuracy")
    with pytest.raises(SizeMismatchError, match="lay them on one grid"):
        reachable([one, np.zeros((2, 3), np.uint8)])


def test_the_mean_over_groups_and_images() -> None:
    """Groups count once each in one mean, and as often as they have images in the other."""
    pair, triple = Reachable(DICE, 0.5, 0.5, ""), Reachable(DICE, 0.8, 0.9, "")
    found = mean_reachable([(pair, 2), (triple, 3)])
    assert found is not None
    assert (found.groups, found.images) == (2, 5)
    assert found.by_group == pytest.approx((0.65, 0.7))
    assert found.by_image == pytest.approx((3.4 / 5, 3.7 / 5))
    assert mean_reachable([]) is None
