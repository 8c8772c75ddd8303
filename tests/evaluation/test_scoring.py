"""Every predictor, observer, region, class and pooling has its figure, counted by its rule."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as oracle

from delineate.core.errors import SettingsError, SizeMismatchError
from delineate.core.types import IGNORE, default_classes
from delineate.evaluation.baselines import mean_training_mask
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.records import CLASS_MEAN, INSIDE, PER_IMAGE, POOLED, WHOLE, Evaluation
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings

BINARY, THREE = default_classes(2), default_classes(3)
SIZE = (6, 8)
QUICK = EvaluationSettings(resamples=100)


def random_cases(count: int, *, classes: int = 2, observers: int = 2) -> list[ScoredCase]:
    """Cases with related truths and probabilities, a region, and some unknown pixels."""
    random = np.random.default_rng(0)
    cases = []
    for number in range(count):
        truth = random.integers(0, classes, SIZE).astype(np.uint8)
        other = np.where(random.random(SIZE) < 0.8, truth, 0).astype(np.uint8)
        truth[0, 0] = IGNORE
        region = np.ones(SIZE, bool)
        region[:, -2:] = False
        logits = random.random((classes, *SIZE)).astype(np.float32)
        logits += 0.6 * (np.arange(classes)[:, None, None] == truth)
        probability = logits / logits.sum(axis=0)
        cases.append(
            ScoredCase(
                id=f"case {number}",
                subject=f"subject {number // 2}",
                truths={"observer 1": truth, "observer 2": other}
                if observers == 2
                else {"observer 1": truth},
                region=region,
                probability=probability[1:] if classes == 2 else probability,
            )
        )
    return cases


def value(evaluation: Evaluation, score: str, **fields: str) -> float | None:
    """The one record's value; inside the region, pooled, model against observer 1 unless said."""
    chosen = {
        "label_class": evaluation.reference_class,
        "predictor": "model",
        "observer": "observer 1",
        "region": INSIDE,
        "pooling": POOLED,
    } | fields
    (record,) = evaluation.find(score=score, **chosen)
    return record.value


def plain(truth: list, labels: list | None, **fields: object) -> ScoredCase:
    """A case of one row of pixels, one observer and a hard prediction."""
    return ScoredCase(
        id=str(fields.pop("id", "a")),
        subject=None,
        truths={"observer 1": np.array([truth], np.uint8)},
        labels=None if labels is None else np.array([labels], np.uint8),
        **fields,
    )


def test_every_combination_has_its_figure() -> None:
    """Eight scores by two poolings, two regions, and each predictor against each observer."""
    cases = random_cases(4)
    baseline = mean_training_mask([case.truths["observer 2"] for case in cases])
    found = score_cases(cases, BINARY, 0.5, mean_training_mask=baseline, settings=QUICK)
    everyone = ("model", "mean training mask", "empty prediction")
    pairs = [*product(everyone, ("observer 1", "observer 2")), ("observer 2", "observer 1")]
    assert {(r.predictor, r.observer) for r in found.records} == set(pairs)
    assert {r.region for r in found.records} == {INSIDE, WHOLE}
    assert len(found.records) == 8 * 2 * 2 * len(pairs)
    assert found.observers == ("observer 1", "observer 2")


@pytest.mark.parametrize("region", [INSIDE, WHOLE])
def test_pooled_scores_agree_with_scikit_learn(region: str) -> None:
    """All pooled scores of the model are scikit-learn's on the pixels that count."""
    cases = random_cases(3)
    found = score_cases(cases, BINARY, 0.5, settings=QUICK)
    truth, score = [], []
    for case in cases:
        labels = case.truths["observer 1"]
        counts = (labels != IGNORE) & (case.region | (region == WHOLE))
        truth.append(labels[counts])
        score.append(case.probability[0][counts])
    truth, score = np.concatenate(truth), np.concatenate(score)
    predicted = score >= 0.5
    expected = {
        "dice": oracle.f1_score(truth, predicted),
        "iou": oracle.jaccard_score(truth, predicted),
        "sensitivity": oracle.recall_score(truth, predicted),
        "specificity": oracle.recall_score(truth, predicted, pos_label=0),
        "precision": oracle.precision_score(truth, predicted),
        "accuracy": oracle.accuracy_score(truth, predicted),
        "roc_auc": oracle.roc_auc_score(truth, score),
        "average_precision": oracle.average_precision_score(truth, score),
    }
    for name, theirs in expected.items():
        assert value(found, name, region=region) == pytest.approx(theirs, abs=1e-12)


