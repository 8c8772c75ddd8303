"""Whether a training can come to anything, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from delineate.core.progress import Progress
from delineate.files.writing import write_json
from delineate.workflows.preflight_data import findings_of, notes_of
from delineate.workflows.preflight_findings import Finding, require_known, require_sound
from delineate.workflows.preflight_looks import looked_at
from delineate.workflows.starting import TrainingData
from delineate.workflows.train_result import TrainResult

PREFLIGHT, SCHEMA = "preflight.json", "preflight"


@dataclass(frozen=True)
class Preflight:
    """What was looked at, what was found and accepted, and what a trial of the network told.

    `looked_at` counts cases and masks; `estimate` is None where nothing was tried, and
    `why_untried` says then why not. Of two stages it is the segmenter's, and `gate` that of the
    other.
    """

    source: Path
    looked_at: dict[str, int]
    accepted: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    estimate: dict[str, Any] | None = None
    why_untried: str | None = None
    gate: Preflight | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        gate = {} if self.gate is None else {"gate": self.gate.document}
        return gate | {
            "looked_at": self.looked_at,
            "accepted": [{"name": each.name, "text": each.text} for each in self.accepted],
            "notes": list(self.notes),
            "estimate": self.estimate,
            "why_untried": self.why_untried,
        }

    def as_result(self, out: Path) -> DryRun:
        """What a training returns that ends here, and would have been written to a folder."""
        return DryRun(out, self.document, source=self.source)

    def with_findings(self, findings: Sequence[Finding], accepted: Sequence[str]) -> Preflight:
        """The same with more findings, all of them accepted.

        Raises:
            PreflightError: one that is not.
        """
        require_sound(findings, accepted)
        return replace(self, accepted=(*self.accepted, *findings))

    def write(self, folder: Path) -> None:
        """Write `preflight.json` into a run folder."""
        write_json(folder / PREFLIGHT, self.document, schema=SCHEMA)

    def tell(self, progress: Progress) -> None:
        """Say in lines what is worth knowing before a training."""
        for finding in self.accepted:
            progress.say(f"accepted {finding.name}: {finding.text}")
        for note in self.notes:
            progress.say(f"note: {note}")
        if self.why_untried is not None:
            progress.say(f"preflight: no steps on two images, for {self.why_untried}")
        for note in () if self.gate is None else self.gate.notes:
            progress.say(f"note: gate: {note}")


@dataclass(frozen=True)
class DryRun(TrainResult):
    """A training that ended before it began: its document is that of the preflight."""

    source: Path = Path()

    @property
    def main_result(self) -> Path:
        """The data: nothing is written."""
        return self.source


def preflight_data(
    data: TrainingData, *, accepted: Sequence[str] = (), progress: Progress
) -> Preflight:
    """The data checks: every case as it was decoded, and some with their masks once more.

    Raises:
        PreflightError: the first finding that is not `accepted`.
        SettingsError: an accepted name that is no finding.
    """
    require_known(accepted)
    dataset, facts = data.dataset, data.facts
    findings = list(findings_of(dataset, facts))
    report = Preflight(
        source=dataset.root,
        looked_at={"cases": len(facts), "images_with_masks": 0, "drawn_masks": 0},
        notes=tuple(notes_of(dataset, facts)),
    ).with_findings(findings, accepted)
    if not dataset.observers or (dataset.image_labels and not _labels_are_masks(data)):
        return report
    looks = looked_at(dataset, facts, progress)
    counts = {"images_with_masks": looks.images, "drawn_masks": looks.masks}
    report = replace(
        report,
        looked_at=report.looked_at | counts,
        notes=(*report.notes, *looks.notes),
    )
    return report.with_findings(looks.findings, accepted)


def _labels_are_masks(data: TrainingData) -> bool:
    """Whether masks were read: of a table of image labels none is."""
    return any(each.counted_px for each in data.facts.values())
