"""A classifier is scored beside what costs nothing, and no failed case ever helps it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as oracle

from delineate.core.errors import SettingsError
from delineate.evaluation.classification import ClassifiedCase, score_classification
from delineate.evaluation.classification_records import (
    ALWAYS_ABSENT,
    ALWAYS_PRESENT,
    HEADLINE,
    PREVALENCE,
    ClassificationEvaluation,
)
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.views import View
from delineate.metrics.intervals import bootstrap_pooled, bootstrap_sums

QUICK = EvaluationSettings(resamples=200)
SEVEN_OF_TEN = (
    # truth, probability: two found, one missed, one false alarm, three rightly absent, one at
    # the threshold, and the two last on a tie.
    (True, 0.9), (True, 0.8), (True, 0.1), (False, 0.7), (False, 0.2), (False, 0.15),
    (False, 0.05), (True, 0.5), (True, 0.3), (False, 0.3),
)  # fmt: skip


def cases_of(pairs, *, per_subject: int = 1) -> list[ClassifiedCase]:
    """Cases with these truths and probabilities, so many to a subject."""
    return [
        ClassifiedCase(f"case {at:03d}", f"subject {at // per_subject}", truth, probability)
        for at, (truth, probability) in enumerate(pairs)
    ]


def random_cases(count: int, *, per_subject: int = 1, seed: int = 0) -> list[ClassifiedCase]:
    """Cases whose probabilities say something of their truths, with ties."""
    draws = np.random.default_rng(seed)
    truth = draws.random(count) < 0.4
    shares = np.clip(draws.normal(0.35 + 0.3 * truth, 0.2), 0, 1).round(2)
    return cases_of(zip(truth.tolist(), shares.tolist(), strict=True), per_subject=per_subject)


def score(cases: list[ClassifiedCase], threshold: float = 0.5, **changes):
    """The evaluation with few resamples."""
    return score_classification(cases, threshold, **({"settings": QUICK} | changes))


def value(evaluation: ClassificationEvaluation, name: str, predictor: str = "model"):
    """The one record's value."""
    (record,) = evaluation.find(score=name, predictor=predictor)
    return record.value


def test_hand_counted() -> None:
    """Ten cases: three found, two missed, one false alarm, four rightly absent."""
    found = score(cases_of(SEVEN_OF_TEN))
    assert vars(found.confusion) == {
        "found": 3, "missed": 2, "false_alarms": 1, "rightly_absent": 4,
        "failed_present": 0, "failed_absent": 0,
    }  # fmt: skip
    assert value(found, "sensitivity") == 3 / 5
    assert value(found, "specificity") == 4 / 5
    assert value(found, "accuracy") == 7 / 10
    assert value(found, "balanced_accuracy") == pytest.approx(0.7)
    assert value(found, "positive_predictive_value") == 3 / 4
    assert value(found, "negative_predictive_value") == 4 / 6
    # Pairs: 0.9 and 0.8 win all 5, 0.5 wins 4, 0.3 wins 3 and ties one, 0.1 wins 1.
    assert value(found, "roc_auc") == (5 + 5 + 4 + 3.5 + 1) / 25
    assert value(found, "sensitivity_at_specificity_0.90") == 2 / 5


@pytest.mark.parametrize("seed", range(4))
def test_every_score_equals_scikit_learn(seed: int) -> None:
    """On random cases with ties, at a threshold that some of them meet."""
    cases = random_cases(70, seed=seed)
    truth = np.array([case.truth for case in cases])
    shares = np.array([case.probability for case in cases])
    called = shares >= 0.5
    found = score(cases)
    expected = {
        "roc_auc": oracle.roc_auc_score(truth, shares),
        "average_precision": oracle.average_precision_score(truth, shares),
        "accuracy": oracle.accuracy_score(truth, called),
        "balanced_accuracy": oracle.balanced_accuracy_score(truth, called),
        "sensitivity": oracle.recall_score(truth, called),
        "specificity": oracle.recall_score(truth, called, pos_label=0),
        "positive_predictive_value": oracle.precision_score(truth, called),
        "negative_predictive_value": oracle.precision_score(truth, called, pos_label=0),
        "brier_score": oracle.brier_score_loss(truth, shares),
    }
    assert {name: value(found, name) for name in expected} == pytest.approx(expected)
    counts = found.confusion
    assert oracle.confusion_matrix(truth, called).tolist() == [
        [counts.rightly_absent, counts.false_alarms],
        [counts.missed, counts.found],
    ]