def test_means_per_image_agree_with_scikit_learn() -> None:
    """The mean per image is the plain mean of each image's own score."""
    cases = random_cases(5)
    found = score_cases(cases, BINARY, 0.5, settings=QUICK)
    dice, auc = [], []
    for case in cases:
        counts = (case.truths["observer 1"] != IGNORE) & case.region
        truth, score = case.truths["observer 1"][counts], case.probability[0][counts]
        dice.append(oracle.f1_score(truth, score >= 0.5))
        auc.append(oracle.roc_auc_score(truth, score))
    assert value(found, "dice", pooling=PER_IMAGE) == pytest.approx(np.mean(dice))
    assert value(found, "roc_auc", pooling=PER_IMAGE) == pytest.approx(np.mean(auc))


def test_several_classes_each_against_the_rest_and_their_mean() -> None:
    """Each foreground class has its figure, and the mean of classes is the mean of them."""
    cases = random_cases(4, classes=3)
    found = score_cases(cases, THREE, None, settings=QUICK)
    truth = np.concatenate([c.truths["observer 1"].ravel() for c in cases])
    scores = np.concatenate([c.probability.reshape(3, -1) for c in cases], axis=1)
    known = truth != IGNORE
    truth, scores = truth[known], scores[:, known]
    dice = oracle.f1_score(truth, scores.argmax(axis=0), average=None, labels=[1, 2])
    auc = [oracle.roc_auc_score(truth == k, scores[k]) for k in (1, 2)]
    for at, name in enumerate(("class 1", "class 2")):
        assert value(found, "dice", region=WHOLE, label_class=name) == pytest.approx(dice[at])
        area = value(found, "roc_auc", region=WHOLE, label_class=name)
        assert area == pytest.approx(auc[at])
    assert value(found, "dice", region=WHOLE) == pytest.approx(dice.mean())
    assert value(found, "roc_auc", region=WHOLE) == pytest.approx(np.mean(auc))
    assert found.reference_class == CLASS_MEAN
    assert found.threshold is None
    assert "highest probability" in found.threshold_origin


def test_an_absent_class_is_left_out_of_the_mean_of_classes() -> None:
    """A class that neither truth nor prediction holds has no pooled Dice, and no weight."""
    found = score_cases([plain([1, 1, 0, 0], [1, 0, 0, 0])], THREE, None)
    (absent,) = found.find(score="dice", label_class="class 2", pooling=POOLED, predictor="model")
    assert absent.value is None
    assert absent.why_undefined == "dice: truth and prediction hold no foreground"
    assert absent.why_no_interval == "the score is undefined"
    assert value(found, "dice", region=WHOLE) == pytest.approx(2 / 3)


def test_an_image_that_lacks_one_class_still_counts_for_the_others() -> None:
    """The mean of classes is the mean of each class's own mean over its images."""
    cases = [plain([1, 1, 2, 2], [1, 0, 2, 2], id="a"), plain([1, 0, 0, 0], [1, 0, 0, 0], id="b")]
    found = score_cases(cases, THREE, None)
    (record,) = found.find(
        score="sensitivity", label_class=CLASS_MEAN, pooling=PER_IMAGE, predictor="model"
    )
    assert record.value == pytest.approx(((0.5 + 1) / 2 + 1) / 2)
    assert (record.cases, record.undefined_cases) == (2, 0)


def test_cases_without_a_region_are_absent_inside_and_a_note_says_so() -> None:
    """Where only some cases have a region, the others count in the whole frame alone."""
    region = np.array([[1, 0]], bool)
    cases = [plain([1, 0], [1, 0], id="a", region=region), plain([1, 0], [1, 0], id="b")]
    found = score_cases(cases, BINARY, None)
    counted = {r.region: r.cases for r in found.find(score="dice", predictor="model")}
    assert counted == {INSIDE: 1, WHOLE: 2}
    assert any("1 of 2 cases have no region of interest" in note for note in found.notes)


