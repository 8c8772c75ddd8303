"""Several predictors of the same masks, each by its counts: Dice pooled and per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, LabelClass, Labels, Mask
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.pairing import paired_difference
from delineate.evaluation.settings import EvaluationSettings
from delineate.metrics.intervals import bootstrap_mean

Floats = NDArray[np.float64]

MEMBERS_RULE = (
    "Dice against the observer of reference, inside the region of interest where an image has "
    "one; per image: mean of the images, a class without true and predicted foreground counts 1, "
    "a failed image 0; of several classes the mean of the foreground classes"
)


@dataclass(frozen=True)
class ClassCounts:
    """Pixels of K foreground classes in n images, (n, K): the truth's, the prediction's, of both.

    A failed image, of (n,), has no prediction: its truth counts as missed, and its score is 0.
    """

    truth_px: NDArray[np.int64]
    predicted_px: NDArray[np.int64]
    hit_px: NDArray[np.int64]
    is_failed: NDArray[np.bool_]

    @property
    def dice_of_images(self) -> NDArray[np.float64]:
        """(n,) mean over the classes, 1 for one that is empty in truth and prediction."""
        both = self.truth_px + self.predicted_px
        ratio = np.divide(2.0 * self.hit_px, both, out=np.ones(both.shape), where=both > 0)
        return np.where(self.is_failed, 0.0, ratio.mean(axis=1))

    @property
    def pooled_dice(self) -> float | None:
        """The mean over the classes of the Dice of all images' pixels; None without foreground."""
        both = (self.truth_px + self.predicted_px).sum(axis=0)
        has_value = both > 0
        if not has_value.any():
            return None
        return float((2.0 * self.hit_px.sum(axis=0)[has_value] / both[has_value]).mean())


def counting_pixels(case: ScoredCase, observer: str) -> tuple[Labels, Mask] | None:
    """Truth of an observer and the pixels that count; None without truth or any such pixel.

    Those are the known ones, inside the region where the case has one.
    """
    truth = case.truths.get(observer)
    if truth is None:
        return None
    area = truth != IGNORE
    if case.region is not None:
        area &= case.region
    return (truth, area) if area.any() else None


def class_counts(
    truth: Labels,
    labels: Labels,
    area: Mask,
    classes: Sequence[LabelClass],
    *,
    is_overlapping: bool = False,
) -> NDArray[np.int64]:
    """(3, K) pixels of each foreground class in the area: the truth's, the prediction's, both's."""
    counted = np.zeros((3, len(classes) - 1), np.int64)
    for place, one in enumerate(classes[1:]):
        in_truth, in_labels = (
            is_class(each, one.index, is_overlapping=is_overlapping) & area
            for each in (truth, labels)
        )
        for row, mask in enumerate((in_truth, in_labels, in_truth & in_labels)):
            counted[row, place] = np.count_nonzero(mask)
    return counted


def foreground_counts(truth: Labels, labels: Labels, area: Mask) -> tuple[int, int, int]:
    """Pixels of any foreground class in the area: the truth's, the prediction's, and both's."""
    in_truth, in_labels = (truth != 0) & area, (labels != 0) & area
    both = np.count_nonzero(in_truth & in_labels)
    return int(np.count_nonzero(in_truth)), int(np.count_nonzero(in_labels)), int(both)


def members_document(
    rows: Sequence[Mapping[str, Any]],
    *,
    own: Sequence[ClassCounts],
    at_one_cut: Sequence[ClassCounts],
    mean: ClassCounts,
    groups: Sequence[str],
    settings: EvaluationSettings,
) -> dict[str, Any]:
    """Scores of each member and, last of all, of their mean, in plain JSON values.

    `rows` say of each what it is and costs. What members draw is counted at their `own`
    thresholds, and at that of the mean; `groups` say whose the n images are. Differences are those
    of each member less the mean; a gain is the mean less the members' average on the same image.
    """
    resampling = {"seed": settings.seed, "resamples": settings.resamples}
    reference = mean.dice_of_images

    def difference(one: Floats, other: Floats) -> dict[str, Any]:
        return paired_difference(one, other, groups, **resampling).to_document()

    def scores(counts: ClassCounts) -> dict[str, Any]:
        values = counts.dice_of_images
        interval = bootstrap_mean(values, groups, **resampling)
        per_image = {
            "value": float(values.mean()),
            "low": interval.low,
            "high": interval.high,
            "why_no_interval": interval.why_none,
            "interval_note": interval.note,
        }
        return {"dice_pooled": counts.pooled_dice, "dice_per_image": per_image}

    found = [
        {
            **row,
            **scores(counts),
            "difference": difference(counts.dice_of_images, reference),
            "dice_per_image_at_one_cut": float(same.dice_of_images.mean()),
            "difference_at_one_cut": difference(same.dice_of_images, reference),
        }
        for row, counts, same in zip(rows, own, at_one_cut, strict=False)
    ]
    nothing = {"difference": None, "difference_at_one_cut": None}
    whole = float(reference.mean())
    averages = [
        np.mean([each.dice_of_images for each in counts], axis=0) for counts in (own, at_one_cut)
    ]
    return {
        "cases": len(groups),
        "subjects": len(set(groups)),
        "rows": [
            *found,
            {**rows[-1], **scores(mean), "dice_per_image_at_one_cut": whole, **nothing},
        ],
        "average_dice_per_image": float(averages[0].mean()),
        "average_dice_per_image_at_one_cut": float(averages[1].mean()),
        "gain": difference(reference, averages[0]),
        "gain_at_one_cut": difference(reference, averages[1]),
    }
