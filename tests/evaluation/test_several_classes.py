"""Scores of several classes are scikit-learn's; classes that overlap are counted each alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as oracle

from delineate.core.errors import SettingsError
from delineate.core.overlapping import code
from delineate.core.types import IGNORE, default_classes
from delineate.evaluation.baselines import mean_training_mask
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.records import (
    ALL_CLASSES,
    CLASS_MEAN,
    INSIDE,
    PER_IMAGE,
    POOLED,
    WHOLE,
    Evaluation,
)
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings

FIVE, FOUR = default_classes(5), default_classes(4)
QUICK = EvaluationSettings(resamples=100)
SIZE = (12, 16)


def random_cases(count: int, classes: int = 5) -> list[ScoredCase]:
    """Label maps with unknown pixels and a region, and predictions that share most of them."""
    random = np.random.default_rng(3)
    cases = []
    for number in range(count):
        truth = random.integers(0, classes, SIZE).astype(np.uint8)
        other = random.integers(0, classes, SIZE).astype(np.uint8)
        labels = np.where(random.random(SIZE) < 0.6, truth, other).astype(np.uint8)
        truth[:2] = IGNORE
        region = np.ones(SIZE, bool)
        region[:, :3] = False
        cases.append(ScoredCase(f"{number}", None, {"1": truth}, region=region, labels=labels))
    return cases


def pooled(cases: list[ScoredCase], region: str) -> tuple[np.ndarray, np.ndarray]:
    """All pixels that count, truth and prediction."""
    kept = [(case.truths["1"] != IGNORE) & (case.region | (region == WHOLE)) for case in cases]
    truth = np.concatenate([c.truths["1"][k] for c, k in zip(cases, kept, strict=True)])
    return truth, np.concatenate([c.labels[k] for c, k in zip(cases, kept, strict=True)])


def value(found: Evaluation, score: str, name: str, **fields: str) -> float | None:
    """The model's one figure, pooled inside the region unless said."""
    chosen = {"region": INSIDE, "pooling": POOLED, "predictor": "model"} | fields
    (record,) = found.find(score=score, label_class=name, **chosen)
    return record.value


@pytest.mark.parametrize("region", [INSIDE, WHOLE])
def test_every_class_has_the_scores_of_scikit_learn(region: str) -> None:
    """Precision, recall, F1 and Jaccard of each class and their means, on the pixels that count."""
    cases = random_cases(4)
    found = score_cases(cases, FIVE, None, settings=QUICK)
    truth, labels = pooled(cases, region)
    indices = [1, 2, 3, 4]
    precision, recall, f1, _ = oracle.precision_recall_fscore_support(truth, labels, labels=indices)
    jaccard = oracle.jaccard_score(truth, labels, labels=indices, average=None)
    expected = {"precision": precision, "sensitivity": recall, "dice": f1, "iou": jaccard}
    for score, theirs in expected.items():
        for index in indices:
            ours = value(found, score, FIVE[index].name, region=region)
            assert ours == pytest.approx(theirs[index - 1], abs=1e-12)
        mean = value(found, score, CLASS_MEAN, region=region)
        assert mean == pytest.approx(theirs.mean(), abs=1e-12)


@pytest.mark.parametrize("region", [INSIDE, WHOLE])
def test_the_confusion_matrix_is_that_of_scikit_learn(region: str) -> None:
    """Rows are true classes and columns predicted ones, in pixels and in shares of the row."""
    cases = random_cases(3)
    found = score_cases(cases, FIVE, None, settings=QUICK)
    [matrix] = [one for one in found.confusions if one.region == region]
    theirs = oracle.confusion_matrix(*pooled(cases, region), labels=range(5))
    assert np.array_equal(matrix.pixels, theirs)
    shares = matrix.to_document()["row_shares"]
    assert np.array(shares) == pytest.approx(theirs / theirs.sum(axis=1, keepdims=True), abs=1e-6)
    assert matrix.unanswered_px == (0,) * 5


def test_accuracy_of_all_classes_is_the_share_of_right_pixels() -> None:
    """It stands in the headline, pooled, and in the mean per image by itself."""
    cases = random_cases(3)
    found = score_cases(cases, FIVE, None, settings=QUICK)
    theirs = oracle.accuracy_score(*pooled(cases, INSIDE))
    [record] = [
        one
        for one in found.headline()
        if one.score == "pixel_accuracy" and one.predictor == "model"
    ]
    assert record.label_class == ALL_CLASSES
    assert record.value == pytest.approx(theirs, abs=1e-12)
    each = [oracle.accuracy_score(*pooled([case], INSIDE)) for case in cases]
    ours = value(found, "pixel_accuracy", ALL_CLASSES, pooling=PER_IMAGE)
    assert ours == pytest.approx(np.mean(each), abs=1e-12)


def test_the_headline_of_several_classes_has_mean_iou_and_precision() -> None:
    """One class keeps its own headline, without them."""
    several = score_cases(random_cases(2), FIVE, None, settings=QUICK).headline()
    one = score_cases(random_cases(2, 2), default_classes(2), None, settings=QUICK).headline()
    extra = {"iou", "precision", "pixel_accuracy"}
    assert extra <= {record.score for record in several}
    assert not extra & {record.score for record in one}


def test_a_failed_case_is_in_the_matrix_and_in_the_accuracy() -> None:
    """Its true classes stand as unanswered; its foreground counts as wrong, its background not."""
    truth = np.array([[0, 0, 1, 2]], np.uint8)
    good = ScoredCase("a", None, {"1": truth}, labels=truth)
    bad = ScoredCase("b", None, {"1": truth}, failure="gone")
    found = score_cases([good, bad], default_classes(3), None, settings=QUICK)
    [matrix] = found.confusions
    assert matrix.unanswered_px == (2, 1, 1)
    assert matrix.to_document()["row_shares"][1] == [0.0, 0.5, 0.0]
    where = {"region": WHOLE}
    assert value(found, "pixel_accuracy", ALL_CLASSES, **where) == pytest.approx(4 / 6)
    per_image = value(found, "pixel_accuracy", ALL_CLASSES, pooling=PER_IMAGE, **where)
    assert per_image == pytest.approx(0.5)


