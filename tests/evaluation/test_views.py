"""Views score parts of the cases, and earlier labels, from the same predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from delineate.core.types import default_classes
from delineate.evaluation.baselines import mean_training_mask
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.records import (
    AS_DECIDED,
    BEFORE,
    EVERY_CASE,
    UNLEAKED,
    UNTOUCHED,
    Evaluation,
)
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.views import View

SIZE = (6, 8)
QUICK = EvaluationSettings(resamples=100)


def random_cases(count: int = 24, *, classes: int = 2) -> list[ScoredCase]:
    """Cases of two images a subject, with two observers, a region and probabilities."""
    random = np.random.default_rng(3)
    cases = []
    for number in range(count):
        truth = random.integers(0, classes, SIZE).astype(np.uint8)
        logits = random.random((classes, *SIZE)).astype(np.float32)
        logits += 0.5 * (np.arange(classes)[:, None, None] == truth)
        probability = logits / logits.sum(axis=0)
        region = np.ones(SIZE, bool)
        region[:, -2:] = False
        cases.append(
            ScoredCase(
                f"case {number}",
                f"subject {number // 2}",
                {"1": truth, "2": np.where(truth == 1, 0, truth).astype(np.uint8)},
                region=region,
                probability=probability[1:] if classes == 2 else probability,
            )
        )
    return cases


def score(cases: list[ScoredCase], *, classes: int = 2, **options: object) -> Evaluation:
    """The evaluation, with a mean training mask beside the model."""
    threshold = 0.5 if classes == 2 else None
    baseline = mean_training_mask([cases[0].truths["1"]], class_count=classes)
    return score_cases(
        cases,
        default_classes(classes),
        threshold,
        mean_training_mask=baseline,
        settings=QUICK,
        **options,
    )


def flipped(case: ScoredCase) -> ScoredCase:
    """The case with other labels than before, decided by somebody."""
    decided = {name: 1 - labels for name, labels in case.truths.items()}
    return replace(case, truths=decided, earlier=case.truths)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_view_equals_an_evaluation_of_its_cases(classes: int) -> None:
    """Every headline figure of a view is what the cases score by themselves, to the last bit."""
    cases = random_cases(classes=classes)
    gone = frozenset({"case 0", "case 7"})
    whole = score(cases, classes=classes, views=[View(UNLEAKED, gone)])
    alone = score_cases(
        [case for case in cases if case.id not in gone],
        default_classes(classes),
        0.5 if classes == 2 else None,
        mean_training_mask=mean_training_mask([cases[0].truths["1"]], class_count=classes),
        settings=QUICK,
    )
    first, view = whole.views
    assert (first.name, first.cases, first.records) == (EVERY_CASE, 24, whole.headline())
    assert (view.name, view.cases, view.subjects) == (UNLEAKED, 22, 12)
    assert view.records == alone.headline()
    assert {record.predictor for record in view.records} > {"model", "mean training mask"}


def test_without_views_nothing_is_counted_twice() -> None:
    """A plain evaluation has no views, and its document says so with an empty list."""
    found = score(random_cases(4))
    assert found.views == ()
    assert found.to_document()["views"] == []


def test_views_leave_the_whole_as_it_is() -> None:
    """Every other figure is the same with and without views."""
    cases = random_cases()
    plain = score(cases).to_document()
    viewed = score(cases, views=[View(UNLEAKED, frozenset({"case 1"}))]).to_document()
    assert {**viewed, "views": []} == plain


def test_earlier_labels_and_untouched_cases_are_views() -> None:
    """Changed labels are scored as decided, as before, and left out."""
    cases = random_cases()
    decided = [flipped(cases[0]), *cases[1:5], flipped(cases[5]), *cases[6:]]
    whole, before, untouched = score(decided).views
    assert (whole.name, before.name, untouched.name) == (AS_DECIDED, BEFORE, UNTOUCHED)
    assert (whole.cases, before.cases, untouched.cases) == (24, 24, 22)
    order = [*cases[1:5], *cases[6:], cases[0], cases[5]]  # the touched ones come last
    plain = score_cases(
        order,
        default_classes(2),
        0.5,
        mean_training_mask=mean_training_mask([decided[0].truths["1"]]),
        settings=QUICK,
    )
    assert before.records == plain.headline()
    assert whole.records != before.records


def test_a_dropped_case_counts_before_the_decisions_alone() -> None:
    """It has no row and no part in the whole, and stands among the earlier labels."""
    cases = random_cases(6)
    dropped = replace(cases[2], truths={}, earlier=cases[2].truths, is_dropped=True)
    found = score([*cases[:2], dropped, *cases[3:]])
    whole, before, untouched = found.views
    assert (found.cases, whole.cases, before.cases, untouched.cases) == (5, 5, 6, 5)
    assert untouched.records == whole.records
    assert not [row for row in found.case_table.rows if row[0] == "case 2"]
    assert found.to_document()["views"][1]["cases"] == 6


def test_a_view_without_cases_has_no_scores() -> None:
    """Where everything is left out there is nothing to score, and no error."""
    cases = random_cases(3)
    view = score(cases, views=[View(UNLEAKED, frozenset(c.id for c in cases))]).views[1]
    assert (view.cases, view.subjects, view.records) == (0, 0, ())


def test_failures_among_hard_masks_have_no_ranking_before_the_decisions() -> None:
    """A changed case that failed does not give hard masks an AUC of zero."""
    truth = np.array([[1, 0]], np.uint8)
    cases = [
        ScoredCase("a", None, {"1": truth}, labels=truth),
        ScoredCase("b", None, {"1": truth}, failure="gone", earlier={"1": 1 - truth}),
    ]
    views = {view.name: view for view in score_cases(cases, default_classes(2), None).views}
    aucs = [r for r in views[BEFORE].records if (r.score, r.predictor) == ("roc_auc", "model")]
    assert [record.value for record in aucs] == [None]
    (dice,) = (
        r
        for r in views[BEFORE].records
        if (r.score, r.pooling, r.predictor) == ("dice", "mean per image", "model")
    )
    assert (dice.value, dice.failed_cases) == (0.5, 1)
