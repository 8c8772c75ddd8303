"""The headline of a classifier as a table."""

from __future__ import annotations

import numpy as np

from delineate.cli.scores import classification_table
from delineate.evaluation.classification import ClassifiedCase, score_classification
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.views import View

QUICK = EvaluationSettings(resamples=100)


def table(truths, shares, **changes) -> list[str]:
    """The lines for cases with these truths and probabilities."""
    cases = [
        ClassifiedCase(f"case {at}", None, truth, share)
        for at, (truth, share) in enumerate(zip(truths, shares, strict=True))
    ]
    found = score_classification(
        cases, 0.5, threshold_origin="validation split", settings=QUICK, **changes
    )
    return list(classification_table(found.to_document() | {"split": "test"}))


def test_model_and_baselines_stand_side_by_side() -> None:
    """Each score is a row, each predictor a column; no line is wider than a terminal of 100."""
    shares = np.linspace(0, 1, 20)
    lines = table(shares > 0.3, shares.tolist(), prevalence_in_training=0.6)
    head = lines[0].split("  ")
    assert [one.strip() for one in head if one.strip()] == [
        "model", "always absent", "always present", "training prevalence",
    ]  # fmt: skip
    (auc,) = [line for line in lines if line.startswith("ROC AUC")]
    assert auc.split() == ["ROC", "AUC", "1.0000", "(1.0000", "to", "1.0000)", *["0.5000"] * 3]
    assert max(map(len, lines[: lines.index("")])) <= 100
    for start in ("sens. at spec. 0.90", "accuracy", "Brier score", "calibration error"):
        assert any(line.startswith(start) for line in lines)


def test_counts_and_rules_stand_below() -> None:
    """Right and wrong answers, split, threshold, intervals and notes are all said."""
    lines = table([True, True, False, False], [0.9, 0.2, 0.6, 0.1])
    at = lines.index("truth    called present  called absent")
    assert lines[at + 1 : at + 3] == [
        "present  1               1",
        "absent   1               1",
    ]
    assert "split test: 4 cases of 4 subjects, 2 present and 2 absent" in lines
    assert "threshold 0.5: validation split" in lines
    assert "no interval from 4 subjects; at least 10 are needed" in lines
    assert any(line.startswith("note: 2 of 4 cases are present") for line in lines)


def test_undefined_is_said_with_its_reason() -> None:
    """Without absent cases, once a predictor and reason, with all the scores that it leaves."""
    lines = table([True, True], [0.9, 0.2])
    assert (
        "undefined for model: ROC AUC; average precision; sens. at spec. 0.90; "
        "sens. at spec. 0.95; balanced accuracy; specificity: the truth holds no absent case"
    ) in lines


def test_views_have_a_table_of_their_own() -> None:
    """The model's scores stand once for each set of cases."""
    lines = table(
        [True, False] * 6,
        [0.9, 0.1] * 6,
        views=[View("without the leaked cases", frozenset({"case 0"}))],
    )
    assert any(line.startswith("model") and "every case (12)" in line for line in lines)
