"""What stands on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.auditing.copies.records import FrameSequence, TwinGroup
from delineate.auditing.findings.leaks import (
    FILE,
    LEAKS,
    SEQUENCE,
    SUBJECT,
    THIS_DATA,
    TWINS,
    find_leaks,
    leak_findings,
    leaked_ids,
)
from delineate.data.opening import open_dataset
from delineate.data.sample import Sample
from delineate.data.splitting import shared_subjects

SAME = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def sample(name: str, split: str | None, subject: str | None = None) -> Sample:
    """A sample of which only this is known."""
    return Sample(name, Path(f"{name}.png"), split=split, subject=subject)


def group(*members: int) -> TwinGroup:
    """Copies of one picture."""
    return TwinGroup(members, (), (SAME,) * len(members))


def kinds(leaks: Iterable[object]) -> list[str]:
    """The kind of each leak."""
    return [leak.kind for leak in leaks]  # type: ignore[attr-defined]


def test_identical_files_are_told_once() -> None:
    """The same file in two splits is a leak, and not reported as a copy as well."""
    samples = [sample("a", "train"), sample("b", "test"), sample("c", "train")]
    digests = {0: b"x", 1: b"x", 2: b"y"}
    (leak,) = find_leaks(samples, groups=[group(0, 1)], digests=digests)
    assert (leak.kind, leak.samples, leak.splits) == (FILE, ("a", "b"), ("train", "test"))
    assert leak.words == "One file, byte for byte, stands in train (a) and in test (b)"


def test_changed_copies_are_told_beside_identical_files() -> None:
    """A group that holds more than one file is a leak of its own."""
    samples = [sample("a", "train"), sample("b", "test"), sample("c", "test")]
    found = find_leaks(samples, groups=[group(0, 1, 2)], digests={0: b"x", 1: b"x", 2: b"y"}.get)
    assert kinds(found) == [FILE, TWINS]
    assert found[1].samples == ("a", "b", "c")


def test_copies_within_a_split_do_not_leak() -> None:
    """Copies, subjects and frames on one side, or on none, are no leak."""
    samples = [sample("a", "train", "1"), sample("b", "train", "1"), sample("c", None, "1")]
    sequence = FrameSequence("s", (0, 1, 2), 0.9, 0.1)
    digests = dict.fromkeys(range(3), b"x")
    assert not find_leaks(samples, groups=[group(0, 1, 2)], sequences=[sequence], digests=digests)


def test_files_outside_of_every_split_do_not_make_a_copy_leak() -> None:
    """One file in two splits and a changed copy in none is told as a file alone."""
    samples = [sample("a", "train"), sample("b", "test"), sample("c", None)]
    digests = {0: b"x", 1: b"x", 2: b"y"}
    assert kinds(find_leaks(samples, groups=[group(0, 1, 2)], digests=digests)) == [FILE]


def test_copies_without_digests() -> None:
    """Where no digests are known, a group in two splits is a leak of copies."""
    samples = [sample("a", "validation"), sample("b", "test")]
    (leak,) = find_leaks(samples, groups=[group(0, 1)])
    assert leak.kind == TWINS
    assert leak.sides == ("validation", "test")


def test_sequences_of_one_name_are_one() -> None:
    """Runs of frames that bear one name leak together when they stand in two splits."""
    samples = [sample(f"v_{k}", "train" if k < 3 else "test") for k in range(6)]
    runs = [FrameSequence("v", (0, 1, 2), 0.9, 0.1), FrameSequence("v", (3, 4, 5), 0.9, 0.1)]
    (leak,) = find_leaks(samples, sequences=runs)
    assert (leak.kind, leak.who, len(leak.samples)) == (SEQUENCE, "v", 6)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["train", "validation", "test", None]),
            st.sampled_from(["1", "2", None]),
        ),
        max_size=8,
    )
)
def test_subjects_as_the_split_has_them(facts: list[tuple[str | None, str | None]]) -> None:
    """The leaked subjects and their splits are those that a split is refused for."""
    samples = [sample(str(k), split, subject) for k, (split, subject) in enumerate(facts)]
    found = {leak.who: leak.sides for leak in find_leaks(samples)}
    assert found == shared_subjects(samples)


def test_leaked_cases_of_the_scored_split() -> None:
    """The cases to leave out are those of that split alone."""
    samples = [
        sample("a", "train", "1"), sample("b", "test", "1"), sample("c", "test", "2"),
        sample("d", "validation"), sample("e", "test"),
    ]  # fmt: skip
    leaks = find_leaks(samples, groups=[group(3, 4)])
    assert leaked_ids(leaks, "test") == {"b", "e"}
    assert leaked_ids(leaks, "train") == {"a"}
    assert leaked_ids((), "test") == set()


def test_two_data_sets() -> None:
    """Against another set, its splits do not matter and its own leaks are not told."""
    samples = [
        sample("a", "train", "7"), sample("b", None), sample("other:a", "train", "7"),
        sample("other:x", "train"), sample("other:y", "test"),
    ]  # fmt: skip
    digests = {0: b"1", 1: b"2", 2: b"3", 3: b"4", 4: b"4"}
    leaks = find_leaks(samples, groups=[group(1, 3)], digests=digests, against="other")
    assert kinds(leaks) == [TWINS, SUBJECT]
    assert leaks[0].samples == ("b", "other:x")
    assert leaks[0].splits == (THIS_DATA, "other")
    assert "if that means one person" in leaks[1].words
    assert leaked_ids(leaks, "train") == set()
    findings = leak_findings(leaks)
    assert [each.about for each in findings] == ["this data and other"] * 2
    assert "one of the two data sets" in findings[0].suggestion


def test_another_data_set_may_be_called_test() -> None:
    """What leaks between data sets is no leaked case of a split of that name."""
    samples = [sample("a", "train"), sample("test:a", "train")]
    leaks = find_leaks(samples, digests={0: b"x", 1: b"x"}, against="test")
    assert leaks[0].splits == (THIS_DATA, "test")
    assert leaked_ids(leaks, "test") == set()


def test_own_leaks_stay_beside_those_against_another_set() -> None:
    """A subject in two splits here and in the other set gives two findings."""
    samples = [sample("a", "train", "7"), sample("b", "test", "7"), sample("o:a", "test", "7")]
    first, second = leak_findings(find_leaks(samples, against="o"))
    assert first.samples == ("a", "b")
    assert second.samples == ("a", "b", "o:a")
    assert first.id != second.id


def test_findings_count_each_side() -> None:
    """The evidence says how many samples each split has, and the largest leak is the worst."""
    samples = [sample(f"{k}", "train" if k % 3 else "test", "1") for k in range(12)]
    (finding,) = leak_findings(find_leaks(samples))
    assert finding.kind == SUBJECT
    assert finding.evidence["counts"] == {"train": 8, "test": 4}
    assert finding.badness == 12
    assert "train (8 images, 1 the first)" in finding.text
    assert finding.severity == "error"


def test_every_kind_of_leak_is_a_kind_of_finding() -> None:
    """Each kind can be told as a finding."""
    samples = [sample("a", "train", "1"), sample("b", "test", "1"), sample("c", "test")]
    leaks = find_leaks(
        samples,
        groups=[group(0, 1, 2)],
        sequences=[FrameSequence("s", (0, 2), 1, 0)],
        digests={0: b"x", 1: b"x"},
    )
    assert kinds(leaks) == list(LEAKS)
    assert [each.kind for each in leak_findings(leaks)] == list(LEAKS)


@pytest.mark.parametrize("folder", ["nerve_jpeg"])
def test_all_four_subjects_of_the_nerve_set_leak(shared_data: Path, folder: str) -> None:
    """Each of its subjects stands on both sides of its folders, so each test case leaks."""
    samples = open_dataset(shared_data / folder).samples
    leaks = find_leaks(samples)
    assert {leak.who for leak in leaks} == {"3", "11", "20", "33"}
    assert leaked_ids(leaks, "test") == {s.id for s in samples if s.split == "test"}


def test_video_sequences_of_the_street_scenes_leak(shared_data: Path) -> None:
    """Sequences by the first part of the name are shared by its splits."""
    # Who is who is known there; here the sequences alone shall tell.
    samples = tuple(
        replace(each, subject=None) for each in open_dataset(shared_data / "camvid").samples
    )
    members: dict[str, list[int]] = {}
    for position, each in enumerate(samples):
        members.setdefault(each.id.split("_")[0], []).append(position)
    runs = [FrameSequence(name, tuple(own), 0.9, 0.5) for name, own in members.items()]
    leaks = find_leaks(samples, sequences=runs)
    assert {leak.kind for leak in leaks} == {SEQUENCE}
    assert {leak.who: leak.sides for leak in leaks}["0001TP"] == ("train", "test")
