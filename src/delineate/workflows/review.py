"""Looking at what an audit found, and deciding about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delineate.auditing.findings.finding import KINDS, Finding
from delineate.auditing.review.decisions import ACTIONS, Decision, fitting, in_force, standing
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import unknown_name
from delineate.data.listing import counted
from delineate.files.mask_encoding import MaskEncoding
from delineate.workflows.decision_tables import decide_from, export


@dataclass(frozen=True)
class ReviewResult:
    """What was looked at or decided, as plain values, and the file that holds it."""

    path: Path
    document: dict[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def main_result(self) -> Path:
        """The review log, or the table that was written."""
        return self.path


def listing(
    source: Path | str, *, kind: str | None = None, open_only: bool = False
) -> ReviewResult:
    """What the audit found, worst first, each with the decisions in force on it.

    Args:
        source: The folder of an audit, or its `review.sqlite`.
        kind: Only findings of this kind.
        open_only: Only findings on which nothing is decided.

    Raises:
        SettingsError: an unknown kind.
        UnreadableFileError: no review log, or a damaged one.
    """
    log = ReviewLog.open(source)
    holding = _by_finding(log.in_force())
    findings = log.findings(kind=_known(kind), open_only=open_only)
    rows = [_document(each, holding.get(each.id, ())) for each in findings]
    return ReviewResult(log.path, {"review": str(log.path), **_counts(log), "findings": rows})


def show(source: Path | str, finding: str) -> ReviewResult:
    """One finding with all its evidence, what was decided on it, and what may be.

    Raises:
        SettingsError: no such finding, or several whose names begin so.
        UnreadableFileError: no review log, or a damaged one.
    """
    log = ReviewLog.open(source)
    found = log.finding(finding)
    own = [each for each in states(log.decisions()) if each["finding"] == found.id]
    document = {
        "review": str(log.path),
        **_document(found, ()),
        "title": KINDS[found.kind].title,
        "meaning": KINDS[found.kind].meaning,
        "decisions": own,
        "actions": {name: ACTIONS[name].meaning for name in fitting(found)},
    }
    return ReviewResult(log.path, document)


def decide(
    source: Path | str,
    finding: str,
    action: str,
    *,
    samples: Sequence[str] = (),
    mask: Path | None = None,
    encoding: str | None = None,
    who: str = "",
    why: str = "",
) -> ReviewResult:
    """Add one decision to the log.

    Args:
        source: The folder of an audit, or its `review.sqlite`.
        finding: Its id, or enough of its beginning.
        action: One of `delineate.auditing.review.decisions.ACTIONS`.
        samples: The sample to keep, those to drop, or the one whose mask is replaced.
        mask: The mask that takes the place of another.
        encoding: How that mask is encoded, where its values are not certain.
        who: Who decides; the user of this computer where it is empty.
        why: The reason.

    Raises:
        DelineateError: an unknown finding, action or sample, an action that does not fit the
            finding, a mask that cannot be used, or a log that cannot be written.
    """
    log = ReviewLog.open(source)
    made = log.decide(
        finding,
        action,
        samples=samples,
        argument=mask or "",
        encoding=MaskEncoding.parse(encoding) if encoding else None,
        who=who,
        why=why,
    )
    return _decided(log, [made])


def decide_from_table(
    source: Path | str, table: Path | str, *, encoding: str | None = None, who: str = ""
) -> ReviewResult:
    """Add the decisions in a CSV: all of them, or none where a row is wrong.

    Columns: `finding`, `action`, and perhaps `sample` (several joined by `|`), `mask` (relative
    to the table), `why` and `who`; a table that `export_table` wrote can be filled in. Rows
    without an action, and decisions that are in force already, are passed over.

    Raises:
        DelineateError: naming the first wrong row and how many more there are.
    """
    log = ReviewLog.open(source)
    parsed = MaskEncoding.parse(encoding) if encoding else None
    return _decided(log, decide_from(log, Path(table), encoding=parsed, who=who))


def undo(source: Path | str, number: int, *, who: str = "", why: str = "") -> ReviewResult:
    """Take a decision back; what it had taken the place of holds again.

    Raises:
        SettingsError: no decision of this number, or one that is taken back already.
    """
    log = ReviewLog.open(source)
    return _decided(log, [log.undo(number, who=who, why=why)])


def history(source: Path | str) -> ReviewResult:
    """Every line of the log, oldest first, and whether it is in force."""
    log = ReviewLog.open(source)
    document = {"review": str(log.path), **_counts(log), "decisions": states(log.decisions())}
    return ReviewResult(log.path, document)


def export_table(
    source: Path | str,
    table: Path | str,
    *,
    kind: str | None = None,
    open_only: bool = False,
    overwrite: bool = False,
) -> ReviewResult:
    """Write the findings as a CSV, with the decisions in force, for a spreadsheet.

    Filled in, it is what `decide_from_table` reads. Masks that replace others are written to
    a folder beside it.

    Raises:
        OutputExistsError: a file of that name that may not be replaced.
        CannotWriteError: if it cannot be written.
    """
    log = ReviewLog.open(source)
    findings = log.findings(kind=_known(kind), open_only=open_only)
    rows = export(log, findings, Path(table), overwrite=overwrite)
    return ReviewResult(Path(table), {"review": str(log.path), "table": str(table), "rows": rows})


def listing_table(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The findings in short, one a row, under a header; then how many are decided."""
    rows: list[tuple[str, ...]] = [("id", "kind", "samples", "decision", "what was found")]
    for each in document["findings"]:
        decided = "; ".join(d["words"] for d in each["decisions"]) or "-"
        samples = _few(each["samples"])
        rows.append((each["id"], each["kind"], samples, _short(decided, 40), _short(each["text"])))
    return rows if document["findings"] else []