def test_pixels_outside_the_region_never_count_inside() -> None:
    """A false alarm outside the region harms the whole frame alone."""
    region = np.array([[1, 1, 0, 0]], bool)
    found = score_cases([plain([1, 0, 0, 0], [1, 0, 1, 1], region=region)], BINARY, None)
    assert value(found, "dice") == 1.0
    assert value(found, "dice", region=WHOLE) == 0.5


def test_ignored_pixels_never_count() -> None:
    """Whatever is predicted where the truth is unknown changes nothing."""
    scores = [
        value(
            score_cases([plain([1, 0, IGNORE], [1, 0, x])], BINARY, None), "accuracy", region=WHOLE
        )
        for x in (0, 1)
    ]
    assert scores == [1.0, 1.0]


def test_pixels_that_one_observer_does_not_know_are_not_compared() -> None:
    """What the second observer left unknown is neither right nor wrong of him."""
    truths = {
        "observer 1": np.array([[1, 1, 0]], np.uint8),
        "observer 2": np.array([[1, IGNORE, 0]], np.uint8),
    }
    case = ScoredCase("a", None, truths, labels=truths["observer 1"])
    found = score_cases([case], BINARY, None)
    assert value(found, "sensitivity", region=WHOLE, predictor="observer 2") == 1.0
    assert value(found, "accuracy", region=WHOLE, predictor="observer 2") == 1.0


def test_a_hard_mask_has_no_ranking() -> None:
    """Without probabilities ROC AUC and average precision are undefined with the reason."""
    found = score_cases([plain([1, 0], [1, 0])], BINARY, None)
    for pooling in (POOLED, PER_IMAGE):
        (record,) = found.find(score="roc_auc", predictor="model", pooling=pooling)
        assert record.value is None
        assert "a hard mask has no probabilities to rank" in record.why_undefined
    assert found.curves == ()


def test_an_empty_prediction_ranks_by_chance() -> None:
    """The empty prediction has an AUC of one half and the prevalence as precision."""
    case = plain([1, 0, 0, 0], [1, 0, 0, 0])
    found = score_cases([case], BINARY, None)
    fields = {"predictor": "empty prediction", "region": WHOLE}
    assert value(found, "roc_auc", **fields) == 0.5
    assert value(found, "average_precision", **fields) == 0.25
    assert value(found, "accuracy", **fields) == 0.75
    assert value(found, "dice", **fields) == 0.0
    assert value(found, "precision", **fields) is None


def test_means_leave_out_images_without_a_value_and_count_them() -> None:
    """Sensitivity is not defined on an empty truth: the mean is over the other image."""
    cases = [plain([1, 1], [1, 0], id="a"), plain([0, 0], [0, 0], id="b")]
    found = score_cases(cases, BINARY, None)
    (record,) = found.find(score="sensitivity", predictor="model", pooling=PER_IMAGE)
    assert (record.value, record.cases, record.undefined_cases) == (0.5, 1, 1)
    assert "1 left out as undefined" in record.rule
    (dice,) = found.find(score="dice", predictor="model", pooling=PER_IMAGE)
    assert dice.value == pytest.approx((2 / 3 + 1) / 2)
    assert dice.empty_rule == "images empty in truth and prediction count 1"


def test_the_empty_rule_can_be_set() -> None:
    """Images empty in truth and prediction are left out on request, and the record says so."""
    cases = [plain([1, 1], [1, 0], id="a"), plain([0, 0], [0, 0], id="b")]
    settings = EvaluationSettings(when_both_empty=None)
    found = score_cases(cases, BINARY, None, settings=settings)
    (dice,) = found.find(score="dice", predictor="model", pooling=PER_IMAGE)
    assert dice.value == pytest.approx(2 / 3)
    assert (dice.cases, dice.undefined_cases) == (1, 1)
    assert "left out" in dice.empty_rule


def test_undefined_everywhere_says_why() -> None:
    """A mean over images none of which has a value is undefined with their reason."""
    found = score_cases([plain([0, 0], [0, 1])], BINARY, None)
    (record,) = found.find(score="sensitivity", predictor="model", pooling=PER_IMAGE)
    assert record.value is None
    assert record.why_undefined == "sensitivity: the truth holds no foreground, in every image"
    assert str(record).startswith("undefined (")


