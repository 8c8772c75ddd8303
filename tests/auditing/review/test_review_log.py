"""The review log: a file that keeps every decision."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review import review_tables
from delineate.auditing.review.decisions import DecidedMeanwhileError, choose
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import (
    CannotWriteError,
    OutputExistsError,
    SettingsError,
    SizeMismatchError,
    UncertainMaskError,
    UnreadableFileError,
)
from delineate.files.mask_encoding import MaskEncoding

from .conftest import BALANCE, ODD, SIZE_PX, TRIPLE, box

MakeLog = Callable[..., ReviewLog]


def test_findings_come_back_as_they_went_in(make_log: MakeLog) -> None:
    """Everything about a finding survives the file, in the order of kinds."""
    log = make_log(ODD, TRIPLE, BALANCE)
    assert ReviewLog.open(log.path).findings() == (TRIPLE, ODD, BALANCE)
    assert log.facts == {"source": "data"}
    assert log.counts() == (3, 0)


def test_a_folder_of_an_audit_is_enough(make_log: MakeLog) -> None:
    """The log is found in the folder that the audit wrote."""
    log = make_log(ODD)
    assert ReviewLog.open(log.path.parent).path == log.path


def test_a_decision_is_kept_with_who_when_and_why(make_log: MakeLog) -> None:
    """The line that is read again is the line that was written."""
    log = make_log(TRIPLE)
    made = log.decide(TRIPLE.id, "keep_one", samples=["b"], who="ada", why="sharper")
    assert ReviewLog.open(log.path).decisions() == (made,)
    assert (made.number, made.samples, made.argument) == (1, ("a", "b", "c"), "b")
    assert made.at.endswith("Z")
    assert log.findings(open_only=True) == ()


def test_the_user_decides_where_nobody_is_named(
    make_log: MakeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a name it is the user of the computer; one without a name is unknown."""
    log = make_log(ODD)
    monkeypatch.setenv("LOGNAME", "grace")
    assert log.decide(ODD.id, "keep").who == "grace"

    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("delineate.auditing.review.review_rows.getuser", nobody)
    assert log.decide(ODD.id, "keep").who == "unknown"


def test_the_beginning_of_a_name_is_enough(make_log: MakeLog) -> None:
    """A finding is known by its first characters where no other begins so."""
    log = make_log(TRIPLE, ODD)
    assert log.finding(TRIPLE.id[:5]) == TRIPLE
    with pytest.raises(SettingsError, match="no finding 'zzzz'"):
        log.finding("zzzz")
    with pytest.raises(SettingsError, match="give more of the name"):
        log.finding(TRIPLE.id[:2])
    with pytest.raises(SettingsError, match="no finding '%%%%'"):
        log.finding("%%%%")


def test_a_second_audit_keeps_every_decision(make_log: MakeLog) -> None:
    """Findings are renewed; what is not found any more is kept with its decisions."""
    log = make_log(TRIPLE, ODD)
    log.decide(TRIPLE.id, "union")
    log.decide(ODD.id, "drop")
    mended = replace(TRIPLE, text="now said otherwise", badness=0.1)
    again = ReviewLog.renew(log.path, findings=[mended, BALANCE], facts={"source": "again"})
    assert again.findings() == (mended, BALANCE)
    assert again.findings(with_past=True) == (mended, ODD, BALANCE)
    assert [each.action for each in again.in_force()] == ["union", "drop"]
    assert again.facts == {"source": "again"}
    assert again.counts() == (2, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decision SET action = 'drop'",
        "DELETE FROM decision",
        "INSERT OR REPLACE INTO decision SELECT * FROM decision",
        "DELETE FROM mask",
        "UPDATE mask SET png = x'00'",
    ],
)
def test_the_file_itself_refuses_to_forget(
    make_log: MakeLog, tmp_path: Path, statement: str
) -> None:
    """No other program can change or delete a decision or the mask that belongs to it."""
    log = make_log(ODD)
    cv2.imwrite(str(tmp_path / "m.png"), box(1, 1))
    log.decide(ODD.id, "replace", argument=tmp_path / "m.png")
    connection = sqlite3.connect(log.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def test_undo_adds_a_line(make_log: MakeLog) -> None:
    """Nothing is deleted; a decision can be taken back once."""
    log = make_log(TRIPLE)
    log.decide(TRIPLE.id, "union")
    log.decide(TRIPLE.id, "majority")
    assert log.undo(2, why="too small").undoes == 2
    assert [each.action for each in log.decisions()] == ["union", "majority", "undo"]
    assert [each.action for each in log.in_force()] == ["union"]
    with pytest.raises(SettingsError, match="decision 2 is taken back already"):
        log.undo(2)
    with pytest.raises(SettingsError, match="no decision 9; numbers go from 1 to 3"):
        log.undo(9)


def test_all_choices_or_none(make_log: MakeLog) -> None:
    """A batch that fails half-way leaves no line."""
    log = make_log(ODD)
    stranger = choose(TRIPLE, "union")
    with pytest.raises(CannotWriteError, match="FOREIGN KEY"):
        log.write([choose(ODD, "drop"), stranger])
    assert log.decisions() == ()


def test_a_mask_of_another_size_is_refused(make_log: MakeLog, tmp_path: Path) -> None:
    """Where sizes are known, a mask that does not fit is never taken."""
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((4, 4), np.uint8))
    log = make_log(ODD, sizes_px={"e": SIZE_PX})
    with pytest.raises(SizeMismatchError, match=r"expected the size of e, 12x16 px .* found 4x4"):
        log.decide(ODD.id, "replace", argument=tmp_path / "small.png")
    assert log.decisions() == ()


