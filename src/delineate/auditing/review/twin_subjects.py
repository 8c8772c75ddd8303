"""Copies of one picture belong to one subject, even where nobody says to whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.decisions import NOT_A_TWIN, TWINS, Decision
from delineate.data.listing import counted
from delineate.data.sample import Dataset, Sample

_KINDS = (*TWINS, "leaked_twins", "leaked_file")


def not_twins(decisions: Iterable[Decision]) -> tuple[frozenset[str], ...]:
    """Groups of samples that decisions in force call different pictures."""
    return tuple(frozenset(d.samples) for d in decisions if d.action == NOT_A_TWIN)


def with_twin_subjects(
    dataset: Dataset, findings: Iterable[Finding], different: Collection[frozenset[str]]
) -> Dataset:
    """The data set with one subject for the copies of a picture, where nobody says whose it is.

    Copies without a subject join the one of the others, or get one that is named after the
    first of them. Where copies are said to be of several subjects, nothing is changed.
    """
    groups = [
        set(each.samples)
        for each in findings
        if each.kind in _KINDS and not any(set(each.samples) <= apart for apart in different)
    ]
    places = {sample.id: place for place, sample in enumerate(dataset.samples)}
    samples = list(dataset.samples)
    joined = made = 0
    for group in _connected(groups):
        members = sorted(places[each] for each in group if each in places)
        subject = _subject([samples[place] for place in members])
        unnamed = [place for place in members if samples[place].subject is None]
        if subject is None or not unnamed:
            continue
        for place in unnamed:
            samples[place] = replace(samples[place], subject=subject)
        joined, made = joined + len(unnamed), made + 1
    if not joined:
        return dataset
    note = (
        f"{counted(joined, 'image')} of which nobody says whose they are, but which are copies of "
        f"each other or of others, count as {counted(made, 'subject')}"
    )
    return replace(dataset, samples=tuple(samples), notes=(*dataset.notes, note))


def _subject(members: list[Sample]) -> str | None:
    """The one subject of these copies; None where there is one copy, or several subjects."""
    known = {each.subject for each in members} - {None}
    if len(members) < 2 or len(known) > 1:
        return None
    return known.pop() if known else f"twins of {members[0].id}"


def _connected(groups: Iterable[set[str]]) -> list[set[str]]:
    """Groups that share a sample, put together."""
    found: dict[str, set[str]] = {}
    for group in groups:
        whole = set(group).union(*(found[each] for each in group if each in found))
        found |= dict.fromkeys(whole, whole)
    return list({id(each): each for each in found.values()}.values())
