"""What a person would decide on the demo's findings at a glance, as a table for `review --from`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from delineate.data.sample import TEST, TRAIN
from delineate.files.writing import write_csv

HEADER = ("finding", "action", "sample", "why")
Row = tuple[str, str, str, str]


def write_decisions(path: Path, document: Mapping[str, Any]) -> list[Row]:
    """Write the decisions as a CSV, and return its rows.

    Copies in several splits: the one in train stays. Subjects in several splits: their test
    images go. Copies within a split: the first stays, and where the masks contradict each
    other, all copies get the union of them. `document` is that of an audit.
    """
    rows = list(_rows(document["findings"]))
    write_csv(path, HEADER, rows)
    return rows


def _rows(findings: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    settled: list[set[str]] = []
    for finding in findings:
        samples = finding["samples"]
        splits = dict(zip(samples, finding["evidence"].get("splits", ()), strict=False))
        if finding["kind"] in ("leaked_file", "leaked_twins"):
            kept = next((each for each in samples if splits[each] == TRAIN), samples[0])
            settled.append(set(samples))
            yield finding["id"], "keep_one", kept, "a test image must not be trained on"
        elif finding["kind"] == "leaked_subject":
            tested = "|".join(each for each in samples if splits[each] == TEST)
            yield finding["id"], "drop", tested, "the subject is trained on"
    for finding in findings:
        if any(set(finding["samples"]) <= each for each in settled):
            continue
        if finding["kind"] == "contradictory_twins":
            yield finding["id"], "union", "", "what either of them marks counts"
        elif finding["kind"] == "twins":
            yield finding["id"], "keep_one", finding["samples"][0], "once is enough"
