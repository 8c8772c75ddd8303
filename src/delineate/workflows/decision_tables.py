"""Decisions as a CSV that people fill in with any spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.decisions import DROP, KEEP_ONE, REPLACE, Choice, Decision
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import DelineateError, LayoutError, OutputExistsError
from delineate.data.listing import counted, some
from delineate.data.tables import read_table
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.writing import cannot_write, write_bytes, write_csv

HEADER = (
    "finding", "action", "sample", "mask", "why", "who", "kind", "samples", "text", "suggestion",
)  # fmt: skip
REQUIRED = ("finding", "action")
JOINT = "|"  # parts the samples of one cell


def decide_from(
    log: ReviewLog, table: Path, *, encoding: MaskEncoding | None = None, who: str = ""
) -> tuple[Decision, ...]:
    """The decisions of a CSV, now in the log: all, or none where a row is wrong.

    Raises:
        DelineateError: naming the first wrong row and how many more there are.
    """
    known = {each.id: each for each in log.findings(with_past=True)}
    choices: list[Choice] = []
    problems: list[DelineateError] = []
    for number, row in read_table(table, required=REQUIRED):
        _require_known(row, f"{table}, row {number}")
        if not row["action"]:
            continue
        try:
            finding = known.get(row["finding"]) or log.finding(row["finding"])
            choice = log.choice(
                finding,
                row["action"],
                samples=_samples(finding, row.get("sample", "")),
                argument=table.parent / row["mask"] if row.get("mask") else "",
                encoding=encoding,
            )
            choices.append(replace(choice, who=row.get("who") or who, why=row.get("why", "")))
        except DelineateError as problem:
            problems.append(type(problem)(f"{table}, row {number}: {problem}"))
    if problems:
        others = len(problems) - 1
        more = f" ({counted(others, 'row')} more with a mistake)" if others else ""
        raise type(problems[0])(f"{problems[0]}{more}; no row was taken over")
    holding = {_essence(each) for each in log.in_force()}
    return log.write([each for each in choices if _essence(each) not in holding])


def export(
    log: ReviewLog, findings: Sequence[Finding], table: Path, *, overwrite: bool = False
) -> int:
    """Write a row for each decision in force and each finding without one; how many there are.

    Raises:
        OutputExistsError: a file of that name that may not be replaced.
        CannotWriteError: if it cannot be written.
    """
    _require_free(table, overwrite=overwrite)
    holding: dict[str, list[Decision]] = {}
    for each in log.in_force():
        holding.setdefault(each.finding, []).append(each)
    rows = [
        [finding.id, *cells, finding.kind, JOINT.join(finding.samples), finding.text,
         finding.suggestion]
        for finding in findings
        for cells in [_cells(log, d, table) for d in holding.get(finding.id, ())] or [[""] * 5]
    ]  # fmt: skip
    write_csv(table, HEADER, rows)
    return len(rows)


def _samples(finding: Finding, cell: str) -> tuple[str, ...]:
    """The samples in a cell; the name of a sample may hold the joint itself."""
    if not cell or cell in finding.samples:
        return (cell,) if cell else ()
    return tuple(part.strip() for part in cell.split(JOINT) if part.strip())


def _essence(each: Choice | Decision) -> tuple[Any, ...]:
    """What makes two decisions the same, whoever took them and why."""
    mask = each.mask.sha256 if isinstance(each, Choice) and each.mask else each.mask
    argument = "" if each.action == REPLACE else each.argument
    return each.finding, each.action, frozenset(each.samples), argument, mask


def _cells(log: ReviewLog, decision: Decision, table: Path) -> list[str]:
    sample = mask = ""
    if decision.action == KEEP_ONE:
        sample = decision.argument
    elif decision.action in (DROP, REPLACE):
        sample = JOINT.join(decision.samples)
    if decision.mask is not None:
        mask = f"{table.stem}_masks/{decision.mask[:12]}.png"
        _write_mask(table.parent / mask, log.mask(decision.mask))
    return [decision.action, sample, mask, decision.why, decision.who]


def _write_mask(file: Path, png: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(file.parent, error) from error
    write_bytes(file, png)


def _require_known(row: Mapping[str, str], where: str) -> None:
    strange = [column for column in row if column not in HEADER]
    if strange:
        raise LayoutError(
            f"{where}: column '{strange[0]}' is not known; expected {', '.join(HEADER)}, "
            f"of which {some(REQUIRED)} must be there"
        )


def _require_free(table: Path, *, overwrite: bool) -> None:
    if not table.exists():
        return
    if not overwrite:
        raise OutputExistsError(
            f"{table}: the file exists; choose another name, or replace it with --overwrite"
        )
    first: list[str] = []
    if table.is_file():
        with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            first = next(csv.reader(file), [])
    if tuple(first) != HEADER:
        raise OutputExistsError(
            f"{table}: --overwrite replaces only tables that `delineate review --export` wrote, "
            "and this is none; choose another name"
        )
