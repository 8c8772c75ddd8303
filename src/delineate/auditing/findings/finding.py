"""One thing that an audit or a model found: what, where, how it is known, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from delineate.core.checks import sha256_of_text
from delineate.core.errors import unknown_name

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)

# Where findings come from: each of these replaces its own earlier findings and no others.
AUDIT, MODEL, UNCERTAIN, ASKED = "audit", "model", "uncertain", "asked"
QUEUES = (AUDIT, MODEL, UNCERTAIN, ASKED)


@dataclass(frozen=True)
class Kind:
    """A kind of finding: its heading, how much it matters, what is to be done, who finds it."""

    title: str
    severity: str
    meaning: str
    suggestion: str
    queue: str = AUDIT


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
    "model_disagreement": Kind(
        "Labels that a model contradicts with confidence", WARNING,
        "Either the label is wrong there, or the model is, and is sure of it.",
        "look at it; mend the mask, or keep it",
        MODEL,
    ),
    "worst_case": Kind(
        "Cases that a model does worst on", NOTE,
        "Its mask and the label share the least: a hard case, or a label that needs mending.",
        "look at it; mend the mask, or keep it",
        MODEL,
    ),
    "uncertain_case": Kind(
        "Cases that a model is least sure of", NOTE,
        "A mask drawn or checked here teaches the next training more than one elsewhere.",
        "draw the mask, or look whether the one that is there is right",
        UNCERTAIN,
    ),
    "asked_case": Kind(
        "Cases that somebody opened", NOTE,
        "Nothing was found about them; a person looked and decided.",
        "nothing; a later decision takes the place of this one",
        ASKED,
    ),
}  # fmt: skip


def kinds_of(*queues: str) -> tuple[str, ...]:
    """The kinds of finding that come from there, in their order."""
    return tuple(name for name, kind in KINDS.items() if kind.queue in queues)


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
