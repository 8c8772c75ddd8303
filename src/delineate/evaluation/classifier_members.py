"""Classifiers whose mean probability counts, each alone beside the mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.evaluation.pairing import paired_difference
from delineate.evaluation.settings import EvaluationSettings
from delineate.metrics.intervals import Interval, binned_auc, bootstrap_levels, bootstrap_mean
from delineate.metrics.ranking import roc_auc

MEMBERS_RULE = (
    "ROC AUC and Brier score (mean squared distance of the probability from 0 or 1, lower is "
    "better) of the images that have a truth and could be read"
)


def classifier_members_document(
    rows: Sequence[Mapping[str, Any]],
    probabilities: NDArray[np.float64],
    is_present: NDArray[np.bool_],
    groups: Sequence[str],
    *,
    settings: EvaluationSettings,
) -> dict[str, Any]:
    """Scores of each member and, last of all, of their mean, in plain JSON values.

    `probabilities` is (n, members and mean); `groups` say whose the n images are. Differences are
    those of each member's Brier score less the mean's; the gain is the mean's less the average of
    its members' on the same image, below 0 where averaging helps.
    """
    resampling = {"seed": settings.seed, "resamples": settings.resamples}
    squares = (probabilities - is_present[:, None]) ** 2
    found = []
    for place, row in enumerate(rows):
        scores, errors = probabilities[:, place], squares[:, place]
        area = roc_auc(np.sort(scores[is_present]), np.sort(scores[~is_present]))
        intervals = bootstrap_levels(
            scores, is_present, groups, {"roc_auc": binned_auc}, **resampling
        )
        difference = paired_difference(errors, squares[:, -1], groups, **resampling)
        brier = bootstrap_mean(errors, groups, **resampling)
        found.append(
            {
                **row,
                "roc_auc": _figure(area.value, intervals["roc_auc"]),
                "brier_score": _figure(float(errors.mean()), brier),
                "difference": difference.to_document(),
            }
        )
    found[-1]["difference"] = None
    average = squares[:, :-1].mean(axis=1)
    gain = paired_difference(squares[:, -1], average, groups, **resampling)
    return {
        "cases": len(groups),
        "subjects": len(set(groups)),
        "rows": found,
        "average_brier_score": float(average.mean()),
        "gain": gain.to_document(),
        "rules": [MEMBERS_RULE],
    }


def _figure(value: float | None, interval: Interval) -> dict[str, Any]:
    return {
        "value": value,
        "low": None if value is None else interval.low,
        "high": None if value is None else interval.high,
        "why_no_interval": interval.why_none,
        "interval_note": interval.note,
    }