def summary(document: Mapping[str, Any]) -> str:
    """How many findings there are, and how many of them are decided."""
    total = counted(document["finding_count"], "finding")
    return f"{total}, {document['decided_count']} of them decided"


def show_table(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One finding in full, as pairs of a word and what it is."""
    rows = [
        ("finding", document["id"]),
        ("kind", f"{document['kind']} ({document['severity']}): {document['title']}"),
        ("meaning", document["meaning"]),
        ("found", document["text"]),
        ("suggested", document["suggestion"]),
        ("samples", ", ".join(document["samples"]) or "none"),
    ]
    rows += [("about", document["about"])] if document["about"] else []
    evidence = [(f"  {name}", _plain(value)) for name, value in document["evidence"].items()]
    decided = [(f"  {each['number']}", _line(each)) for each in document["decisions"]]
    actions = [(f"  {name}", meaning) for name, meaning in document["actions"].items()]
    rows += [("evidence", ""), *evidence] if evidence else []
    rows += [("decided", ""), *decided] if decided else [("decided", "nothing")]
    return [*rows, ("possible", f"--decide {document['id']} with one of"), *actions]


def history_table(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Decisions one a row, under a header."""
    rows = [
        (str(d["number"]), d["at"], d["who"], d["finding"], d["words"], d["state"], d["why"])
        for d in document["decisions"]
    ]
    header = ("number", "at", "who", "finding", "decision", "state", "why")
    return [header, *rows] if rows else []


def _decided(log: ReviewLog, made: Sequence[Decision]) -> ReviewResult:
    numbers = {each.number for each in made}
    own = [each for each in states(log.decisions()) if each["number"] in numbers]
    return ReviewResult(log.path, {"review": str(log.path), **_counts(log), "decisions": own})


def _known(kind: str | None) -> str | None:
    if kind is not None and kind not in KINDS:
        raise unknown_name("kind of finding", kind, KINDS)
    return kind


def _counts(log: ReviewLog) -> dict[str, int]:
    total, decided = log.counts()
    return {"finding_count": total, "decided_count": decided}


def _by_finding(decisions: Sequence[Decision]) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    for each in decisions:
        found.setdefault(each.finding, []).append(each)
    return found


def _document(finding: Finding, decisions: Sequence[Decision]) -> dict[str, Any]:
    own = [{**each.to_document(), "words": each.words} for each in decisions]
    return {**finding.to_document(), "decisions": own}


def states(decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """Decisions as documents, each with what became of it."""
    stand = standing(decisions)
    hold = {each.number for each in in_force(decisions)}
    undone = {each.undoes: each.number for each in stand if each.undoes is not None}
    documents = []
    for each in decisions:
        if each.number in undone:
            state = f"undone by {undone[each.number]}"
        elif each.undoes is not None:
            state = "undo"
        else:
            state = "in force" if each.number in hold else "replaced by a later one"
        documents.append({**each.to_document(), "words": each.words, "state": state})
    return documents


def _line(decision: Mapping[str, Any]) -> str:
    why = f": {decision['why']}" if decision["why"] else ""
    return f"{decision['words']} ({decision['state']}; {decision['who']}, {decision['at']}){why}"


def _few(samples: Sequence[str]) -> str:
    if len(samples) <= 2:
        return ", ".join(samples) or "-"
    return f"{samples[0]} and {len(samples) - 1} more"


def _plain(value: Any) -> str:
    """A value of the evidence in one line; `--json` has all of it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return _short(", ".join(map(str, value)))
    if isinstance(value, str):
        return value
    rounded = json.loads(json.dumps(value), parse_float=lambda digits: round(float(digits), 4))
    return _short(json.dumps(rounded, ensure_ascii=False))


def _short(text: str, most: int = 110) -> str:
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."