def test_the_rows_of_cases_hold_the_accuracy_of_all_classes() -> None:
    """The mean of its column is the figure mean per image."""
    found = score_cases(random_cases(3), FIVE, None, settings=QUICK)
    header, rows = found.case_rows()
    at, region = header.index(f"{ALL_CLASSES}: pixel_accuracy"), header.index("region")
    cells = [row[at] for row in rows if row[region] == INSIDE]
    expected = value(found, "pixel_accuracy", ALL_CLASSES, pooling=PER_IMAGE)
    assert np.mean(cells) == pytest.approx(expected)
    assert {len(row) for row in rows} == {len(header)}


def test_row_shares_of_a_class_without_pixels_are_none() -> None:
    """A class that the truth lacks has no shares, and JSON takes the document."""
    truth = np.array([[0, 1]], np.uint8)
    found = score_cases([ScoredCase("a", None, {"1": truth}, labels=truth)], FOUR, None)
    [matrix] = json.loads(json.dumps(found.to_document()))["confusion_matrices"]
    assert matrix["row_shares"][2] == [None] * 4


def overlapping_cases(count: int) -> list[ScoredCase]:
    """Codes of three classes with unknown pixels, and a probability of each class."""
    random = np.random.default_rng(8)
    cases = []
    for number in range(count):
        truth = random.integers(0, 8, SIZE).astype(np.uint8)
        bits = np.stack([(truth & code(k)) > 0 for k in (1, 2, 3)])
        probability = np.clip(0.4 * bits + 0.7 * random.random((3, *SIZE)), 0, 1)
        truth[0] = IGNORE
        cases.append(
            ScoredCase(f"{number}", None, {"1": truth}, probability=probability.astype(np.float32))
        )
    return cases


def test_classes_that_overlap_are_each_against_their_rest() -> None:
    """Every class has scikit-learn's scores of its own bit, at its own threshold."""
    cases, cuts = overlapping_cases(3), (0.3, 0.5, 0.7)
    found = score_cases(cases, FOUR, cuts, is_overlapping=True, settings=QUICK)
    known = np.concatenate([(c.truths["1"] != IGNORE).ravel() for c in cases])
    codes = np.concatenate([c.truths["1"].ravel() for c in cases])[known]
    for index, cut in enumerate(cuts, start=1):
        truth = (codes & code(index)) > 0
        score = np.concatenate([c.probability[index - 1].ravel() for c in cases])[known]
        name, where = FOUR[index].name, {"region": WHOLE}
        dice = value(found, "dice", name, **where)
        assert dice == pytest.approx(oracle.f1_score(truth, score >= np.float32(cut)))
        auc = value(found, "roc_auc", name, **where)
        assert auc == pytest.approx(oracle.roc_auc_score(truth, score))
    assert found.confusions == ()
    assert not found.find(score="pixel_accuracy")
    assert (found.threshold, found.thresholds) == (None, cuts)
    document = json.loads(json.dumps(found.to_document()))
    assert document["is_overlapping"] is True
    assert document["thresholds"] == list(cuts)


def test_the_mean_mask_of_overlapping_classes_has_a_threshold_for_each() -> None:
    """It is scored as a baseline, one channel a class."""
    cases = overlapping_cases(2)
    masks = [case.truths["1"] for case in cases]
    baseline = mean_training_mask(masks, class_count=4, is_overlapping=True, grid_px=SIZE)
    assert baseline.probability.shape == (3, *SIZE)
    share = np.mean([(mask[5, 5] & code(2)) > 0 for mask in masks])
    assert baseline.probability[1, 5, 5] == pytest.approx(share)
    found = score_cases(
        cases, FOUR, (0.5,) * 3, mean_training_mask=baseline, is_overlapping=True, settings=QUICK
    )
    who = {"predictor": "mean training mask", "region": WHOLE}
    auc = value(found, "roc_auc", "class 2", **who)
    assert auc is not None
    assert auc > 0.6


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"probability": np.zeros((4, *SIZE), np.float32)}, "3 channels"),
        ({"probability": None, "labels": np.full(SIZE, 9, np.uint8)}, "classes below 8, found 9"),
    ],
)
def test_wrong_answers_for_overlapping_classes_fail(changes: dict, expected: str) -> None:
    """Channels of a background, or codes of classes that there are not, are no answer."""
    [case] = overlapping_cases(1)
    fields = {"probability": case.probability} | changes
    wrong = ScoredCase("0", None, case.truths, **fields)
    found = score_cases([wrong], FOUR, (0.5,) * 3, is_overlapping=True, settings=QUICK)
    assert expected in found.failures[0][1]


def test_probabilities_of_overlapping_classes_need_thresholds() -> None:
    """Without them nothing could be decided."""
    with pytest.raises(SettingsError, match="one a class where they overlap"):
        score_cases(overlapping_cases(1), FOUR, None, is_overlapping=True)


def test_an_unknown_code_in_the_truth_is_an_error() -> None:
    """Three classes have codes below 8."""
    case = ScoredCase("a", None, {"1": np.full(SIZE, 8, np.uint8)}, labels=np.zeros(SIZE, np.uint8))
    with pytest.raises(SettingsError, match="expected classes below 8 from 1, found 8"):
        score_cases([case], FOUR, None, is_overlapping=True)
