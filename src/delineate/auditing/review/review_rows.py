"""Findings and decisions as rows of a review log, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from getpass import getuser
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.decisions import Choice, Decision
from delineate.auditing.review.replacing_mask import ReplacingMask
from delineate.auditing.review.review_tables import DECISION, MASK


def put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Add rows; one whose key is there already is brought up to date."""
    if not rows:
        return
    adding = insert_or(table)
    news = {column.name: column for column in adding.excluded if not column.primary_key}
    connection.execute(adding.on_conflict_do_update(table.primary_key.columns, set_=news), rows)


def add_decision(
    connection: Connection, choice: Choice, at: str, *, undoes: int | None = None
) -> Decision:
    """The decision that the log now holds, with the mask that it puts in place."""
    if choice.mask is not None:
        _keep_mask(connection, choice.mask)
    row: dict[str, Any] = {
        "finding": choice.finding,
        "action": choice.action,
        "samples": list(choice.samples),
        "argument": choice.argument,
        "mask": choice.mask.sha256 if choice.mask is not None else None,
        "undoes": undoes,
        "who": choice.who or _user(),
        "why": choice.why,
        "at": at,
    }
    number = connection.execute(insert(DECISION).values(row)).inserted_primary_key
    assert number is not None  # a table with a key always has one
    return Decision(**{**row, "number": int(number[0]), "samples": choice.samples})


def _keep_mask(connection: Connection, mask: ReplacingMask) -> None:
    if connection.execute(select(MASK.c.sha256).where(MASK.c.sha256 == mask.sha256)).first():
        return
    height, width = mask.size_px
    row = {"sha256": mask.sha256, "height_px": height, "width_px": width, "png": mask.png}
    connection.execute(insert(MASK).values(row))


def all_decisions(connection: Connection, *, after: int = 0) -> tuple[Decision, ...]:
    """Every line of the log with a higher number, oldest first."""
    query = select(DECISION).where(DECISION.c.number > after).order_by(DECISION.c.number)
    rows = connection.execute(query).mappings()
    return tuple(Decision(**{**row, "samples": tuple(row["samples"])}) for row in rows)


def finding_row(finding: Finding) -> dict[str, Any]:
    """The row of a finding that is being taken over."""
    return {
        "id": finding.id,
        "kind": finding.kind,
        "about": finding.about,
        "samples": list(finding.samples),
        "text": finding.text,
        "evidence": dict(finding.evidence),
        "badness": float(finding.badness),
        "suggestion": finding.suggestion,
        "is_current": True,
    }


def finding_of(row: Row[Any]) -> Finding:
    """The finding in a row."""
    known = row._mapping
    return Finding(
        kind=known["kind"],
        samples=tuple(known["samples"]),
        text=known["text"],
        evidence=known["evidence"],
        badness=known["badness"],
        suggestion=known["suggestion"],
        about=known["about"],
    )


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError, ImportError):  # no name of this user anywhere, as in containers
        return "unknown"
