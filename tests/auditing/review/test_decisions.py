"""What may be decided, and what is in force."""

from __future__ import annotations

import pytest

from delineate.auditing.findings.finding import KINDS, Finding
from delineate.auditing.review.decisions import ACTIONS, Decision, choose, fitting, in_force
from delineate.core.errors import SettingsError

from .conftest import BALANCE, DOUBLE, ODD, TRIPLE


def decision(number: int, action: str, *samples: str, undoes: int | None = None) -> Decision:
    """A line of the log about the group of three."""
    argument = samples[0] if action == "keep_one" else ""
    named = TRIPLE.samples if action not in ("drop", "replace") else samples
    return Decision(number, TRIPLE.id, action, named, argument, None, undoes, "ada", "", "")


def numbers(*decisions: Decision) -> list[int]:
    """Which of these lines are in force."""
    return [each.number for each in in_force(decisions)]


def test_a_later_decision_on_the_whole_takes_the_place_of_all_earlier_ones() -> None:
    """Only the last word on a finding counts."""
    drop = decision(2, "drop", "a")
    assert numbers(decision(1, "union"), drop, decision(3, "keep_one", "b")) == [3]


def test_single_samples_stand_beside_the_whole() -> None:
    """A union with one copy dropped and another one's mask replaced holds three decisions."""
    replaced = decision(3, "replace", "b")
    assert numbers(decision(1, "union"), decision(2, "drop", "a"), replaced) == [1, 2, 3]


def test_a_later_word_on_the_same_sample_counts() -> None:
    """A replaced mask takes the place of an earlier one, and of dropping the sample."""
    assert numbers(decision(1, "drop", "a"), decision(2, "replace", "a")) == [2]
    assert numbers(decision(1, "drop", "a"), decision(2, "replace", "b")) == [1, 2]


def test_leaving_everything_ends_with_the_next_decision() -> None:
    """Who keeps both and then drops one does not keep both any more."""
    assert numbers(decision(1, "keep_both"), decision(2, "drop", "a")) == [2]


def test_undo_brings_back_what_was_replaced() -> None:
    """An undone decision frees the earlier one; an undone undo puts it back in force."""
    log = [decision(1, "union"), decision(2, "majority"), decision(3, "undo", undoes=2)]
    assert numbers(*log) == [1]
    assert numbers(*log, decision(4, "undo", undoes=3)) == [2]


def test_decisions_on_other_findings_stay() -> None:
    """Two findings do not touch each other's decisions."""
    other = Decision(1, ODD.id, "drop", ("e",), "", None, None, "ada", "", "")
    assert numbers(other, decision(2, "union")) == [1, 2]


def test_what_fits_depends_on_the_kind() -> None:
    """Copies can be merged, a single mask only replaced, a figure about all only seen."""
    assert "union" in fitting(TRIPLE)
    assert set(fitting(ODD)) == {"keep", "replace", "drop"}
    assert fitting(BALANCE) == ("keep",)


def test_every_kind_can_be_seen_to() -> None:
    """There is a way to say of any finding that it was looked at, and each action fits some."""
    for kind in KINDS:
        assert {"keep", "keep_both"} & set(fitting(Finding(kind, (), "")))
    for name, action in ACTIONS.items():
        assert action.kinds, name
        assert action.meaning, name


def test_merging_needs_to_know_how_pictures_lie() -> None:
    """A finding without the maps between its pictures cannot be merged."""
    bare = Finding("twins", ("a", "b"), "alike")
    with pytest.raises(SettingsError, match=r"union does not fit 'twins'; expected keep_one"):
        choose(bare, "union")


@pytest.mark.parametrize(
    ("finding", "action", "samples", "message"),
    [
        (ODD, "union", (), "union does not fit 'unusual_mask'; expected keep, replace, drop"),
        (ODD, "dorp", (), "unknown action 'dorp'; did you mean 'drop'"),
        (TRIPLE, "keep_one", (), "keep_one needs to know which of a, b, c"),
        (TRIPLE, "keep_one", ("a", "b"), "keep_one takes one sample, found 2: a, b"),
        (TRIPLE, "keep_one", ("z",), "no sample 'z' in it; It is about a, b, c"),
        (TRIPLE, "drop", (), "drop needs to know which of a, b, c"),
        (TRIPLE, "union", ("a",), "union speaks of all its samples"),
        (BALANCE, "drop", (), "drop does not fit 'class_balance'; expected keep"),
    ],
)
def test_what_does_not_fit_is_refused(
    finding: Finding, action: str, samples: tuple[str, ...], message: str
) -> None:
    """The error names the finding, what was expected, and the nearest."""
    with pytest.raises(SettingsError, match=message):
        choose(finding, action, samples=samples)


def test_the_only_sample_need_not_be_named() -> None:
    """A finding about one sample leaves no doubt."""
    assert choose(ODD, "drop").samples == ("e",)
    assert choose(DOUBLE, "keep_one", argument="b").argument == "b"
