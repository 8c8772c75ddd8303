"""One set of predictions under every convention of the field for empty masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from delineate.core.types import LabelClass
from delineate.evaluation.cases import CaseFigures
from delineate.evaluation.records import MODEL, EmptyRuleRow
from delineate.evaluation.tally import Comparison
from delineate.metrics.counts import Counts
from delineate.metrics.overlap import dice


@dataclass(frozen=True)
class EmptyRule:
    """A convention: what an image counts, given its Dice where that is defined; None skips it."""

    name: str
    source: str
    value: Callable[[CaseFigures, float | None], float | None]


EMPTY_RULES = (
    EmptyRule(
        "mean per image, both empty counts 1",
        "Kaggle (ultrasound nerve 2016, SIIM pneumothorax 2019); segmentation_models.pytorch "
        "0.6.0 micro-imagewise with its default zero_division=1",
        lambda one, value: 1.0 if value is None else value,
    ),
    EmptyRule(
        "mean per image, empty truths left out",
        "MONAI DiceMetric by default (ignore_empty=True)",
        lambda one, value: value if one.counts.truth_px else None,
    ),
    EmptyRule(
        "mean per image, both empty left out",
        "nnU-Net v2 evaluate_predictions (mean without NaN)",
        lambda one, value: value,
    ),
    EmptyRule(
        "mean per image, both empty counts 0",
        'segmentation_models.pytorch micro-imagewise with zero_division="warn"; scikit-learn '
        "f1_score by default, image by image",
        lambda one, value: 0.0 if value is None else value,
    ),
)
POOLED_SOURCE = (
    "counts of all images summed first: micro averages, nnU-Net's pseudo Dice in training"
)


def empty_rule_rows(
    comparison: Comparison,
    by_class: dict[int, list[CaseFigures]],
    classes: Sequence[LabelClass],
) -> Iterator[EmptyRuleRow]:
    """The model's Dice of each class under each convention; nothing for other predictors.

    A failed case counts 0, unless the convention leaves its empty truth out.
    """
    if comparison.predictor != MODEL:
        return
    where = (comparison.observer, comparison.region)
    for label_class in classes[1:]:
        figures = by_class[label_class.index]
        own = [
            0.0 if one.is_failed else dice(one.counts, when_both_empty=None).value
            for one in figures
        ]
        for rule in EMPTY_RULES:
            values = [rule.value(one, value) for one, value in zip(figures, own, strict=True)]
            kept = [value for value in values if value is not None]
            yield EmptyRuleRow(
                rule.name,
                rule.source,
                label_class.name,
                *where,
                value=float(np.mean(kept)) if kept else None,
                why_undefined=None if kept else "dice: every image is left out",
                cases=len(kept),
                left_out=len(values) - len(kept),
            )
        pooled = dice(sum((one.counts for one in figures), Counts()), when_both_empty=None)
        yield EmptyRuleRow(
            "pooled over all pixels",
            POOLED_SOURCE,
            label_class.name,
            *where,
            value=pooled.value,
            why_undefined=pooled.why_undefined,
            cases=len(figures),
            left_out=0,
        )