def test_a_failed_case_counts_zero_and_is_reported() -> None:
    """One perfect and one failed case give a mean of one half; pooled, its truth is missed."""
    probability = np.array([[[1, 0, 0, 0]]], np.float32)
    good = plain([1, 0, 0, 0], None, id="good", probability=probability)
    bad = plain([1, 0, 0, 0], None, id="bad", failure="CUDA out of memory")
    found = score_cases([good, bad], BINARY, 0.5)
    for name in ("dice", "accuracy", "roc_auc"):
        assert value(found, name, region=WHOLE, pooling=PER_IMAGE) == 0.5
    assert value(found, "dice", region=WHOLE) == pytest.approx(2 / 3)
    assert value(found, "sensitivity", region=WHOLE) == 0.5
    assert value(found, "specificity", region=WHOLE) == 1.0
    assert value(found, "roc_auc", region=WHOLE) == 0.5
    (record,) = found.find(score="dice", predictor="model", pooling=PER_IMAGE)
    assert (record.cases, record.failed_cases) == (2, 1)
    assert "1 of them failed" in record.rule
    assert found.failures == (("bad", "CUDA out of memory"),)
    assert any("1 of 2 cases failed" in note for note in found.notes)
    (empty,) = found.find(score="dice", predictor="empty prediction", pooling=PER_IMAGE)
    assert (empty.cases, empty.failed_cases) == (2, 0)


def test_a_failed_case_with_an_empty_truth_is_no_success() -> None:
    """No answer to an empty image counts 0 in the mean and in every empty rule that keeps it."""
    cases = [plain([1, 0], [1, 0], id="good"), plain([0, 0], None, id="bad", failure="gone")]
    found = score_cases(cases, BINARY, None)
    assert value(found, "dice", region=WHOLE, pooling=PER_IMAGE) == 0.5
    rules = {row.rule: row.value for row in found.empty_rules}
    assert rules["mean per image, both empty counts 1"] == 0.5
    assert rules["mean per image, both empty left out"] == 0.5
    assert rules["mean per image, empty truths left out"] == 1.0


def test_a_failure_among_hard_masks_has_no_ranking_either() -> None:
    """A failed case does not give hard masks an AUC of zero."""
    cases = [plain([1, 0], [1, 0], id="good"), plain([1, 0], None, id="bad", failure="gone")]
    found = score_cases(cases, BINARY, None)
    assert value(found, "roc_auc", region=WHOLE, pooling=PER_IMAGE) is None
    assert value(found, "dice", region=WHOLE, pooling=PER_IMAGE) == 0.5


def test_when_every_case_failed_the_scores_are_zero_not_absent() -> None:
    """A model that answers nothing scores 0, with its AUC undefined."""
    found = score_cases([plain([1, 0], None, failure="gone")], BINARY, 0.5)
    assert value(found, "dice", region=WHOLE) == 0.0
    assert value(found, "dice", region=WHOLE, pooling=PER_IMAGE) == 0.0
    assert value(found, "roc_auc", region=WHOLE) is None


def test_case_rows_hold_every_case_and_their_mean_is_the_figure() -> None:
    """Each case has a row for each observer and region; the column's mean is the record."""
    cases = random_cases(4)
    cases[2] = ScoredCase(
        "lost", "subject 9", cases[2].truths, cases[2].region, failure="truncated file"
    )
    found = score_cases(cases, BINARY, 0.5, settings=QUICK)
    header, rows = found.case_rows()
    assert len(rows) == 4 * 2 * 2
    table = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["id"] for row in table[::4]] == ["case 0", "case 1", "lost", "case 3"]
    here = [r for r in table if (r["observer"], r["region"]) == ("observer 1", INSIDE)]
    mean = np.mean([row["dice"] for row in here])
    assert mean == pytest.approx(value(found, "dice", pooling=PER_IMAGE))
    (lost,) = [row for row in here if row["id"] == "lost"]
    assert (lost["status"], lost["failure"], lost["dice"]) == ("failed", "truncated file", 0.0)
    counts = (cases[0].truths["observer 1"] != IGNORE) & cases[0].region
    assert here[0]["truth_area_px"] == (cases[0].truths["observer 1"][counts] == 1).sum()
    assert here[0]["prediction_area_px"] == (cases[0].probability[0][counts] >= 0.5).sum()


