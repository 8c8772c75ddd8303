"""Findings as cards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.decisions import choose
from delineate.core.errors import UnreadableFileError
from delineate.core.types import default_classes
from delineate.data.sample import Sample
from delineate.report.audit_cards import (
    LARGE_PX,
    MOST_CARDS,
    MOST_COPIES,
    MOST_PICTURES,
    SMALL_PX,
    CardMaker,
    Plan,
    decision_commands,
    planned,
    spread,
)
from delineate.report.audit_content import Comparison, CopyView, Look

NAMES = [f"s{place}" for place in range(20)]
SAMPLES = {
    name: Sample(name, Path(f"{name}.png"), split="train" if place < 16 else "test")
    for place, name in enumerate(NAMES)
}


def seen(sample: Sample) -> Look:
    """A picture with a mask; one file is damaged."""
    if sample.id == "s3":
        raise UnreadableFileError("s3.png: the file is cut short; export it anew")
    labels = np.zeros((12, 18), np.uint8)
    labels[2:6, 3:9] = 1
    return Look(np.full((12, 18, 1), 80, np.uint8), labels)


def maker(**comparisons: Comparison) -> CardMaker:
    """A maker for the samples above."""
    return CardMaker(SAMPLES, seen, default_classes(2), comparisons, {}, "delineate review A")


def twins(count: int, **changes: object) -> tuple[Finding, Comparison]:
    """A finding about so many copies, and how they lie on each other."""
    names = tuple(NAMES[:count])
    finding = Finding("contradictory_twins", names, "One picture.")
    values: dict[str, object] = {"copies": tuple(CopyView(name) for name in names)}
    return finding, Comparison(**(values | changes))  # type: ignore[arg-type]


def test_a_pair_is_laid_side_by_side_with_its_differences() -> None:
    """First, copy, mask difference and image difference stand in this order, with figures."""
    finding, comparison = twins(2, dice="0.71", facts=(("Distance", "0.01"),))
    card = maker(**{finding.id: comparison}).card(Plan(finding, 100))
    assert card.comparison is not None
    names = [shown.name for shown in card.comparison.pictures]
    assert names == ["s0", "s1", "mask difference", "image difference"]
    assert card.comparison.facts == (("Dice of the masks", "0.71"), ("Distance", "0.01"))
    assert card.pictures == ()


def test_a_damaged_copy_is_said_in_its_place() -> None:
    """The others of a group are still shown, and nothing is compared with what is not there."""
    finding, comparison = twins(4)
    side = maker(**{finding.id: comparison}).card(Plan(finding, 100)).comparison
    assert side is not None
    damaged = side.others[2]
    assert damaged.copy.remark == "s3.png: the file is cut short; export it anew"
    assert damaged.copy.picture is None
    assert damaged.differences == ()


def test_large_groups_are_cut_and_counted() -> None:
    """What is not drawn of a group is said."""
    finding, comparison = twins(MOST_COPIES + 3)
    side = maker(**{finding.id: comparison}).card(Plan(finding, 100)).comparison
    assert side is not None
    assert len(side.others) == MOST_COPIES - 1
    assert side.left_out == 3


def test_a_copy_too_large_to_lay_has_words_in_place_of_differences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A comparison that cannot be made does not stop the page."""
    monkeypatch.setattr("delineate.report.audit_differences.LONGEST_LAID_PX", 10)
    finding, comparison = twins(2)
    moved = replace(comparison.copies[1], matrix=(1.0, 0.0, 1.0, 0.0, 1.0, 0.0))
    comparison = replace(comparison, copies=(comparison.copies[0], moved))
    side = maker(**{finding.id: comparison}).card(Plan(finding, 100)).comparison
    assert side is not None
    assert "expected pictures of at most 10 px" in side.others[0].differences[0].remark


