"""Objects in an evaluation: where they come from, what counts, and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from delineate.core.types import IGNORE, DrawnObject, default_classes
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.objects import ObjectTally
from delineate.evaluation.records import CLASS_MEAN, INSIDE, WHOLE, ObjectFigures, ScoreRecord
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings

BINARY, THREE = default_classes(2), default_classes(3)
QUICK = EvaluationSettings(resamples=100)


def scored(*cases: ScoredCase, classes=BINARY, threshold=0.5, **fields) -> ObjectFigures:
    """The objects of these cases."""
    tally = ObjectTally(classes, **fields)
    overlapping = fields.get("is_overlapping", False)
    found = score_cases(
        cases, classes, threshold, objects=tally, is_overlapping=overlapping, settings=QUICK
    )
    assert found.objects is not None
    return found.objects


def record(figures: ObjectFigures, score: str, name: str = "foreground") -> ScoreRecord:
    """The one figure of this score and class."""
    (found,) = [one for one in figures.records if (one.score, one.label_class) == (score, name)]
    return found


def row(*values: int) -> np.ndarray:
    """One row of pixels."""
    return np.array([values], np.uint8)


def test_components_are_counted_by_hand() -> None:
    """Of two true objects one is found, of two predicted ones one is false."""
    case = ScoredCase("a", None, {"1": row(1, 1, 0, 1, 0, 0, 0)}, labels=row(1, 1, 0, 0, 0, 1, 1))
    figures = scored(case)
    assert record(figures, "object_precision").value == 0.5
    assert record(figures, "object_recall").value == 0.5
    assert record(figures, "object_f1").value == 0.5
    assert record(figures, "object_count_error").value == 0.0
    assert figures.case_table.rows == (("a", "", "1", "foreground", 2, 2, 1, 1, 1, 0),)


def test_count_errors_have_a_sign_and_none() -> None:
    """One object too many here and two too few there: mean -0.5, absolute 1.5."""
    more = ScoredCase("a", None, {"1": row(1, 0, 0, 0, 0)}, labels=row(1, 0, 1, 0, 0))
    less = ScoredCase("b", None, {"1": row(1, 0, 1, 0, 1)}, labels=row(1, 0, 0, 0, 0))
    figures = scored(more, less)
    assert record(figures, "object_count_error").value == -0.5
    assert record(figures, "object_count_absolute_error").value == 1.5


def test_instances_come_before_components() -> None:
    """Two true objects that touch are one component, and two where the case brings them."""
    truth = row(1, 1, 1, 1)
    halves = [row(1, 1, 0, 0).astype(bool), row(0, 0, 1, 1).astype(bool)]
    objects = {"1": [DrawnObject(1, mask) for mask in halves]}
    case = ScoredCase("a", None, {"1": truth}, labels=truth, objects=objects)
    as_instances = scored(case, has_instances=True)
    assert record(as_instances, "object_count_error").value == -1
    as_components = scored(ScoredCase("a", None, {"1": truth}, labels=truth))
    assert record(as_components, "object_count_error").value == 0
    assert "single objects of the data set" in as_instances.rules[0]
    assert "connected components" in as_components.rules[0]


def test_pixels_that_do_not_count_cut_objects_on_both_sides() -> None:
    """Outside the region and under the ignore label there are no objects."""
    truth = row(1, 1, 0, IGNORE, IGNORE, 0, 1)
    region = row(1, 1, 1, 1, 1, 1, 0).astype(bool)
    case = ScoredCase("a", None, {"1": truth}, region=region, labels=row(1, 1, 0, 1, 1, 0, 1))
    figures = scored(case)
    assert figures.case_table.rows[0][4:8] == (1, 1, 1, 0)
    assert {one.region for one in figures.records} == {INSIDE}
    whole = scored(ScoredCase("a", None, {"1": truth}, labels=row(1, 1, 0, 1, 1, 0, 1)))
    assert whole.case_table.rows[0][4:6] == (2, 2)
    assert {one.region for one in whole.records} == {WHOLE}


def test_the_surer_object_comes_first() -> None:
    """A false object of low probability costs less average precision than one of high."""

    def ap(first: float, second: float) -> float:
        probability = np.array([[[first, first, 0, second, second]]], np.float32)
        case = ScoredCase("a", None, {"1": row(1, 1, 0, 0, 0)}, probability=probability)
        figures = scored(case)
        assert "mean probability" in figures.rules[1]
        return record(figures, "object_ap").value

    assert ap(0.9, 0.6) == pytest.approx(1.0)
    assert ap(0.6, 0.9) == pytest.approx(0.5)


def test_hard_masks_say_that_nothing_ranks_their_objects() -> None:
    """Their objects all have the score 1, and the rules say what follows."""
    figures = scored(ScoredCase("a", None, {"1": row(1)}, labels=row(1)))
    assert "nothing ranks them" in figures.rules[1]


def test_a_failed_case_has_found_nothing() -> None:
    """Its true objects are missed, and its row is there."""
    good = ScoredCase("a", None, {"1": row(1, 0)}, labels=row(1, 0))
    bad = ScoredCase("b", None, {"1": row(1, 0)}, failure="gone")
    figures = scored(good, bad)
    found = record(figures, "object_recall")
    assert (found.value, found.failed_cases, found.cases) == (0.5, 1, 2)
    assert [line[0] for line in figures.case_table.rows] == ["a", "b"]


def test_the_mean_of_classes_leaves_out_what_has_no_value() -> None:
    """A class without true objects has no recall and no weight in the mean."""
    case = ScoredCase("a", None, {"1": row(1, 0, 0)}, labels=row(1, 0, 2))
    figures = scored(case, classes=THREE, threshold=None)
    assert record(figures, "object_recall", "class 2").value is None
    assert record(figures, "object_ap", "class 2").value is None
    assert "no object" in str(record(figures, "object_ap", "class 2").why_undefined)
    assert record(figures, "object_recall", CLASS_MEAN).value == 1.0
    assert record(figures, "object_precision", CLASS_MEAN).value == 0.5
    assert record(figures, "object_ap", CLASS_MEAN).value == pytest.approx(1.0)


def test_objects_of_classes_that_overlap_are_found_in_the_same_pixels() -> None:
    """Codes hold an object of each class at one place."""
    case = ScoredCase("a", None, {"1": row(3, 3, 0, 2)}, labels=row(3, 3, 0, 0))
    figures = scored(case, classes=THREE, threshold=None, is_overlapping=True)
    assert record(figures, "object_recall", "class 1").value == 1.0
    assert record(figures, "object_recall", "class 2").value == 0.5


def test_intervals_resample_subjects_and_ranked_figures_have_none() -> None:
    """With ten subjects counts have an interval; average precision says why it has none."""
    cases = [
        ScoredCase(f"{n}", f"s{n}", {"1": row(1, 0, 1)}, labels=row(1, 0, n % 2)) for n in range(10)
    ]
    figures = scored(*cases)
    recall, ap = record(figures, "object_recall"), record(figures, "object_ap")
    assert recall.low is not None
    assert recall.low < recall.value == 0.75 < recall.high
    assert (ap.low, ap.why_no_interval) == (
        None,
        "no interval: objects of all cases are ranked together",
    )


def test_more_objects_than_coco_looks_at_are_told() -> None:
    """An image with 150 objects of a class has a rule that says so."""
    mask = np.zeros((30, 40), np.uint8)
    mask[::3, ::2][:, :15] = 1
    case = ScoredCase("a", None, {"1": mask}, labels=mask)
    figures = scored(case)
    assert figures.case_table.rows[0][4] == 150
    assert any("up to 150 true objects" in rule for rule in figures.rules)
    assert record(figures, "object_recall").value == 1.0
    assert record(figures, "object_ar100").value == pytest.approx(100 / 150)


def test_the_document_is_plain_json() -> None:
    """Records with their rules, and nothing where objects were not counted."""
    case = ScoredCase("a", None, {"1": row(1, 0)}, labels=row(1, 0))
    document = json.loads(json.dumps(scored(case).to_document()))
    assert "object_ap of foreground, model against 1" in document["records"][0]["rule"]
    assert score_cases([case], BINARY, None).to_document()["objects"] is None
