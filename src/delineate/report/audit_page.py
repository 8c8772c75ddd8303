"""The page of an audit: what was found, the worst first, with the pictures to judge it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from delineate.audit.finding import Finding
from delineate.core.types import LabelClass
from delineate.data.sample import Sample
from delineate.report.audit_content import AuditFigures, Comparison, Look


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
    review: str = "delineate review AUDIT",
) -> Path:
    """Write audit.html, one self-contained file, and return its path.

    `samples` holds, by id, every sample whose picture can be shown; ids of findings that are
    not in it are shown as words. `look` is asked only for samples that are shown, a few times
    at most, and one finding after another, so that no more pictures are in memory than one
    finding has. `comparisons` goes from the id of a finding to the pictures that are laid on
    each other, for findings of any kind. `review` is the command that a decision begins with.
    """
    raise NotImplementedError
