"""What a review log says at one moment, in an order in which it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.decisions import Decision, in_force
from delineate.auditing.review.review_log import ReviewLog
from delineate.web.documents import DecisionDocument
from delineate.workflows.review import states


@dataclass(frozen=True)
class DeskState:
    """Findings and decisions as the file has them after that many changes.

    `findings` are the current ones in their order, `known` those of earlier times too, by id.
    `open` are the ids of the current ones on which nothing is in force.
    """

    changes: int
    findings: tuple[Finding, ...]
    known: dict[str, Finding]
    open: frozenset[str]
    in_force: tuple[Decision, ...]
    rows: tuple[DecisionDocument, ...]
    _rows_of_finding: dict[str, list[int]]
    _rows_of_sample: dict[str, list[int]]
    _findings_of_sample: dict[str, list[str]]

    @property
    def newest(self) -> int:
        """The number of the newest decision; 0 where nothing is decided."""
        return self.rows[-1].number if self.rows else 0

    def about(self, sample: str) -> Sequence[str]:
        """The ids of the current findings about a sample."""
        return self._findings_of_sample.get(sample, ())

    def touching(self, samples: Iterable[str], finding: str = "") -> list[DecisionDocument]:
        """What was decided on a finding, or on any of these samples, oldest first."""
        places = set(self._rows_of_finding.get(finding, ()))
        for each in samples:
            places.update(self._rows_of_sample.get(each, ()))
        return [self.rows[place] for place in sorted(places)]

    def newest_on(self, sample: str) -> int | None:
        """The number of the newest decision that speaks of a sample."""
        places = self._rows_of_sample.get(sample)
        return None if not places else self.rows[places[-1]].number


def read_state(log: ReviewLog, keys: dict[str, str]) -> DeskState:
    """The log as it stands; `keys` goes from the samples of the data to their keys.

    Raises:
        UnreadableFileError: it cannot be read.
    """
    changes = log.changes  # before the rest: what comes later is then read again
    current, every, decisions = log.findings(), log.findings(with_past=True), log.decisions()
    holding = in_force(decisions)
    decided = {each.finding for each in holding}
    rows = tuple(decision_document(each, keys) for each in states(decisions))
    of_finding: dict[str, list[int]] = {}
    of_sample: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        of_finding.setdefault(row.finding, []).append(place)
        for sample in row.samples:
            of_sample.setdefault(sample, []).append(place)
    about: dict[str, list[str]] = {}
    for finding in current:
        for sample in finding.samples:
            about.setdefault(sample, []).append(finding.id)
    return DeskState(
        changes=changes,
        findings=current,
        known={each.id: each for each in every},
        open=frozenset(each.id for each in current if each.id not in decided),
        in_force=holding,
        rows=rows,
        _rows_of_finding=of_finding,
        _rows_of_sample=of_sample,
        _findings_of_sample=about,
    )


def decision_document(state: Mapping[str, Any], keys: dict[str, str]) -> DecisionDocument:
    """A decision as `delineate.workflows.review.states` tells it, with the keys of its cases."""
    told = {key: value for key, value in state.items() if key != "mask_sha256"}
    cases = [keys[each] for each in state["samples"] if each in keys]
    has_mask = state["mask_sha256"] is not None
    return DecisionDocument.model_validate(told | {"cases": cases, "has_mask": has_mask})
