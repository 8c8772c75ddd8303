"""The mean of the training masks, at any size, with its own threshold."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.core.types import IGNORE
from delineate.evaluation.baselines import mean_mask, mean_training_mask, resized
from delineate.metrics.thresholds import best_dice_threshold

LEFT = np.array([[1, 0], [1, 0]], np.uint8)
TOP = np.array([[1, 1], [0, 0]], np.uint8)


def test_shares_by_hand() -> None:
    """Each place holds the share of masks that are foreground there."""
    assert mean_mask([LEFT, TOP], (2, 2)).tolist() == [[[1.0, 0.5], [0.5, 0.0]]]


def test_ignored_pixels_do_not_count() -> None:
    """A place that one mask does not know is the mean of the others."""
    unknown = LEFT.copy()
    unknown[0, 0] = IGNORE
    assert mean_mask([unknown, LEFT], (2, 2))[0].tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_masks_of_different_sizes_are_brought_together() -> None:
    """A larger mask of the same picture has the same mean."""
    large = LEFT.repeat(8, axis=0).repeat(8, axis=1)
    assert mean_mask([large, LEFT], (2, 2)).tolist() == mean_mask([LEFT], (2, 2)).tolist()


def test_several_classes_sum_to_one_at_any_size() -> None:
    """Channels of background and two classes sum to 1 before and after stretching."""
    random = np.random.default_rng(0)
    masks = [random.integers(0, 3, (9, 7)).astype(np.uint8) for _ in range(5)]
    mean = mean_mask(masks, (4, 5), class_count=3)
    assert mean.shape == (3, 4, 5)
    assert mean.sum(axis=0) == pytest.approx(1.0, abs=1e-5)
    assert resized(mean, (11, 6)).sum(axis=0) == pytest.approx(1.0, abs=1e-5)


def test_the_threshold_is_the_best_on_the_training_masks() -> None:
    """The Dice that the threshold reaches is that of an exhaustive choice on the masks."""
    random = np.random.default_rng(1)
    place = np.linspace(1, 0, 64).reshape(8, 8)
    masks = [(random.random((8, 8)) < place).astype(np.uint8) for _ in range(12)]
    baseline = mean_training_mask(masks, grid_px=(8, 8))
    probability = [baseline((8, 8))] * 12
    best = best_dice_threshold(probability, masks, pooled=True)
    predicted = baseline.probability[0] >= baseline.threshold
    hits = sum((predicted & (mask == 1)).sum() for mask in masks)
    areas = 12 * predicted.sum() + sum(mask.sum() for mask in masks)
    assert 2 * hits / areas == pytest.approx(best.score)
    assert "training pixels" in baseline.rule


def test_empty_training_masks_predict_nothing() -> None:
    """Without any foreground in training the baseline stays empty."""
    baseline = mean_training_mask([np.zeros((5, 5), np.uint8)])
    assert not (baseline((3, 4)) >= baseline.threshold).any()


def test_several_classes_need_no_threshold() -> None:
    """With several classes the most frequent one is taken."""
    baseline = mean_training_mask([TOP * 2], class_count=3, grid_px=(2, 2))
    assert baseline.threshold is None
    assert baseline((2, 2)).argmax(axis=0).tolist() == (TOP * 2).tolist()


def test_no_mask_is_an_error() -> None:
    """A mean of nothing is refused."""
    with pytest.raises(ValueError, match="at least one training mask"):
        mean_mask([], (4, 4))