def test_a_case_without_truth_is_a_row_without_a_score() -> None:
    """What has no truth cannot be scored, and is still listed."""
    nothing = ScoredCase("b", "s", {}, labels=np.zeros((1, 2), np.uint8))
    found = score_cases([plain([1, 0], [1, 0]), nothing], BINARY, None)
    header, rows = found.case_rows()
    row = dict(zip(header, rows[-1], strict=True))
    assert (row["id"], row["status"], row["dice"]) == ("b", "no truth", "undefined")
    (record,) = found.find(score="dice", predictor="model", pooling=PER_IMAGE)
    assert record.cases == 1
    assert any("1 of 2 cases have no truth" in note for note in found.notes)


def test_one_set_of_predictions_under_every_empty_rule() -> None:
    """The conventions of the field give 0.818, 0.700, 0.613 and 0.289 on one set of images.

    Dice 0.7 on the positives, one false alarm in ten empties, 41.2 % positives, as FIELD has it.
    """
    hit = ([1] * 10 + [0] * 10, [1] * 7 + [0] * 3 + [1] * 3 + [0] * 7)
    alarm, right = ([0] * 20, [1] + [0] * 19), ([0] * 20, [0] * 20)
    shapes = [hit] * 412 + [alarm] * 59 + [right] * 529
    cases = [plain(t, p, id=str(at)) for at, (t, p) in enumerate(shapes)]
    found = score_cases(cases, BINARY, None, settings=QUICK)
    rows = {row.rule: row for row in found.empty_rules}
    values = {rule: round(row.value, 3) for rule, row in rows.items()}
    assert values["mean per image, both empty counts 1"] == 0.817
    assert values["mean per image, empty truths left out"] == 0.7
    assert values["mean per image, both empty left out"] == 0.612
    assert values["mean per image, both empty counts 0"] == 0.288
    assert values["pooled over all pixels"] == round(2 * 412 * 7 / (412 * 20 + 59), 3)
    assert rows["mean per image, both empty left out"].left_out == 529
    assert all(row.source for row in found.empty_rules)


def test_intervals_surround_the_figure_and_ask_for_subjects() -> None:
    """Twelve subjects get intervals with a note; four get the reason why not."""
    found = score_cases(random_cases(24, observers=1), BINARY, 0.5, settings=QUICK)
    for record in found.find(predictor="model"):
        assert record.low <= record.value <= record.high
        assert "under 50" in record.note
        assert record.subjects == 12
    few = score_cases(random_cases(8), BINARY, 0.5, settings=QUICK)
    for record in few.find(predictor="model"):
        assert record.low is None
        assert record.why_no_interval == "no interval from 4 subjects; at least 10 are needed"


def test_unknown_subjects_are_said() -> None:
    """Cases without subjects count one each, and a note says so."""
    found = score_cases([plain([1, 0], [1, 0])], BINARY, None)
    assert found.subjects == 1
    assert any("subjects are unknown for 1 of 1 cases" in note for note in found.notes)


def test_the_order_of_cases_does_not_matter() -> None:
    """Every figure without its interval is the same in any order of the cases."""
    cases = random_cases(5)
    there = score_cases(cases, BINARY, 0.5, settings=QUICK)
    back = score_cases(cases[::-1], BINARY, 0.5, settings=QUICK)
    for one, other in zip(there.records, back.records, strict=True):
        assert one.value == pytest.approx(other.value) if one.value is not None else True
        assert one.why_undefined == other.why_undefined


def test_cases_are_taken_one_at_a_time() -> None:
    """A generator is enough: each case is scored before the next is made."""
    seen: list[str] = []

    def lazily() -> object:
        for case in random_cases(3):
            seen.append(case.id)
            yield case

    found = score_cases(lazily(), BINARY, 0.5, settings=QUICK)
    assert found.cases == len(seen) == 3


