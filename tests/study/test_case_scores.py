"""Dice case by case, and its mean over runs with an interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.core.errors import LayoutError
from delineate.files.writing import write_csv
from delineate.metrics.intervals import bootstrap_mean, bootstrap_pooled
from delineate.study.case_scores import (
    CaseScores,
    interval_per_image,
    interval_pooled,
    mean_of_cases,
    read_case_scores,
)

FIXED = ("id", "subject", "status", "failure", "observer", "region")
ONE = (*FIXED, "truth_area_px", "prediction_area_px", "dice")


def table(path: Path, rows: list[tuple[object, ...]], header: tuple[str, ...] = ONE) -> Path:
    """A cases.csv of these rows."""
    write_csv(path, header, rows)
    return path


def scores(dice: list[float], truth: list[float], prediction: list[float]) -> CaseScores:
    """One class, a subject a case."""
    ids = tuple(f"c{place:02}" for place in range(len(dice)))
    columns = (np.array(each, np.float64)[:, None] for each in (dice, truth, prediction))
    return CaseScores(ids, ids, *columns)


def test_rows_of_the_asked_observer_and_region(tmp_path):
    """Other observers, regions and cases without truth are passed over; ids are in order."""
    file = table(
        tmp_path / "cases.csv",
        [
            ("b", "", "scored", "", "1", "whole frame", 10, 10, 0.5),
            ("b", "", "scored", "", "2", "whole frame", 9, 10, 0.9),
            ("a", "s1", "failed", "no file", "1", "whole frame", 8, "undefined", 0.0),
            ("a", "s1", "scored", "", "1", "inside the region", 8, 8, 1.0),
            ("c", "s1", "no truth", "no mask", "", "", "undefined", "undefined", "undefined"),
        ],
    )
    found = read_case_scores(file, observer="1", region="whole frame")
    assert (found.ids, found.subjects) == (("a", "b"), ("s1", "b"))
    assert found.dice.tolist() == [[0.0], [0.5]]
    assert found.truth_px.tolist() == [[8], [10]]
    assert found.prediction_px.tolist() == [[0], [10]]


def test_a_case_of_several_classes_has_their_mean(tmp_path):
    """Classes without a value in a case are left out of its mean."""
    names = ("truth_area_px", "prediction_area_px", "dice", "iou")
    header = (*FIXED, *(f"{one}: {name}" for one in ("a: b", "c") for name in names))
    rows = [
        ("x", "", "scored", "", "1", "whole frame", 4, 4, 0.5, 0.3, 4, 4, 1.0, 1.0),
        ("y", "", "scored", "", "1", "whole frame", 4, 4, 0.25, 0.3, 0, 0, "undefined", 1.0),
    ]
    found = read_case_scores(
        table(tmp_path / "cases.csv", rows, header), observer="1", region="whole frame"
    )
    assert found.of_case().tolist() == [0.75, 0.25]


def test_nothing_of_that_observer_is_refused(tmp_path):
    """A table of others says so and names itself."""
    file = table(tmp_path / "cases.csv", [("a", "", "scored", "", "1", "whole frame", 1, 1, 1.0)])
    with pytest.raises(LayoutError, match=r"cases\.csv: expected cases scored against 2"):
        read_case_scores(file, observer="2", region="whole frame")


def test_mean_over_runs():
    """A case is the mean of the runs in which it has a value."""
    runs = [scores([1.0, np.nan], [1, 1], [1, 1]), scores([0.5, 0.25], [1, 1], [1, 1])]
    assert mean_of_cases(runs).tolist() == [0.75, 0.25]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=10))
def test_of_one_run_intervals_are_those_of_an_evaluation(counts):
    """With one run: the bootstrap of the mean, and of hits over both areas."""
    hits = [min(h, t, p) for h, t, p in counts]
    truth, prediction = [t for _, t, _ in counts], [p for _, _, p in counts]
    dice = [
        2 * h / (t + p) if t + p else 1.0 for h, t, p in zip(hits, truth, prediction, strict=True)
    ]
    run = scores(dice, truth, prediction)
    assert interval_per_image([run], seed=3) == bootstrap_mean(dice, run.subjects, seed=3)
    both = [t + p for t, p in zip(truth, prediction, strict=True)]
    wanted = bootstrap_pooled([2 * h for h in hits], both, run.subjects, seed=3)
    assert interval_pooled([run], seed=3) == wanted


def test_of_two_runs_the_interval_is_that_of_their_mean():
    """Runs that lie above and below by the same have the interval of what lies between."""
    middle = np.linspace(0.3, 0.7, 12)
    area = [10.0] * 12
    runs = [scores(list(middle + shift), area, area) for shift in (-0.1, 0.1)]
    found = interval_per_image(runs, seed=0)
    wanted = bootstrap_mean(middle, runs[0].subjects, seed=0)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_pooled_counts_pixels_and_not_images():
    """A large case weighs more than a small one."""
    run = scores([1.0] + [0.0] * 11, [1000] + [1] * 11, [1000] + [1] * 11)
    found = interval_pooled([run], seed=0)
    assert found.high is not None
    assert found.high > 0.99
    assert interval_per_image([run], seed=0).high < 0.5


def test_same_truths_are_told():
    """Other cases, or other areas of their truth, are not the same."""
    first = scores([1.0, 0.5], [4, 4], [4, 2])
    assert first.answers_same(scores([0.1, 0.2], [4, 4], [1, 1]))
    assert not first.answers_same(scores([1.0, 0.5], [4, 5], [4, 2]))
    assert not first.answers_same(scores([1.0], [4], [4]))
