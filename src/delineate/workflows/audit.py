"""Everything that is wrong with a data set before it is trained on, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

from delineate.auditing.copies.twins import find_twins
from delineate.auditing.findings.finding import Finding
from delineate.auditing.pictures.gallery import look_at
from delineate.auditing.pictures.pairs import find_pairs
from delineate.auditing.pictures.signature_cache import default_cache
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.data.opening import open_dataset
from delineate.data.sample import Dataset, Sample
from delineate.data.splitting import apply_split, read_split
from delineate.files.writing import new_folder, write_json
from delineate.workflows.audit_document import audit_document, table
from delineate.workflows.audit_findings import Copies, weigh
from delineate.workflows.audit_page import write_page_of
from delineate.workflows.inputs import inputs_of

__all__ = ["THRESHOLDS", "AuditResult", "audit", "table"]

SCHEMA, DOCUMENT, PAGE, REVIEW = "audit", "audit.json", "audit.html", "review.sqlite"
THRESHOLDS = (100.0, 1000.0)
"""Those of the nerve tool: sums of absolute grey-level differences at native size."""


@dataclass(frozen=True)
class AuditResult:
    """Where everything is, all findings, and which files are bad."""

    folder: Path
    document: dict[str, Any]
    findings: tuple[Finding, ...]
    failures: tuple[str, ...]

    @property
    def main_result(self) -> Path:
        """The page to look at; the document where no page was asked for."""
        page = self.folder / PAGE
        return page if page.is_file() else self.folder / DOCUMENT


def audit(
    source: Path | str,
    out: Path | str,
    *,
    against: Path | str | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
    crops_and_shifts: bool = True,
    page: bool = True,
    cache: Path | str | None = None,
    keep_signatures: bool = True,
    split_file: Path | str | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    overlapping: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> AuditResult:
    """Compare every image with every other, every mask with those of its copies, and write it.

    Writes `audit.json` with all `findings`, `audit.html` unless `page` is False, and
    `review.sqlite`, whose decisions outlive an audit that is repeated with `overwrite`.
    `against` is a second data set: what both hold is a leak. `thresholds` are those under
    which every pair is listed. Signatures are kept in `cache`, the user's own cache where
    none is given, unless `keep_signatures` is False. `split_file` replaces the splits that the
    data states. Masks whose encoding is not certain are looked at as proposed, which is a
    finding. Files that cannot be read are findings and failures, and stop nothing.

    Raises:
        DelineateError: no data set there, or an output that cannot be written.
    """
    if not thresholds or not all(0 <= each < inf for each in thresholds):
        raise SettingsError("thresholds: expected finite numbers, none of them negative")
    clock = _Clock()
    dataset = open_dataset(
        source, layout=layout, masks=masks, subjects=subjects, overlapping=overlapping
    )
    if split_file is not None:
        dataset = apply_split(dataset, read_split(Path(split_file)))
    other = None if against is None else open_dataset(against)
    folder = new_folder(
        Path(out),
        overwrite=overwrite,
        inputs=[
            *inputs_of(dataset, source, subjects, split_file),
            *(() if other is None else inputs_of(other, against)),
        ],
        keep=(REVIEW,),
    )
    if (folder / REVIEW).exists():
        ReviewLog.open(folder / REVIEW)  # a damaged log is told now and not after the work

    name = None if other is None else name_of(other, dataset)
    kept = (Path(cache) if cache is not None else default_cache()) if keep_signatures else None
    gallery = look_at(
        [*dataset.samples, *_renamed(other, name)], cache=kept, progress=progress, threads=threads
    )
    clock.lap("reading images")
    pairs = find_pairs(gallery, max(thresholds), progress=progress)
    search = find_twins(gallery, pairs, crops_and_shifts=crops_and_shifts, progress=progress)
    copies = Copies(pairs, search, len(dataset.samples), name)
    clock.lap("searching copies")
    audited = weigh(Path(source), dataset, gallery, copies, progress)
    clock.lap("reading masks and weighing")
    document = audit_document(audited, thresholds=thresholds) | {
        "source": str(source),
        "against": None if against is None else str(against),
        "search": "thorough" if crops_and_shifts else "quick",
        "seed": seed,
        "seconds": clock.laps,
    }
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    log = ReviewLog.renew(
        folder / REVIEW,
        findings=audited.findings,
        facts={"source": str(source), "layout": dataset.layout, "images": len(dataset.samples)},
        sizes_px=audited.sizes_px,
    )
    if page:
        write_page_of(folder / PAGE, document, audited, log, seed=seed, progress=progress)
    return AuditResult(folder, document, audited.findings, tuple(document["failures"]))


def name_of(other: Dataset, dataset: Dataset) -> str:
    """What the second data set is called in ids and words: its folder, unless that is ours too."""
    name = other.root.resolve().name or "other"
    return name if name != dataset.root.resolve().name else f"other {name}"


def _renamed(other: Dataset | None, name: str | None) -> list[Sample]:
    if other is None:
        return []
    return [replace(sample, id=f"{name}:{sample.id}") for sample in other.samples]


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, stage: str) -> None:
        now = perf_counter()
        self.laps[stage] = round(now - self._last, 3)
        self._last = now
