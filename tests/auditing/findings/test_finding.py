"""Findings: their names, order and documents."""

from __future__ import annotations

import json

import pytest

from delineate.auditing.findings.finding import KINDS, SEVERITIES, Finding, ordered
from delineate.core.errors import SettingsError


def test_the_name_follows_kind_and_samples_alone() -> None:
    """A later audit with other words and numbers gives the same finding the same name."""
    first = Finding("twins", ("a", "b"), "alike", {"distance": 1.0}, badness=2)
    second = Finding("twins", ("b", "a"), "still alike", {"distance": 1.1})
    assert first.id == second.id
    assert first.id != Finding("contradictory_twins", ("a", "b"), "alike").id
    assert first.id != Finding("twins", ("a", "c"), "alike").id
    assert first.id != Finding("twins", ("a", "b"), "alike", about="observer 2").id


def test_an_unknown_kind_is_refused() -> None:
    """A kind that nobody has described is an error with the nearest proposed."""
    with pytest.raises(SettingsError, match="did you mean 'twins'"):
        Finding("twin", ("a",), "alike")


def test_the_usual_action_is_suggested() -> None:
    """A finding without a suggestion of its own has its kind's."""
    assert Finding("twins", ("a", "b"), "alike").suggestion == "keep one"
    assert Finding("twins", ("a", "b"), "alike", suggestion="look").suggestion == "look"


def test_worst_first_within_the_order_of_kinds() -> None:
    """Kinds keep their order, and in each the worst comes first."""
    mild, bad = Finding("twins", ("a",), "", badness=1), Finding("twins", ("b",), "", badness=9)
    damaged = Finding("unreadable_image", ("c",), "")
    assert ordered([mild, damaged, bad]) == (damaged, bad, mild)


def test_every_kind_says_what_to_do() -> None:
    """Severity, meaning and suggestion of each kind are filled in."""
    for kind in KINDS.values():
        assert kind.severity in SEVERITIES
        assert kind.title
        assert kind.meaning.endswith(".")
        assert kind.suggestion


def test_the_document_is_plain_json() -> None:
    """A finding goes to JSON and carries its name and severity."""
    document = Finding("twins", ("a", "b"), "alike", {"dice": 0.5}).to_document()
    assert json.loads(json.dumps(document)) == document
    assert document["severity"] == "warning"
    assert len(document["id"]) == 10