def test_baselines_are_what_theory_says() -> None:
    """Constant answers rank nothing; the prevalence p has the squared error p (1 - p)."""
    cases = cases_of([(True, 0.9)] * 6 + [(False, 0.2)] * 14)
    found = score(cases, prevalence_in_training=0.3)
    for name in (ALWAYS_ABSENT, ALWAYS_PRESENT, PREVALENCE):
        assert value(found, "roc_auc", name) == 0.5
        assert value(found, "average_precision", name) == pytest.approx(0.3)
        assert value(found, "balanced_accuracy", name) == 0.5
        assert value(found, "sensitivity_at_specificity_0.95", name) == 0
    assert value(found, "brier_score", PREVALENCE) == pytest.approx(0.3 * 0.7)
    assert value(found, "calibration_error", PREVALENCE) == pytest.approx(0, abs=1e-12)
    assert value(found, "brier_score", ALWAYS_ABSENT) == pytest.approx(0.3)
    assert value(found, "accuracy", ALWAYS_ABSENT) == pytest.approx(0.7)
    assert value(found, "accuracy", PREVALENCE) == pytest.approx(0.7)
    assert value(found, "sensitivity", ALWAYS_PRESENT) == 1
    (undefined,) = found.find(score="positive_predictive_value", predictor=ALWAYS_ABSENT)
    assert undefined.why_undefined == "no case is called present"


def test_a_frequent_finding_is_called_by_the_prevalence() -> None:
    """Where most training cases are present, the prevalence calls all present."""
    found = score(cases_of(SEVEN_OF_TEN), prevalence_in_training=0.5)
    assert value(found, "sensitivity", PREVALENCE) == 1


def test_without_a_prevalence_there_is_no_such_baseline() -> None:
    """It is left out, and a note says so."""
    found = score(cases_of(SEVEN_OF_TEN))
    assert not found.find(predictor=PREVALENCE)
    assert any("no baseline here" in note for note in found.notes)


@pytest.mark.parametrize("failed", [0, 3])
def test_a_failed_case_is_the_worst_answer(failed: int) -> None:
    """No probability that the case could have would score lower, whatever its truth."""
    cases = random_cases(40)
    broken = [replace(c, probability=None) if at == failed else c for at, c in enumerate(cases)]
    with_failure = score(broken)
    for other in (0.0, 0.3, 0.5, 0.8, 1.0):
        answered = score(
            [replace(c, probability=other) if at == failed else c for at, c in enumerate(cases)]
        )
        for name in ("roc_auc", "average_precision", "accuracy", "balanced_accuracy"):
            assert value(with_failure, name) <= value(answered, name)
        for name in ("sensitivity_at_specificity_0.90", "sensitivity", "specificity"):
            assert value(with_failure, name) <= value(answered, name)
        assert value(with_failure, "brier_score") >= value(answered, "brier_score")


def test_failed_cases_are_counted_by_hand() -> None:
    """One of each truth fails: wrong at the threshold, ranked worst, with errors of 1."""
    cases = cases_of([(True, 0.9), (True, None), (False, 0.1), (False, None)])
    found = score(cases)
    assert vars(found.confusion) == {
        "found": 1, "missed": 1, "false_alarms": 1, "rightly_absent": 1,
        "failed_present": 1, "failed_absent": 1,
    }  # fmt: skip
    # 0.9 beats 0.1 alone, the failed present case beats none, the failed absent one all.
    assert value(found, "roc_auc") == 1 / 4
    assert value(found, "brier_score") == pytest.approx((0.01 + 1 + 0.01 + 1) / 4)
    assert value(found, "calibration_error") == pytest.approx((0.1 + 1 + 0.1 + 1) / 4)
    assert value(found, "sensitivity_at_specificity_0.90") == 0
    assert [point.threshold for point in found.operating_points] == [None, None]
    assert found.failures == (("case 001", "no prediction"), ("case 003", "no prediction"))
    assert sum(one.cases for one in found.reliability.bins) == 2
    assert any(note.startswith("2 of 4 cases failed: ") for note in found.notes)
    for record in found.find(predictor="model"):
        assert (record.cases, record.failed_cases) == (4, 2)
    assert all(record.failed_cases == 0 for record in found.find(predictor=ALWAYS_ABSENT))