def test_the_headline_sets_each_predictor_beside_the_model() -> None:
    """First come Dice of model, observer, and trivial baselines, against the first observer."""
    cases = random_cases(3)
    baseline = mean_training_mask([case.truths["observer 2"] for case in cases])
    found = score_cases(cases, BINARY, 0.5, mean_training_mask=baseline, settings=QUICK)
    first = found.headline()[:4]
    assert [record.predictor for record in first] == [
        "model",
        "observer 2",
        "mean training mask",
        "empty prediction",
    ]
    assert {(r.score, r.pooling, r.region, r.observer) for r in first} == {
        ("dice", POOLED, INSIDE, "observer 1")
    }
    assert len(found.headline()) == 6 * 4


def test_the_document_is_json_and_undefined_is_null() -> None:
    """evaluation.json holds no NaN: a figure is a number, or null with the reason."""
    cases = random_cases(3)
    found = score_cases(cases, BINARY, 0.5, threshold_origin="validation", settings=QUICK)
    document = json.loads(json.dumps(found.to_document(), allow_nan=False))
    assert document["threshold_origin"] == "validation"
    assert len(document["records"]) == len(found.records)
    for record in document["records"]:
        assert (record["value"] is None) == (record["why_undefined"] is not None)
        assert (record["low"] is None) == (record["why_no_interval"] is not None)
        assert record["observer"] in record["rule"]
    assert {(c["kind"], c["observer"], c["region"]) for c in document["curves"]} == set(
        product(("roc", "pr"), ("observer 1", "observer 2"), (INSIDE, WHOLE))
    )
    assert document["curves"][0]["threshold"][0] is None


@pytest.mark.parametrize(
    ("cases", "threshold", "message"),
    [
        ([], 0.5, "at least one to score"),
        ([plain([1], [1])] * 2, 0.5, "expected each id once"),
        ([plain([3], [1])], 0.5, r"expected classes below 2 from observer 1, found 3"),
        (
            [plain([1], None, probability=np.ones((1, 1, 1), np.float32))],
            None,
            "threshold: expected a number",
        ),
    ],
)
def test_wrong_use_is_refused(cases: list, threshold: float | None, message: str) -> None:
    """What cannot be an evaluation stops with what was expected."""
    with pytest.raises(SettingsError, match=message):
        score_cases(cases, BINARY, threshold)


def test_a_region_of_another_size_is_refused() -> None:
    """A region that does not fit the truth is a fault of the data, not of the model."""
    with pytest.raises(SizeMismatchError, match=r"found \(2, 2\) for region"):
        score_cases([plain([1, 0], [1, 0], region=np.ones((2, 2), bool))], BINARY, None)


def test_the_second_observer_of_drive(shared_data: object) -> None:
    """Observer 2 against observer 1 inside the field of view has the figures of the field."""
    test = shared_data / "drive" / "DRIVE" / "test"
    cases = []
    for number in range(1, 21):
        with Image.open(test / "1st_manual" / f"{number:02}_manual1.gif") as file:
            first = (np.asarray(file.convert("L")) > 127).astype(np.uint8)
        # A palette file of indices 0 and 1: its colours must never be read.
        with Image.open(test / "2nd_manual" / f"{number:02}_manual2.gif") as file:
            second = np.asarray(file).astype(np.uint8)
        with Image.open(test / "mask" / f"{number:02}_test_mask.gif") as file:
            region = np.asarray(file.convert("L")) > 127
        truths = {"observer 1": first, "observer 2": second}
        cases.append(ScoredCase(f"{number:02}", f"{number:02}", truths, region, labels=second))
    found = score_cases(cases, BINARY, None)
    fields = {"predictor": "observer 2"}
    assert value(found, "dice", **fields) == pytest.approx(0.7891, abs=5e-5)
    assert value(found, "dice", pooling=PER_IMAGE, **fields) == pytest.approx(0.7881, abs=5e-5)
    assert value(found, "sensitivity", **fields) == pytest.approx(0.7746, abs=5e-5)
    assert value(found, "specificity", **fields) == pytest.approx(0.9725, abs=5e-5)
    assert value(found, "accuracy", **fields) == pytest.approx(0.9473, abs=5e-5)
    assert value(found, "dice") == value(found, "dice", **fields)
    (record,) = found.find(
        score="dice", pooling=PER_IMAGE, region=INSIDE, observer="observer 1", predictor="model"
    )
    assert record.low < 0.788 < record.high
