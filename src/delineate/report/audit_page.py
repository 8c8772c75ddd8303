"""The page of an audit: what was found, the worst first, with the pictures to judge it by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.auditing.findings.finding import KINDS, SEVERITIES, Finding, Kind, ordered
from delineate.core.progress import SILENT, Progress
from delineate.core.types import LabelClass
from delineate.data.parallel import in_threads
from delineate.data.sample import Sample
from delineate.report.audit_cards import (
    Card,
    CardMaker,
    Plan,
    planned,
)
from delineate.report.audit_content import AuditFigures, Comparison, Look
from delineate.report.audit_pictures import agreement_legend
from delineate.report.audit_plots import difference_histogram, heat_map
from delineate.report.contact_sheet import ContactItem, legible
from delineate.report.display import WINDOW_WORDS
from delineate.report.overlays import class_legend
from delineate.report.pages import write_page

MOST_UNLISTED, MOST_LISTED = 12, 1000  # a table leads through more cards than so many
MOST_BARS = 60
COLOUR_LOOKS = 8
SEVERITY_WORDS = {
    "error": ("To be mended", "Scores mean little before these are settled."),
    "warning": ("To be looked at", "Each of these needs a pair of eyes."),
    "note": ("Worth knowing", "Nothing has to be done."),
}
BALANCE = "class_balance"


@dataclass(frozen=True)
class Section:
    """All findings of one kind: some with pictures, more as rows of a table, the rest counted."""

    kind: str
    about: Kind
    count: int
    cards: tuple[Card, ...]
    listed: tuple[Finding, ...]
    left_out: int

    @property
    def is_compared(self) -> bool:
        """Whether any of its cards lays pictures on each other."""
        return any(card.comparison is not None for card in self.cards)

    @property
    def has_marks(self) -> bool:
        """Whether masks are drawn on any of its pictures."""
        return any(shown.marks is not None for card in self.cards for shown in card.all_pictures)


def write_audit_page(
    path: Path,
    *,
    title: str,
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
    findings: Sequence[Finding],
    samples: Mapping[str, Sample],
    look: Callable[[Sample], Look],
    comparisons: Mapping[str, Comparison],
    figures: AuditFigures,
    classes: Sequence[LabelClass],
    decided: Mapping[str, str] | None = None,
    review: str = "delineate review AUDIT",
    progress: Progress = SILENT,
) -> Path:
    """Write audit.html, one self-contained file, and return its path.

    `samples` holds, by id, every sample whose picture can be shown; ids of findings that are
    not in it are shown as words. `look` is asked by several threads at a time, and only for
    samples that are shown, so that few pictures are in memory at once; a `DelineateError`
    that it raises is shown in the picture's place. `comparisons` goes from the id of a
    finding to the pictures that are laid on each other, for findings of any kind. `decided`
    goes from the id of a finding to the decision in force, in words. `review` is the command
    that a decision begins with.
    """
    all_findings = ordered(findings)
    plans = planned(all_findings, comparisons)
    drawn = _legible(all_findings, samples, look, classes)
    maker = CardMaker(samples, look, drawn, comparisons, decided or {}, review)
    cards = _cards(maker, plans, progress)
    sections = [section for section in _sections(all_findings, cards) if section.kind != BALANCE]
    return write_page(
        path,
        "audit.html",
        title=title,
        summary=summary(all_findings, decided or {}),
        facts=list(facts),
        notes=list(notes),
        groups=[
            (
                severity,
                SEVERITY_WORDS[severity],
                [s for s in sections if s.about.severity == severity],
            )
            for severity in SEVERITIES
        ],
        sections=sorted(sections, key=lambda s: SEVERITIES.index(s.about.severity)),
        balance=[finding for finding in all_findings if finding.kind == BALANCE],
        balance_kind=KINDS[BALANCE],
        figures=figures,
        histogram=_histogram(figures),
        heats=_heats(figures),
        subjects=sorted(figures.subjects, key=lambda one: (-one.share, one.subject)),
        most_bars=MOST_BARS,
        decided=decided or {},
        legend=class_legend(drawn),
        mask_legend=agreement_legend(drawn),
        window_words=WINDOW_WORDS,
        has_figures=bool(figures.thresholds or figures.histogram or figures.subjects)
        or any(finding.kind == BALANCE for finding in all_findings),
    )


def summary(findings: Sequence[Finding], decided: Collection[str] = ()) -> str:
    """How many findings of which weight, and how many are decided.

    Examples:
        >>> summary([])
        'Nothing was found.'
    """
    if not findings:
        return "Nothing was found."
    counts = {name: sum(one.severity == name for one in findings) for name in SEVERITIES}
    said = [
        f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in counts.items() if count
    ]
    words = " and ".join(one for one in (", ".join(said[:-1]), said[-1]) if one)
    settled = sum(one.id in decided for one in findings)
    return f"Found: {words}" + (f"; {settled:,} decided." if settled else ".")


def _cards(maker: CardMaker, plans: Sequence[Plan], progress: Progress) -> dict[str, Card]:
    made = in_threads(maker.card, plans, label="drawing the page", progress=progress)
    cards = {}
    for plan, card in made:
        if not isinstance(card, Card):
            raise card
        cards[plan.finding.id] = card
    return cards


def _sections(findings: Sequence[Finding], cards: Mapping[str, Card]) -> list[Section]:
    sections = []
    for kind, about in KINDS.items():
        found = [finding for finding in findings if finding.kind == kind]
        if found:
            shown = tuple(cards[finding.id] for finding in found if finding.id in cards)
            is_long = len(found) > min(len(shown), MOST_UNLISTED)
            listed = tuple(found[:MOST_LISTED]) if is_long else ()
            left_out = max(0, len(found) - MOST_LISTED)
            sections.append(Section(kind, about, len(found), shown, listed, left_out))
    return sections


def _legible(
    findings: Sequence[Finding],
    samples: Mapping[str, Sample],
    look: Callable[[Sample], Look],
    classes: Sequence[LabelClass],
) -> tuple[LabelClass, ...]:
    """The classes with colours that stand out from the first few pictures of the page."""
    if len(classes) != 2:
        return tuple(classes)
    shown = dict.fromkeys(name for finding in findings for name in finding.samples[:1])
    chosen = [samples[name] for name in shown if name in samples and samples[name].masks]
    items = []
    for sample, found in in_threads(look, chosen[:COLOUR_LOOKS], label="Choosing colours"):
        if isinstance(found, Look):
            item = ContactItem(sample.id, None, None, "", found.image, found.labels)
            items.append(item)
    return legible(items, classes)


def _histogram(figures: AuditFigures) -> str | None:
    if figures.histogram is None:
        return None
    return difference_histogram(figures.histogram, [row.threshold for row in figures.thresholds])


def _heats(figures: AuditFigures) -> list[tuple[str, str]]:
    return [
        (
            f"{heat.label_class}: share of {heat.masks:,} masks that have it at this place.",
            heat_map(heat, f"heat-{place}"),
        )
        for place, heat in enumerate(figures.heats)
        if heat.masks and heat.shares.size
    ]
