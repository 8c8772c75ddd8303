"""One thing that an audit found: what, where, how it is known, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from delineate.core.checks import sha256_of_text
from delineate.core.errors import unknown_name

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True)
class Kind:
    """A kind of finding: its heading, how much it matters, and what is to be done."""

    title: str
    severity: str
    meaning: str
    suggestion: str


KINDS: dict[str, Kind] = {
    "unreadable_image": Kind(
        "Images that cannot be read", ERROR,
        "The file is damaged, empty or no image.",
        "export the file anew, or drop the sample",
    ),
    "unreadable_mask": Kind(
        "Masks that cannot be read or used", ERROR,
        "The mask is damaged, or of another size than its image.",
        "export the mask anew, replace it, or drop the sample",
    ),
    "mask_encoding": Kind(
        "Masks whose encoding needs repair", WARNING,
        "Values that are neither plain indices nor 0 and 255, or an inverted mask.",
        "confirm the proposed decoding with --masks, or export the masks anew",
    ),
    "contradictory_twins": Kind(
        "Copies with contradictory masks", WARNING,
        "The same picture is labelled in different ways: no model can satisfy both.",
        "keep one, or take the union, the intersection or the majority of the masks",
    ),
    "twins": Kind(
        "Copies without contradictory masks", WARNING,
        "The same picture stands there more than once and weighs more than others.",
        "keep one",
    ),
    "leaked_file": Kind(
        "The same file in several splits", ERROR,
        "Test images that were trained on make every score too good.",
        "make a split that keeps copies together, or drop the copy",
    ),
    "leaked_twins": Kind(
        "Copies in several splits", ERROR,
        "Test images whose copies were trained on make every score too good.",
        "make a split that keeps copies together, or drop the copy",
    ),
    "leaked_subject": Kind(
        "Subjects in several splits", ERROR,
        "Images of one subject are alike: scores say nothing of new subjects.",
        "make a split of whole subjects with `delineate split DATA --fresh`",
    ),
    "leaked_sequence": Kind(
        "Sequences in several splits", ERROR,
        "Frames of one sequence are alike: scores say nothing of new sequences.",
        "name the sequence as the subject with --subjects, and make a new split",
    ),
    "nested_copy": Kind(
        "A copy of the data inside itself", WARNING,
        "A folder holds the same files as another one.",
        "remove one of the two folders, or name the samples in a manifest CSV",
    ),
    "sequence": Kind(
        "Frames in sequence", NOTE,
        "Neighbours look alike without being copies; a random split parts them.",
        "name the sequence as the subject with --subjects",
    ),
    "look_alikes": Kind(
        "Look-alikes that are not copies", NOTE,
        "Alike at a glance, different in detail: another frame, or a copy that was drawn upon.",
        "look whether something was drawn on a copy; otherwise nothing",
    ),
    "missing_mask": Kind(
        "Images without a mask", NOTE,
        "They can be neither trained on nor scored.",
        "add the masks, or leave the images out",
    ),
    "unusual_mask": Kind(
        "Masks unlike the others", WARNING,
        "Area, position or shape lie far from those of the other masks.",
        "look at it; replace the mask or keep it",
    ),
    "mask_at_border": Kind(
        "Masks that touch the border of the image", NOTE,
        "The object may go on outside of the picture.",
        "look at it",
    ),
    "mask_outside_region": Kind(
        "Masks that reach outside of the region", WARNING,
        "Pixels outside of the region of interest do not count, though they are labelled.",
        "look at mask and region, and mend one of them",
    ),
    "blank_image": Kind(
        "Blank images", WARNING, "All pixels are nearly the same.", "drop the sample",
    ),
    "saturated_image": Kind(
        "Saturated images", WARNING, "Much of the picture is at its largest value.",
        "look at it; export the image anew or drop the sample",
    ),
    "dark_image": Kind(
        "Very dark images", WARNING, "Much darker than the other images.",
        "look at it; export the image anew or drop the sample",
    ),
    "blurred_image": Kind(
        "Blurred images", WARNING, "Much less fine detail than the other images.",
        "look at it; drop the sample if nothing can be seen",
    ),
    "letterbox_bars": Kind(
        "Images with bars", NOTE, "Even borders fill the picture up to its size.",
        "cut the bars off, or mind that sizes in pixels are not those of the original",
    ),
    "unusual_size": Kind(
        "Images of an unusual size", NOTE, "Few images have this size or number of channels.",
        "look at how it was exported",
    ),
    "class_balance": Kind(
        "Balance", NOTE, "How many masks are empty, overall and by subject.",
        "report scores under a stated rule for empty masks",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A finding of one kind, about samples that are named by their ids.

    `text` is one sentence with the evidence in words, `evidence` the same in plain JSON
    values. `badness` sorts findings of one kind, the worst first. `about` tells findings of
    one kind and the same samples apart, such as an observer or a folder.
    """

    kind: str
    samples: tuple[str, ...]
    text: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    badness: float = 0.0
    suggestion: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        """Refuse unknown kinds, and suggest what is usual for the kind."""
        if self.kind not in KINDS:
            raise unknown_name("kind of finding", self.kind, KINDS)
        if not self.suggestion:
            object.__setattr__(self, "suggestion", KINDS[self.kind].suggestion)

    @property
    def id(self) -> str:
        """A short name that a later audit of the same data gives to the same finding."""
        return sha256_of_text("\n".join([self.kind, self.about, *sorted(self.samples)]))[:10]

    @property
    def severity(self) -> str:
        """`error`, `warning` or `note`."""
        return KINDS[self.kind].severity

    def to_document(self) -> dict[str, Any]:
        """The finding as it stands in audit.json."""
        return {
            "id": self.id,
            "kind": self.kind,
            "severity": self.severity,
            "samples": list(self.samples),
            "about": self.about,
            "text": self.text,
            "evidence": dict(self.evidence),
            "badness": self.badness,
            "suggestion": self.suggestion,
        }


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By kind, as `KINDS` has them, and within a kind the worst first."""
    places = {kind: place for place, kind in enumerate(KINDS)}
    return tuple(sorted(findings, key=lambda f: (places[f.kind], -f.badness, f.samples)))
