"""A gate before a segmenter: whose losses are whose, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from delineate.core.types import LabelClass
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.two_stage import (
    GateEffect,
    ImageCounts,
    Part,
    gate_curve,
    gate_effect,
    image_verdicts,
    losses_of,
    outcomes_of,
)

# Truth, drawn without a gate, of both, failed, and whether the gate is open:
#   0 found, Dice 2*4/(8+8) = 0.5    1 the gate misses it, would have been 2*3/(6+4) = 0.6
#   2 the segmenter misses it        3 drawn beside, Dice 0
#   4 a false alarm                  5 an alarm that the gate spares
#   6 open, nothing drawn            7 closed, nothing drawn
#   8 failed, present                9 failed, absent
TRUTH = np.array([8, 6, 5, 7, 0, 0, 0, 0, 9, 0])
DRAWN = np.array([8, 4, 0, 3, 2, 9, 0, 0, 0, 0])
BOTH = np.array([4, 3, 0, 0, 0, 0, 0, 0, 0, 0])
FAILED = np.array([False] * 8 + [True] * 2)
OPEN = np.array([True, False, True, True, True, False, True, False, False, False])
UNGATED = ImageCounts(TRUTH, DRAWN, BOTH, FAILED)


def test_every_image_stands_in_one_part_and_parts_add_up() -> None:
    """Each kind of loss holds its images, with their share of what lacks to a perfect mean."""
    gated = UNGATED.behind(OPEN)
    found = losses_of(gated, OPEN)
    assert (found.present, found.absent) == (5, 5)
    assert found.missed_by_gate == Part(1, 0.1)
    assert found.missed_by_segmenter == Part(1, 0.1)
    assert found.outlined == Part(2, pytest.approx(0.15))
    assert found.false_alarms == Part(1, 0.1)
    assert found.failed == Part(2, 0.2)
    assert (found.beside, found.dice_of_outlined) == (1, 0.25)
    assert (found.closed_rightly, found.nothing_drawn) == (2, 1)
    assert gated.kaggle_dice.mean() == pytest.approx(0.35)


def test_every_image_has_one_outcome() -> None:
    """What became of each image, in the order of the images."""
    assert outcomes_of(UNGATED.behind(OPEN), OPEN) == [
        "outlined",
        "missed by the gate",
        "missed by the segmenter",
        "outlined",
        "false alarm",
        "rightly kept back",
        "let through, nothing drawn",
        "rightly kept back",
        "failed",
        "failed",
    ]


def test_what_the_gate_gained_and_cost() -> None:
    """A spared false alarm gains a whole image; a find that was shut out costs its Dice."""
    assert gate_effect(UNGATED, OPEN) == GateEffect(1, 0.1, 1, pytest.approx(0.06))
    assert gate_effect(UNGATED, OPEN).net == pytest.approx(0.04)


def test_images_are_told_apart_by_what_is_drawn() -> None:
    """A failed image is neither found nor rightly left alone."""
    found = image_verdicts(UNGATED.behind(OPEN))
    assert found.sensitivity == pytest.approx(2 / 5)
    assert found.touched == pytest.approx(1 / 5)
    assert found.specificity == pytest.approx(3 / 5)
    assert found.dice_of_present == pytest.approx(0.1)


def test_figures_without_images_are_none() -> None:
    """Shares of present images have no value where every image is absent."""
    nothing = np.zeros(3, int)
    counts = ImageCounts(nothing, nothing, nothing, np.zeros(3, bool))
    found = image_verdicts(counts)
    assert (found.sensitivity, found.touched, found.dice_of_present) == (None, None, None)
    assert found.specificity == 1.0
    assert losses_of(counts, np.ones(3, bool)).dice_of_outlined is None


def test_the_curve_opens_the_gate_image_by_image() -> None:
    """Images of one probability open together; the first point has the gate shut to all."""
    truth, drawn, both = np.array([4, 0, 4, 0]), np.array([4, 2, 4, 0]), np.array([4, 0, 2, 0])
    counts = ImageCounts(truth, drawn, both, np.zeros(4, bool))
    curve = gate_curve(np.array([0.9, 0.6, 0.6, 0.1]), counts)
    assert curve.threshold == (None, 0.9, 0.6, 0.1)
    assert curve.share_segmented == (0.0, 0.25, 0.75, 1.0)
    assert curve.kaggle_dice == pytest.approx((0.5, 0.75, 0.625, 0.625))


def test_a_long_curve_is_thinned_to_its_ends() -> None:
    """Of many distinct probabilities as many points are kept as are asked for."""
    probability = np.linspace(0, 1, 500)
    nothing = np.zeros(500, int)
    counts = ImageCounts(nothing, nothing, nothing, np.zeros(500, bool))
    curve = gate_curve(probability, counts, points=20)
    assert len(curve.threshold) == 20
    assert curve.threshold[1] == 1.0
    assert (curve.threshold[-1], curve.share_segmented[-1]) == (0.0, 1.0)


def test_counts_of_other_images_are_refused() -> None:
    """Arrays of different lengths, and more hits than pixels, are a mistake of the caller."""
    with pytest.raises(ValueError, match="one figure an image"):
        ImageCounts(TRUTH, DRAWN, BOTH, FAILED[:-1])
    with pytest.raises(ValueError, match="no more than truth and prediction"):
        ImageCounts(TRUTH, DRAWN, BOTH + 9, FAILED)


MASKS = npst.arrays(np.bool_, st.tuples(st.integers(1, 8), st.just(2), st.just(2)))


@settings(max_examples=40)
@given(data=st.data(), truths=MASKS)
def test_parts_add_up_and_agree_with_the_evaluation(
    data: st.DataObject, truths: np.ndarray
) -> None:
    """Losses sum to 1 less the mean Dice per image that an evaluation gives the same masks."""
    images = len(truths)
    same = st.just(truths.shape)
    drawn = data.draw(npst.arrays(np.bool_, same))
    is_open = data.draw(npst.arrays(np.bool_, images))
    failed = data.draw(npst.arrays(np.bool_, images))
    ungated = ImageCounts(
        truths.sum((1, 2)), drawn.sum((1, 2)), (truths & drawn).sum((1, 2)), failed
    )
    gated = ungated.behind(is_open)
    cases = (
        ScoredCase(
            f"{place}",
            None,
            {"1": truths[place].astype(np.uint8)},
            labels=(drawn[place] & is_open[place]).astype(np.uint8),
            failure="not read" if failed[place] else None,
        )
        for place in range(images)
    )
    classes = (LabelClass(0, "background", (0, 0, 0)), LabelClass(1, "gas", (255, 0, 0)))
    (record,) = score_cases(cases, classes, 0.5).find(
        predictor="model", score="dice", pooling="mean per image"
    )
    found = losses_of(gated, is_open)
    parts = (
        found.missed_by_gate,
        found.missed_by_segmenter,
        found.outlined,
        found.false_alarms,
        found.failed,
    )
    mean = gated.kaggle_dice.mean()
    assert record.value == pytest.approx(mean)
    assert sum(part.loss for part in parts) == pytest.approx(1 - mean)
    fine = found.closed_rightly + found.nothing_drawn
    assert sum(part.images for part in parts) + fine == images
    assert gate_effect(ungated, is_open).net == pytest.approx(mean - ungated.kaggle_dice.mean())


@given(data=st.data(), images=st.integers(1, 12))
def test_the_curve_holds_the_mean_behind_each_threshold(data: st.DataObject, images: int) -> None:
    """Every point is what the images score when those at or above its threshold are opened."""
    pixels = npst.arrays(np.int64, images, elements=st.integers(0, 3))
    truth, drawn = data.draw(pixels), data.draw(pixels)
    failed = data.draw(npst.arrays(np.bool_, images))
    counts = ImageCounts(truth, drawn, np.minimum(truth, drawn), failed)
    tenths = npst.arrays(np.int64, images, elements=st.integers(0, 4))
    probability = data.draw(tenths) / 10
    curve = gate_curve(probability, counts)
    for threshold, share, mean in zip(
        curve.threshold, curve.share_segmented, curve.kaggle_dice, strict=True
    ):
        is_open = (probability >= (2.0 if threshold is None else threshold)) & ~failed
        assert share == pytest.approx(is_open.mean())
        assert mean == pytest.approx(counts.behind(is_open).kaggle_dice.mean())