def test_a_failed_case_ranks_below_a_certain_wrong_answer() -> None:
    """It ties with nobody: not with an absent case at 0, nor with a present one at 1."""
    found = score(cases_of([(True, 1.0), (True, None), (False, 0.0), (False, None)]))
    assert value(found, "roc_auc") == 1 / 4


def test_all_failed_is_no_figure_in_their_favour() -> None:
    """Where every case fails the model ranks below a coin and has the highest errors."""
    found = score(cases_of([(True, None), (False, None)]))
    assert (value(found, "roc_auc"), value(found, "accuracy")) == (0, 0)
    assert (value(found, "brier_score"), value(found, "calibration_error")) == (1, 1)
    assert found.reliability.error_when_calibrated is None


@pytest.mark.parametrize("wrong", [float("nan"), -0.1, 1.5])
def test_what_is_no_probability_has_failed(wrong: float) -> None:
    """A model that diverged gives no answer, and the reason says what came."""
    found = score(cases_of([*SEVEN_OF_TEN, (False, wrong)]))
    ((id_, why),) = found.failures
    assert id_ == "case 010"
    assert why == f"probability: expected a number from 0 to 1, found {wrong:g}"
    assert found.confusion.failed_absent == 1


@pytest.mark.parametrize(("truth", "lacking"), [(True, "absent"), (False, "present")])
def test_a_single_class_is_undefined_with_its_reason(truth: bool, lacking: str) -> None:
    """What needs both classes has no value; what does not, has."""
    found = score(cases_of([(truth, 0.9), (truth, 0.2)] * 10))
    reason = f"the truth holds no {lacking} case"
    for name in ("roc_auc", "balanced_accuracy", "sensitivity_at_specificity_0.90"):
        (record,) = found.find(score=name, predictor="model")
        assert (record.value, record.low, record.why_undefined) == (None, None, reason)
        assert record.why_no_interval == "the score is undefined"
    assert value(found, "accuracy") == 0.5
    squares = (0.01 + 0.64) if truth else (0.81 + 0.04)
    assert value(found, "brier_score") == pytest.approx(squares / 2)
    assert found.roc is None
    json.dumps(found.to_document(), allow_nan=False)


def test_intervals_draw_whole_subjects() -> None:
    """Three images a subject: the accuracy's interval is that of resampled subjects."""
    cases = random_cases(60, per_subject=3)
    found = score(cases)
    (accuracy,) = found.find(score="accuracy", predictor="model")
    right = [float((case.probability >= 0.5) == case.truth) for case in cases]
    groups = [case.subject for case in cases]
    expected = bootstrap_pooled(right, np.ones(60), groups, seed=0, resamples=200)
    assert (accuracy.low, accuracy.high) == pytest.approx((expected.low, expected.high))
    assert accuracy.subjects == 20
    assert "under 50" in accuracy.note


def test_copies_of_a_subject_s_images_tell_nothing_new() -> None:
    """Every image five times under its own subject: no interval becomes narrower."""
    once = random_cases(30)
    copies = [replace(case, id=f"{case.id} {copy}") for case in once for copy in range(5)]
    for single, many in zip(score(once).records, score(copies).records, strict=True):
        assert many.value == pytest.approx(single.value)
        if single.low is not None:
            assert (many.low, many.high) == pytest.approx((single.low, single.high), abs=2e-3)


def test_every_interval_holds_its_value() -> None:
    """Each defined figure lies within its interval, except the one that has none by rule."""
    found = score(random_cases(60), prevalence_in_training=0.4)
    for record in found.records:
        if record.score == "calibration_error":
            assert "resampling inflates it" in record.why_no_interval
        elif record.value is not None:
            assert record.low - 1e-9 <= record.value <= record.high + 1e-9


