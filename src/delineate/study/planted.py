"""Whether an audit found what was planted, fault by fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delineate.data.phantoms.faults import Planted

_COPIES = ("twins", "contradictory_twins", "leaked_file", "leaked_twins")

# Kind of fault -> the kinds of finding of which any one tells it.
TOLD_BY: dict[str, tuple[str, ...]] = {
    "contradictory_mask": ("contradictory_twins",),
    "contradictory_empty_mask": ("contradictory_twins",),
    "leaked_subject": ("leaked_subject",),
    "leaked_twin": ("leaked_file", "leaked_twins"),
    "jpeg_mask": ("mask_encoding",),
    "antialiased_mask": ("mask_encoding",),
    "inverted_mask": ("mask_encoding", "unusual_mask"),
}


@dataclass(frozen=True)
class Marked:
    """A planted fault and the findings that tell it; none where it was missed."""

    fault: Planted
    findings: tuple[str, ...]

    @property
    def is_found(self) -> bool:
        """Whether any finding tells it."""
        return bool(self.findings)


def marked(planted: Iterable[Planted], document: Mapping[str, Any]) -> tuple[Marked, ...]:
    """Each fault with the findings of an audit.json that name all of its samples.

    A sequence of look-alikes is no fault and left out: it is there to be passed over.
    """
    findings: Sequence[Mapping[str, Any]] = document["findings"]
    return tuple(
        Marked(fault, tuple(each["id"] for each in findings if _tells(each, fault)))
        for fault in planted
        if fault.kind != "sequence"
    )


def _tells(finding: Mapping[str, Any], fault: Planted) -> bool:
    kinds = TOLD_BY.get(fault.kind, _COPIES)
    return finding["kind"] in kinds and set(fault.samples) <= set(finding["samples"])
