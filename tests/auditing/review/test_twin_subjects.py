"""Copies of one picture belong to one subject."""

from __future__ import annotations

from pathlib import Path

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.twin_subjects import with_twin_subjects
from delineate.data.sample import Dataset, Sample


def dataset_of(**subjects: str | None) -> Dataset:
    """Samples by name with their subjects."""
    samples = tuple(Sample(name, Path(name), who) for name, who in subjects.items())
    return Dataset(Path(), "folders", "", samples)


def twins(*samples: str) -> Finding:
    """A finding that these are copies."""
    return Finding("twins", samples, "copies")


def subjects_of(dataset: Dataset) -> dict[str, str | None]:
    """Who is who."""
    return {sample.id: sample.subject for sample in dataset.samples}


def test_groups_that_share_a_sample_are_one() -> None:
    """Copies of copies are copies, whichever finding says so."""
    found = [twins("a", "b"), twins("c", "d"), Finding("leaked_file", ("b", "c"), "same")]
    result = with_twin_subjects(dataset_of(a=None, b=None, c=None, d=None, e=None), found, ())
    assert subjects_of(result) == dict.fromkeys("abcd", "twins of a") | {"e": None}


def test_a_copy_joins_the_subject_of_the_other() -> None:
    """Who is known speaks for a copy of whom nobody knows anything."""
    result = with_twin_subjects(dataset_of(a=None, b="X"), [twins("a", "b")], ())
    assert subjects_of(result) == {"a": "X", "b": "X"}


def test_several_subjects_are_left_as_they_are() -> None:
    """What people said about subjects is not overruled; it is a finding."""
    given = dataset_of(a="X", b="Y", c=None)
    assert with_twin_subjects(given, [twins("a", "b", "c")], ()) == given


def test_samples_that_are_gone_make_no_group() -> None:
    """A copy whose others are not in the data is a picture like any other."""
    given = dataset_of(a=None)
    assert with_twin_subjects(given, [twins("a", "b")], ()) == given


def test_other_findings_join_nobody() -> None:
    """Look-alikes and odd masks are no copies."""
    given = dataset_of(a=None, b=None)
    found = [Finding("look_alikes", ("a", "b"), ""), Finding("unusual_mask", ("a", "b"), "")]
    assert with_twin_subjects(given, found, ()) == given


def test_who_calls_a_group_different_parts_its_smaller_groups() -> None:
    """A verdict on three pictures holds for each two of them."""
    given = dataset_of(a=None, b=None, c=None)
    assert with_twin_subjects(given, [twins("a", "b")], [frozenset("abc")]) == given
    joined = with_twin_subjects(given, [twins("a", "b", "c")], [frozenset("ab")])
    assert len(set(subjects_of(joined).values())) == 1