def test_resampling_would_never_hold_a_calibration_error_of_zero() -> None:
    """Why that figure has no interval: a calibrated model's would begin far above its 0."""
    draws = np.random.default_rng(1)
    shares = draws.random(200)
    bins = np.ceil(shares * 15).astype(int) - 1
    for _ in range(20):
        rows = np.zeros((200, 16))
        rows[np.arange(200), bins] = shares - (draws.random(200) < shares)
        rows[:, 15] = 1

        def error(sums: np.ndarray) -> np.ndarray:
            return np.abs(sums[:, :15]).sum(axis=1) / sums[:, 15]

        assert bootstrap_sums(rows, range(200), error, seed=0, resamples=200).low > 0.03


def test_few_subjects_have_no_interval() -> None:
    """Nine subjects are too few, however many images they have."""
    found = score(random_cases(27, per_subject=3))
    (record,) = found.find(score="roc_auc", predictor="model")
    assert record.low is None
    assert record.why_no_interval == "no interval from 9 subjects; at least 10 are needed"


def test_cases_without_a_subject_count_as_their_own() -> None:
    """Unknown subjects are said in a note."""
    found = score([replace(case, subject=None) for case in random_cases(12)])
    assert found.subjects == 12
    assert "subjects are unknown for 12 of 12 cases" in found.notes[0]


def test_a_case_at_the_threshold_is_present() -> None:
    """At least the threshold, to the last bit."""
    for threshold, outcome in ((0.5, "found"), (float(np.nextafter(0.5, 1)), "missed")):
        (case, _) = score(cases_of([(True, 0.5), (False, 0.1)]), threshold).cases
        assert case.outcome == outcome


def test_views_are_the_same_answers_over_other_cases() -> None:
    """A part of the cases scores as if the others had never been there."""
    cases = random_cases(40)
    left_out = frozenset(case.id for case in cases[:7])
    found = score(cases, views=[View("without the leaked cases", left_out)])
    whole, part = found.views
    assert (whole.name, whole.cases, whole.records) == ("every case", 40, found.headline())
    alone = score(cases[7:])
    assert (part.cases, part.subjects) == (33, 33)
    assert [(r.score, r.value, r.low) for r in part.records] == [
        (r.score, r.value, r.low) for r in alone.headline()
    ]
    nothing = score(cases, views=[View("none", frozenset(case.id for case in cases))]).views[1]
    assert (nothing.cases, nothing.records) == (0, ())
    assert score(cases).views == ()


def test_the_headline_has_every_predictor() -> None:
    """Each score of the headline, once a predictor, in its order."""
    found = score(random_cases(20), prevalence_in_training=0.4)
    names = ("model", ALWAYS_ABSENT, ALWAYS_PRESENT, PREVALENCE)
    assert [(r.score, r.predictor) for r in found.headline()] == [
        (name, predictor) for name in HEADLINE for predictor in names
    ]


def test_the_most_confident_errors_come_first() -> None:
    """Wrong at the threshold, farthest from the truth first, ties by id, failed cases apart."""
    found = score(cases_of([*SEVEN_OF_TEN, (True, None)]))
    errors = found.most_confident_errors(5)
    assert [(one.probability, one.outcome) for one in errors] == [
        (0.1, "missed"), (0.7, "false alarm"), (0.3, "missed"),
    ]  # fmt: skip
    assert found.most_confident_errors(1) == errors[:1]


def test_every_case_is_a_row() -> None:
    """Failures are rows too; the answer of a failed case is empty."""
    cases = cases_of([(True, 0.9), (False, None)])
    header, rows = score(cases).case_rows()
    assert header[:4] == ("id", "subject", "status", "failure")
    assert rows == [
        ("case 000", "subject 0", "scored", "", "present", 0.9, "present", "found"),
        ("case 001", "subject 1", "failed", "no prediction", "absent", "undefined", "", "failed"),
    ]


def test_the_document_is_plain_and_whole() -> None:
    """It goes through JSON unchanged, names its task and holds points, bins and curve."""
    found = score(random_cases(30), threshold_origin="chosen on 12 validation cases")
    document = found.to_document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["task"] == "classify"
    assert document["threshold_origin"] == "chosen on 12 validation cases"
    assert document["present"] + document["absent"] == document["cases"] == 30
    assert [one["wanted_specificity"] for one in document["operating_points"]] == [0.9, 0.95]
    assert len(document["reliability"]["bins"]) == 15
    assert document["roc"]["threshold"][0] is None
    rule = document["headline"][0]["rule"]
    assert rule == (
        "roc auc of model, over all thresholds: every distinct probability is a threshold, ties "
        "count one half; 30 cases of 30 subjects"
    )


