"""A finding as a card: its words, its pictures, and the commands that decide it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.decisions import (
    ACTIONS,
    DROP,
    KEEP,
    KEEP_ONE,
    MAJORITY,
    MERGES,
    REPLACE,
)
from delineate.core.errors import DelineateError
from delineate.core.types import LabelClass
from delineate.data.sample import Sample
from delineate.report.audit_content import Comparison, CopyView, Look
from delineate.report.audit_pictures import Drawing, Shown

# A page of some megabytes opens at once: the worst are shown large, others small, and from
# some number on only listed.
MOST_COMPARED = {"contradictory_twins": 100}
MOST_CARDS = 40
MOST_LARGE = 12
LARGE_PX, SMALL_PX, CARD_PX = 600, 320, 320
MOST_COPIES, MOST_PICTURES = 6, 6


@dataclass(frozen=True)
class Plan:
    """A finding that gets a card, and how long the sides of its pictures are."""

    finding: Finding
    longest_px: int


@dataclass(frozen=True)
class Laid:
    """One copy beside the first picture: itself, and the two differences where there are any."""

    copy: Shown
    differences: tuple[Shown, ...]


@dataclass(frozen=True)
class Side:
    """Pictures side by side: the first, and each copy with its differences."""

    first: Shown
    others: tuple[Laid, ...]
    left_out: int
    facts: tuple[tuple[str, str], ...]

    @property
    def pictures(self) -> tuple[Shown, ...]:
        """All in the order in which they are read."""
        return (self.first, *(p for laid in self.others for p in (laid.copy, *laid.differences)))


@dataclass(frozen=True)
class Command:
    """A line to type, and what it does."""

    line: str
    meaning: str


@dataclass(frozen=True)
class Card:
    """A finding with its pictures; `left_out` counts samples that are not shown."""

    finding: Finding
    pictures: tuple[Shown, ...]
    left_out: int
    comparison: Side | None
    commands: tuple[Command, ...]
    decision: str

    @property
    def all_pictures(self) -> tuple[Shown, ...]:
        """Those that stand alone, or those of the comparison."""
        return self.comparison.pictures if self.comparison else self.pictures


def planned(findings: Sequence[Finding], comparisons: Collection[str]) -> tuple[Plan, ...]:
    """Which findings get a card, of findings in the order of the page: the first of each kind."""
    seen: Counter[str] = Counter()
    plans = []
    for finding in findings:
        place = seen[finding.kind]
        seen[finding.kind] += 1
        is_compared = finding.id in comparisons
        if place >= (MOST_COMPARED.get(finding.kind, MOST_CARDS) if is_compared else MOST_CARDS):
            continue
        side_px = LARGE_PX if place < MOST_LARGE else SMALL_PX
        plans.append(Plan(finding, side_px if is_compared else CARD_PX))
    return tuple(plans)


@dataclass(frozen=True)
class CardMaker:
    """Everything that cards are made from; safe to ask from several threads."""

    samples: Mapping[str, Sample]
    look: Callable[[Sample], Look]
    classes: tuple[LabelClass, ...]
    comparisons: Mapping[str, Comparison]
    decided: Mapping[str, str]
    review: str

    def card(self, plan: Plan) -> Card:
        """The card of a finding; what cannot be read is said in its place."""
        finding = plan.finding
        drawing = Drawing(self.classes, plan.longest_px)
        comparison = self.comparisons.get(finding.id)
        side = self._side(comparison, drawing) if comparison else None
        shown = () if side else spread(self._known(finding), MOST_PICTURES)
        pictures = tuple(drawing.sample(one, self._look(one)) for one in shown)
        left_out = 0 if side else len(finding.samples) - len(pictures)
        commands = decision_commands(finding, self.review)
        decision = self.decided.get(finding.id, "")
        return Card(finding, pictures, left_out, side, commands, decision)

    def _known(self, finding: Finding) -> tuple[Sample, ...]:
        return tuple(self.samples[name] for name in finding.samples if name in self.samples)

    def _look(self, sample: Sample) -> Look:
        try:
            return self.look(sample)
        except DelineateError as problem:
            return Look(None, None, str(problem))

    def _side(self, comparison: Comparison, drawing: Drawing) -> Side | None:
        copies = [copy for copy in comparison.copies if copy.sample in self.samples]
        if not copies or copies[0] != comparison.copies[0]:
            return None  # the others lie on the first
        first_sample = self.samples[copies[0].sample]
        first = self._look(first_sample)
        others = []
        for copy in copies[1:MOST_COPIES]:
            sample = self.samples[copy.sample]
            found = self._look(sample)
            shown = drawing.sample(sample, found, words=copy.words)
            others.append(Laid(shown, _differences(drawing, first, found, copy=copy)))
        named = (("Dice of the masks", comparison.dice), ("Best reachable", comparison.reachable))
        facts = (*(pair for pair in named if pair[1]), *comparison.facts)
        left_out = max(0, len(copies) - MOST_COPIES)
        return Side(drawing.sample(first_sample, first), tuple(others), left_out, facts)


def _differences(
    drawing: Drawing, first: Look, other: Look, *, copy: CopyView
) -> tuple[Shown, ...]:
    try:
        found = (
            drawing.mask_difference(first, other, copy),
            drawing.image_difference(first, other, copy),
        )
    except DelineateError as problem:
        return (Shown("differences", str(problem)),)
    return tuple(one for one in found if one)


def spread(samples: Sequence[Sample], most: int) -> tuple[Sample, ...]:
    """At most so many of the samples, evenly spread, as many of each split as can be.

    Examples:
        >>> from pathlib import Path
        >>> row = [Sample(str(i), Path(f"{i}.png")) for i in range(9)]
        >>> [one.id for one in spread(row, 3)]
        ['0', '4', '8']
    """
    if len(samples) <= most:
        return tuple(samples)
    by_split: dict[str | None, list[int]] = {}
    for place, sample in enumerate(samples):
        by_split.setdefault(sample.split, []).append(place)
    shares = Counter(list(by_split)[k % len(by_split)] for k in range(most))
    chosen: set[int] = set()
    for split, places in by_split.items():
        count = min(shares[split], len(places))
        steps = max(1, count - 1)
        chosen |= {places[k * (len(places) - 1) // steps] for k in range(count)}
    return tuple(samples[place] for place in sorted(chosen))


def decision_commands(finding: Finding, review: str) -> tuple[Command, ...]:
    """What to type to decide a finding, ready to be copied, with what it means."""
    return tuple(
        Command(f"{review} --decide {finding.id} {name}{_arguments(finding, name)}", action.meaning)
        for name, action in ACTIONS.items()
        if finding.kind in action.kinds and _is_offered(finding, name)
    )


def _is_offered(finding: Finding, action: str) -> bool:
    """Whether a card proposes an action that fits the kind."""
    count = len(finding.samples)
    if action in MERGES and len(finding.evidence.get("matrices", ())) != count:
        return False  # nobody knows how the masks lie on each other
    if action == MAJORITY:
        return count > 2
    if action == DROP:
        return count == 1
    if action == REPLACE:
        return count == 1 or finding.kind == "contradictory_twins"
    return action == KEEP or count > 0


def _arguments(finding: Finding, action: str) -> str:
    is_named = action == KEEP_ONE or (action == REPLACE and len(finding.samples) > 1)
    sample = f" --sample {shlex.quote(finding.samples[0])}" if is_named else ""
    return sample + (" --mask FILE" if action == REPLACE else "")