def test_an_uncertain_mask_is_confirmed_first(make_log: MakeLog, tmp_path: Path) -> None:
    """Soft edges are refused with the proposal, and taken once the encoding is given."""
    soft = cv2.GaussianBlur(box(4, 4), (5, 5), 1)
    cv2.imwrite(str(tmp_path / "soft.png"), soft)
    log = make_log(ODD)
    with pytest.raises(UncertainMaskError, match="as with --masks threshold:128"):
        log.decide(ODD.id, "replace", argument=tmp_path / "soft.png")
    encoding = MaskEncoding.parse("threshold:128")
    made = log.decide(ODD.id, "replace", argument=tmp_path / "soft.png", encoding=encoding)
    stored = cv2.imdecode(np.frombuffer(log.mask(made.mask or ""), np.uint8), -1)
    assert (stored[..., :3].any(axis=2) == (soft >= 128)).all()


def test_replacing_needs_a_mask(make_log: MakeLog) -> None:
    """A replacement without a file is refused."""
    with pytest.raises(SettingsError, match="replace needs a mask file"):
        make_log(ODD).decide(ODD.id, "replace")


def test_an_existing_log_is_not_replaced(make_log: MakeLog) -> None:
    """Creating a log never costs decisions."""
    log = make_log(ODD)
    with pytest.raises(OutputExistsError, match="may hold decisions"):
        ReviewLog.create(log.path, findings=[], facts={})


DECIDE = """
import sys
from delineate.auditing.review.review_log import ReviewLog
log = ReviewLog.open(sys.argv[1])
for number in range(12):
    made = log.decide(sys.argv[2], "keep", who=sys.argv[3], why=str(number))
    log.undo(made.number, who=sys.argv[3], why=str(number))
"""


def test_two_terminals_at_once_lose_nothing(make_log: MakeLog) -> None:
    """Processes that decide at the same time each get all their lines in, in their order."""
    log = make_log(ODD)

    def run(who: str) -> None:
        command = [sys.executable, "-c", DECIDE, str(log.path), ODD.id, who]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, ["ada", "grace"]))
    lines = log.decisions()
    assert [each.number for each in lines] == list(range(1, 49))
    for who in ("ada", "grace"):
        own = [(each.action, int(each.why)) for each in lines if each.who == who]
        assert own == [(action, n) for n in range(12) for action in ("keep", "undo")]


def test_a_writer_has_its_lock_before_it_reads(make_log: MakeLog) -> None:
    """Who will write keeps others from writing from the start: what it read stays true."""
    path = make_log(ODD).path
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with (
        review_tables.writing(path, review_tables.engine_of(path)),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_log_that_is_held_says_so(make_log: MakeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """After waiting in vain the error says that another program writes."""
    monkeypatch.setattr(review_tables, "WAIT_S", 0.2)
    log = make_log(ODD)
    other = sqlite3.connect(log.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CannotWriteError, match="another program has kept it to itself"):
        log.decide(ODD.id, "keep")
    assert log.findings() == (ODD,)  # reading goes on
    other.close()
    assert log.decide(ODD.id, "keep").number == 1


def test_a_read_only_log_can_be_read(make_log: MakeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a read-only place findings are shown, and a decision is refused with what to do."""
    log = make_log(ODD)
    opened = sqlite3.connect

    def read_only(address: str, **options: object) -> sqlite3.Connection:
        return opened(address.replace("mode=rw", "mode=ro"), **options)

    monkeypatch.setattr(review_tables.sqlite3, "connect", read_only)
    log = ReviewLog.open(log.path)
    assert log.findings() == (ODD,)
    with pytest.raises(CannotWriteError, match="read-only; copy it to a folder"):
        log.decide(ODD.id, "keep")


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """A log is only made where there is a folder for it."""
    with pytest.raises(CannotWriteError, match="the folder does not exist"):
        ReviewLog.create(tmp_path / "no" / "review.sqlite", findings=[], facts={})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"finding,action\n" * 100, "found a file that is no database"),
        (b"", "found another database"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Neither a text nor an empty file counts as a log, and neither is changed."""
    path = tmp_path / "review.sqlite"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=message):
        ReviewLog.open(path)
    assert path.read_bytes() == content


def test_a_missing_log_is_not_made_by_looking(tmp_path: Path) -> None:
    """The error says which verb makes one, and no file appears."""
    with pytest.raises(UnreadableFileError, match="run `delineate audit` first"):
        ReviewLog.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.5, 0.98])