def test_the_optimism_of_a_read_off_point_is_said() -> None:
    """The rule of the figure and a note say that its cases chose the threshold."""
    found = score(random_cases(30))
    (record,) = found.find(score="sensitivity_at_specificity_0.90", predictor="model")
    assert "optimistic" in record.rule
    assert "optimistic" in found.notes[-1]


def test_a_record_prints_its_interval_or_its_reason() -> None:
    """Four decimals and the interval, or `undefined` and why."""
    found = score(cases_of([(True, 0.9), (True, 0.8)]))
    (record,) = found.find(score="accuracy", predictor="model")
    assert str(record) == "1.0000"
    (record,) = found.find(score="roc_auc", predictor="model")
    assert str(record) == "undefined (the truth holds no absent case)"


def test_what_cannot_be_scored_is_refused() -> None:
    """No case, an id twice, and numbers of no range, each with what was expected."""
    cases = random_cases(4)
    with pytest.raises(SettingsError, match="cases: expected at least one"):
        score([])
    with pytest.raises(SettingsError, match="case 'case 000': expected each id once"):
        score([cases[0], cases[0]])
    with pytest.raises(SettingsError, match="threshold: expected a number, found nan"):
        score(cases, float("nan"))
    with pytest.raises(SettingsError, match=r"prevalence_in_training: .* found 1\.2"):
        score(cases, prevalence_in_training=1.2)


def test_labels_before_the_decisions_stand_beside_those_decided() -> None:
    """One case was relabelled, one dropped, one had no truth: each view has its own cases."""
    cases = cases_of(SEVEN_OF_TEN)
    gone = ClassifiedCase("gone", "s", True, 0.7)
    blank = ClassifiedCase("blank", "t", True, 0.2)
    before = [replace(cases[0], truth=False), gone, replace(blank, truth=None)]
    found = score([*cases, blank], before=before)
    assert [(view.name, view.cases) for view in found.views] == [
        ("every case, labels as decided", 11),
        ("labels before the decisions", 11),
        ("cases that no decision touched", 9),
    ]
    whole, earlier, untouched = found.views
    assert whole.records == found.headline()
    assert earlier.records == score([*cases[1:], before[0], gone]).headline()
    assert untouched.records == score(cases[1:]).headline()
    assert [view.subjects for view in found.views] == [11, 11, 9]


def test_parts_and_earlier_labels_stand_side_by_side() -> None:
    """Leaked cases are left out of their own view alone."""
    cases = cases_of(SEVEN_OF_TEN)
    leaked = View("without the leaked cases", frozenset({"case 003"}))
    found = score(cases, views=[leaked], before=[replace(cases[3], truth=True)])
    assert [(view.name, view.cases) for view in found.views] == [
        ("every case, labels as decided", 10),
        ("without the leaked cases", 9),
        ("labels before the decisions", 10),
        ("cases that no decision touched", 9),
    ]
    assert found.views[1].records == found.views[3].records


def test_a_case_without_truth_is_listed_and_not_scored() -> None:
    """It changes no figure, has a row of its own, and is a failure by name."""
    cases = cases_of(SEVEN_OF_TEN)
    blank = ClassifiedCase("blank", None, None, None, failure="blank_mask.png: another size")
    found = score([blank, *cases])
    assert found.records == score(cases).records
    header, rows = found.case_rows()
    row = dict(zip(header, rows[0], strict=True))
    assert row["status"] == row["outcome"] == "no truth"
    assert (row["truth"], row["probability"], row["answer"]) == ("", "undefined", "")
    assert found.failures == (("blank", "blank_mask.png: another size"),)
    document = found.to_document()
    assert [document[name] for name in ("cases", "present", "absent", "without_truth")] == [
        11, 5, 5, 1,
    ]  # fmt: skip
    assert "1 of 11 cases have no truth and no score" in found.notes
    assert not any("cases failed" in note for note in found.notes)
    with pytest.raises(SettingsError, match="expected at least one with a truth"):
        score([blank])