def test_a_comparison_whose_first_picture_is_unknown_becomes_a_row_of_pictures() -> None:
    """The others lie on the first: without it nothing is laid on anything."""
    finding, comparison = twins(2)
    strange = replace(comparison, copies=(CopyView("gone"), *comparison.copies))
    card = maker(**{finding.id: strange}).card(Plan(finding, 100))
    assert card.comparison is None
    assert [shown.name for shown in card.pictures] == ["s0", "s1"]


def test_samples_that_cannot_be_shown_are_counted() -> None:
    """Ids that are no samples, and those beyond the most, are left out and said to be."""
    finding = Finding("sequence", ("gone", *NAMES), "Frames.")
    card = maker().card(Plan(finding, 100))
    assert len(card.pictures) == MOST_PICTURES
    assert card.left_out == len(NAMES) + 1 - MOST_PICTURES


def test_every_split_has_pictures_among_the_chosen() -> None:
    """A leak is seen from both sides, however unequal they are."""
    chosen = spread(list(SAMPLES.values()), 6)
    assert [one.split for one in chosen].count("test") == 3
    assert spread(list(SAMPLES.values())[:4], 6) == tuple(SAMPLES.values())[:4]


@pytest.mark.parametrize("most", [1, 2, 5, 6, 19])
def test_never_more_are_chosen_than_asked_for(most: int) -> None:
    """The limit holds for any number of splits, and no sample stands twice."""
    samples = [replace(one, split=str(place % 4)) for place, one in enumerate(SAMPLES.values())]
    chosen = spread(samples, most)
    assert 0 < len(chosen) <= most
    assert len({one.id for one in chosen}) == len(chosen)


def test_the_worst_are_large_and_the_last_are_only_listed() -> None:
    """Cards get smaller, then fewer, with their number; each kind counts for itself."""
    pairs = [
        (Finding("twins", ("s0", "s1"), "One.", about=str(place)), twins(2)[1])
        for place in range(MOST_CARDS + 5)
    ]
    other = Finding("blank_image", ("s1",), "Blank.")
    comparisons = {finding.id: comparison for finding, comparison in pairs}
    plans = planned([finding for finding, _ in pairs] + [other], comparisons)
    assert len(plans) == MOST_CARDS + 1
    assert plans[-1].finding == other
    assert [plans[0].longest_px, plans[MOST_CARDS - 1].longest_px] == [LARGE_PX, SMALL_PX]


def test_commands_can_be_copied_as_they_stand() -> None:
    """Ids are quoted for the shell, and each line says what it does."""
    finding = Finding("contradictory_twins", ("a b.tif", "c"), "One picture.")
    first = decision_commands(finding, "delineate review A")[0]
    assert first.line == f"delineate review A --decide {finding.id} keep_one --sample 'a b.tif'"
    assert first.meaning == "keep the sample that is named, drop the other copies"


@pytest.mark.parametrize(
    ("kind", "samples", "matrices", "offered"),
    [
        ("contradictory_twins", 2, 2, "keep_one keep_both union intersection replace not_a_twin"),
        ("contradictory_twins", 2, 0, "keep_one keep_both replace not_a_twin"),
        (
            "contradictory_twins",
            3,
            3,
            "keep_one keep_both union intersection majority replace not_a_twin",
        ),
        ("leaked_file", 2, 0, "keep_one keep_both"),
        ("unusual_mask", 1, 0, "keep replace drop"),
        ("sequence", 9, 0, "keep"),
        ("nested_copy", 0, 0, ""),
    ],
)
def test_only_decisions_that_can_be_made_are_offered(
    kind: str, samples: int, matrices: int, offered: str
) -> None:
    """A merge needs its maps and a majority three; every offer is accepted by the review."""
    evidence = {"matrices": [[1, 0, 0, 0, 1, 0]] * matrices}
    finding = Finding(kind, tuple(NAMES[:samples]), "x", evidence)
    commands = decision_commands(finding, "r")
    names = [command.line.split()[3] for command in commands]
    assert names == offered.split()
    for name in names:
        choose(
            finding, name, samples=finding.samples[:1] if name in ("keep_one", "replace") else ()
        )