def test_a_truncated_log_is_refused(make_log: MakeLog, share: float) -> None:
    """A copy that was cut short is told when it is opened, however little is missing."""
    many = [Finding("unusual_mask", (f"s{n}",), "odd " * 50) for n in range(300)]
    path = make_log(*many).path
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UnreadableFileError, match="damaged or cut short"):
        ReviewLog.open(path)


def test_another_version_is_refused(make_log: MakeLog) -> None:
    """A log of a later Delineate is not misread."""
    path = make_log(ODD).path
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(UnreadableFileError, match="of version 1, found version 2"):
        ReviewLog.open(path)


def test_names_that_addresses_would_misread(tmp_path: Path) -> None:
    """Question marks, percent signs and spaces in the path are no part of an address."""
    folder = tmp_path / "what? 100% #1"
    folder.mkdir()
    ReviewLog.create(folder / "review.sqlite", findings=[ODD], facts={})
    assert ReviewLog.open(folder).findings() == (ODD,)


def test_a_copy_is_a_log_of_its_own(make_log: MakeLog, tmp_path: Path) -> None:
    """What is decided later is not in the copy."""
    log = make_log(ODD)
    log.decide(ODD.id, "keep")
    copy = log.copy_to(tmp_path / "copy.sqlite")
    log.decide(ODD.id, "drop")
    assert [each.action for each in ReviewLog.open(copy.path).decisions()] == ["keep"]


def test_what_a_model_found_outlives_an_audit(make_log: MakeLog) -> None:
    """An audit renews its own findings, a model its own; decisions stay with either."""
    worst, unsure = Finding("worst_case", ("a",), "low"), Finding("uncertain_case", ("b",), "half")
    log = make_log(ODD, sizes_px={"e": SIZE_PX})
    log.refresh_queues([worst, unsure], "model", "uncertain", sizes_px={"a": SIZE_PX})
    log.refresh([BALANCE])
    assert log.findings() == (BALANCE, worst, unsure)
    log.decide(worst.id, "keep")
    log.refresh_queues([], "model", sizes_px={})
    assert log.findings() == (BALANCE, unsure)
    assert [each.finding for each in log.in_force()] == [worst.id]


def test_the_file_says_when_it_was_written(make_log: MakeLog) -> None:
    """The counter moves with every writing and with no reading."""
    log = make_log(ODD)
    before = log.changes
    assert (log.findings(), log.newest()) == ((ODD,), 0)
    assert ReviewLog.open(log.path).changes == before
    log.decide(ODD.id, "keep")
    assert (log.changes > before, log.newest()) == (True, 1)
    log.path.unlink()
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        _ = log.changes


def test_a_finding_and_its_decision_are_written_together(make_log: MakeLog) -> None:
    """Where the decision is refused there is no finding either."""
    log = make_log(ODD, TRIPLE)
    asked = Finding("asked_case", ("e",), "somebody opened e")
    log.decide(ODD.id, "keep", who="ada")
    with pytest.raises(DecidedMeanwhileError, match=r"ada decided meanwhile: keep \(decision 1"):
        log.write([choose(asked, "drop")], findings=[asked], seen=0)
    assert log.findings() == (TRIPLE, ODD)
    log.write([choose(asked, "drop")], findings=[asked], seen=1)
    assert log.findings() == (TRIPLE, ODD, asked)
    log.write([choose(TRIPLE, "union")], seen=0)  # of other samples, so that nobody is overtaken
    with pytest.raises(DecidedMeanwhileError, match="decision 2"):
        log.undo(1, seen=1)
    assert log.undo(1, seen=2).undoes == 1


def test_a_case_that_was_opened_counts_while_its_decision_does(make_log: MakeLog) -> None:
    """Nothing was found about it: taken back, it is not open but gone, until that is undone."""
    log = make_log(ODD)
    asked = Finding("asked_case", ("e",), "somebody opened e")
    log.write([choose(asked, "drop")], findings=[asked])
    assert (log.findings(), log.counts()) == ((ODD, asked), (2, 1))
    log.undo(1)
    assert (log.findings(open_only=True), log.counts()) == ((ODD,), (1, 0))
    assert log.findings(with_past=True) == (ODD, asked)
    log.undo(2)
    assert (log.findings(), log.counts()) == ((ODD, asked), (2, 1))
