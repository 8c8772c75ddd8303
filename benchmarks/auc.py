"""Exact ROC AUC and average precision of 6.6 million pixels, beside scikit-learn.

As many pixels as the 20 test images of DRIVE have, 12 % of them foreground.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.timing import Row, interleaved
from delineate.metrics.ranking import average_precision, roc_auc

PIXELS, SHARE = 6_600_000, 0.12


def run() -> list[Row]:
    """Both scores, ours from the two classes apart and theirs from labels and scores."""
    random = np.random.default_rng(0)
    labels = random.random(PIXELS) < SHARE
    scores = np.where(labels, random.beta(4, 1.2, PIXELS), random.beta(0.6, 8, PIXELS))
    scores = scores.astype(np.float32)

    def apart() -> tuple[np.ndarray, np.ndarray]:
        return scores[labels], scores[~labels]  # part of the work that is timed

    rows = []
    for name, ours, theirs in (
        ("exact ROC AUC", roc_auc, roc_auc_score),
        ("average precision", average_precision, average_precision_score),
    ):
        difference = abs((ours(*apart()).value or 0.0) - theirs(labels, scores))
        seconds = interleaved(
            {
                "ours": lambda ours=ours: ours(*apart()),
                "scikit-learn": lambda theirs=theirs: theirs(labels, scores),
            },
            rounds=3,
            warm_up=0,
        )
        note = f"difference {difference:.1e}"
        rows.append(
            Row(
                f"{name}, {PIXELS / 1e6:g} million pixels",
                seconds["ours"],
                "scikit-learn",
                seconds["scikit-learn"],
                note,
            )
        )
    return rows
