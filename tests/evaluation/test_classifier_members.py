"""Classifiers beside their mean."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from delineate.evaluation.classifier_members import classifier_members_document
from delineate.evaluation.settings import EvaluationSettings
from delineate.report.members_section import classifier_members_section

SETTINGS = EvaluationSettings(resamples=100)
ROWS = [
    {"name": name, "parameters": count, "milliseconds_an_image": ms, "threshold": 0.5}
    for name, count, ms in (("members/1", 5, 2.0), ("members/2", 5, 2.0), ("mean", 10, 4.0))
]
TRUTH = np.arange(24) % 3 == 0


@pytest.fixture
def said() -> np.ndarray:
    """Two noisy members and their mean."""
    members = np.clip(0.3 + 0.3 * TRUTH[:, None] + np.random.default_rng(2).normal(
        0, 0.2, (24, 2)), 0, 1)  # fmt: skip
    return np.c_[members, members.mean(axis=1)]


def document_of(said, groups=None):
    """The document of these answers, of a subject each unless groups are given."""
    return classifier_members_document(
        ROWS, said, TRUTH, groups or [f"{n}" for n in range(24)], settings=SETTINGS
    )


def test_scores_are_those_of_others(said):
    """ROC AUC and Brier score agree with scikit-learn for each member and the mean."""
    document = document_of(said)
    for place, row in enumerate(document["rows"]):
        assert row["roc_auc"]["value"] == pytest.approx(roc_auc_score(TRUTH, said[:, place]))
        brier = brier_score_loss(TRUTH, said[:, place])
        assert row["brier_score"]["value"] == pytest.approx(brier)


def test_averaging_gains_what_members_differ_by(said):
    """The mean's squared error is less than the average of its members' by their spread."""
    gain = document_of(said)["gain"]
    spread = said[:, :2].var(axis=1).mean()
    assert gain["value"] == pytest.approx(-spread)
    assert gain["is_distinguishable"] is True
    assert gain["high"] < 0
    few = document_of(said, ["a", "b", "c"] * 8)["gain"]
    assert few["is_distinguishable"] is None


def test_one_kind_alone_has_no_ranking(said):
    """Without images of both kinds ROC AUC is undefined, and the Brier score stands."""
    document = classifier_members_document(
        ROWS, said, np.zeros(24, bool), [f"{n}" for n in range(24)], settings=SETTINGS
    )
    assert document["rows"][0]["roc_auc"]["value"] is None
    assert document["rows"][0]["brier_score"]["value"] > 0
    times = {"rule": "timed", "processor": "one", "threads": None, "images": 3}
    section = classifier_members_section({"members": document | {"times": times}})
    assert section is not None
    (group,) = section.table.groups
    assert group.rows[0].cells[3].value == "undefined"
    assert section.summary.endswith(
        "2.0 times the time and 2.0 times the parameters of one member."
    )
