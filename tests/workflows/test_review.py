"""Looking at findings and deciding about them, as a program would."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import DelineateError, LayoutError, OutputExistsError, SettingsError
from delineate.workflows import review

PAIR = Finding(
    "contradictory_twins",
    ("a", "b"),
    "a and b are one picture; their masks contradict each other: Dice 0.710, 812 px differ",
    {"size_px": [8, 8], "matrices": [[1.0, 0, 0, 0, 1.0, 0]] * 2, "dice": 0.71},
)
ODD = Finding("unusual_mask", ("e",), "the mask of e is a dot")
BALANCE = Finding("class_balance", (), "a fifth of the masks are empty")


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """A folder as an audit leaves it, and two masks beside it."""
    folder = tmp_path / "audit"
    folder.mkdir()
    sizes = dict.fromkeys("abe", (8, 8))
    ReviewLog.create(
        folder / "review.sqlite", findings=[ODD, PAIR, BALANCE], facts={}, sizes_px=sizes
    )
    cv2.imwrite(str(tmp_path / "good.png"), np.eye(8, dtype=np.uint8) * 255)
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((4, 4), np.uint8))
    return folder


def write_table(path: Path, *rows: str) -> Path:
    """A CSV with these rows under the usual header."""
    path.write_text("finding,action,sample,mask,why,who\n" + "\n".join(rows) + "\n")
    return path


def actions(audit: Path) -> list[str]:
    """What is in force."""
    return [each.action for each in ReviewLog.open(audit).in_force()]


def test_the_list_is_sorted_and_counted(audit: Path) -> None:
    """Kinds in their order, with what is decided on each."""
    review.decide(audit, PAIR.id, "union", who="ada", why="both are partial")
    document = review.listing(audit).document
    assert [each["id"] for each in document["findings"]] == [PAIR.id, ODD.id, BALANCE.id]
    assert document["findings"][0]["decisions"][0]["words"] == "union"
    table = review.listing_table(document)
    assert table[1][:4] == (PAIR.id, "contradictory_twins", "a, b", "union")
    assert review.summary(document) == "3 findings, 1 of them decided"


def test_the_list_can_be_narrowed(audit: Path) -> None:
    """By kind, and to what nothing is decided about."""
    review.decide(audit, ODD.id, "keep")
    found = review.listing(audit, kind="unusual_mask").document["findings"]
    assert [each["id"] for each in found] == [ODD.id]
    found = review.listing(audit, open_only=True).document["findings"]
    assert [each["id"] for each in found] == [PAIR.id, BALANCE.id]
    with pytest.raises(SettingsError, match="did you mean 'unusual_mask'"):
        review.listing(audit, kind="unusual_masks")


def test_a_finding_is_shown_with_what_may_be_decided(audit: Path) -> None:
    """Evidence, decisions taken, and the actions that fit."""
    review.decide(audit, PAIR.id[:6], "keep_one", samples=["a"], who="ada", why="sharper")
    document = review.show(audit, PAIR.id[:6]).document
    assert set(document["actions"]) >= {"keep_one", "union", "not_a_twin"}
    rows = dict(review.show_table(document))
    assert rows["  dice"] == "0.71"
    assert rows["  1"].startswith("keep_one a (in force; ada, 20")
    assert rows["  1"].endswith("): sharper")


def test_the_history_says_what_became_of_each_line(audit: Path) -> None:
    """Replaced, undone and in force are told apart."""
    review.decide(audit, PAIR.id, "union")
    review.decide(audit, PAIR.id, "majority")
    review.decide(audit, ODD.id, "drop")
    review.undo(audit, 3, why="a mistake")
    states = [each["state"] for each in review.history(audit).document["decisions"]]
    assert states == ["replaced by a later one", "in force", "undone by 4", "undo"]


def test_a_table_is_taken_over_whole(audit: Path) -> None:
    """Each row becomes a decision; masks are found beside the table."""
    table = write_table(
        audit.parent / "decided.csv",
        f"{PAIR.id},drop,a|b,,both are bad,ada",
        f"{ODD.id},replace,,good.png,,",
        f"{BALANCE.id},,,,nothing to decide,",
    )
    made = review.decide_from_table(audit, table, who="grace").document["decisions"]
    assert [(each["action"], each["who"]) for each in made] == [
        ("drop", "ada"),
        ("replace", "grace"),
    ]
    assert made[0]["samples"] == ["a", "b"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("ffffff,drop,,,,", "row 3: .* no finding 'ffffff'"),
        (f"{ODD.id},union,,,,", "row 3: .* union does not fit"),
        (f"{ODD.id},drop,z,,,", "row 3: .* no sample 'z'"),
        (f"{ODD.id},replace,,small.png,,", "row 3: .* expected the size of e, 8x8 px"),
        (f"{ODD.id},replace,,nothing.png,,", "row 3: .*nothing.png"),
        (f"{ODD.id},replace,,,,", "row 3: .* needs a mask file"),
        (f"{ODD.id},undo,,,,", "row 3: unknown action 'undo'"),
        (f"{ODD.id},drop", "row 3: expected 6 cells, found 2"),
    ],
)
def test_a_wrong_row_means_that_nothing_is_written(audit: Path, row: str, message: str) -> None:
    """The good row before the wrong one is not taken over either."""
    table = write_table(audit.parent / "decided.csv", f"{PAIR.id},union,,,,", row)
    with pytest.raises(DelineateError, match=message):
        review.decide_from_table(audit, table)
    assert actions(audit) == []


def test_several_wrong_rows_are_counted(audit: Path) -> None:
    """The first is told, and how many there are besides."""
    bad = [f"{ODD.id},union,,,,", "ffffff,drop,,,,", f"{ODD.id},drap,,,,"]
    table = write_table(audit.parent / "decided.csv", *bad)
    with pytest.raises(SettingsError, match=r"row 2: .* \(2 rows more with a mistake\); no row"):
        review.decide_from_table(audit, table)


def test_a_misspelt_column_is_refused(audit: Path) -> None:
    """A column that would be overlooked is an error."""
    table = audit.parent / "decided.csv"
    table.write_text(f"finding,action,sampel\n{PAIR.id},keep_one,a\n")
    with pytest.raises(LayoutError, match="column 'sampel' is not known"):
        review.decide_from_table(audit, table)


def test_a_written_table_can_be_filled_in(audit: Path) -> None:
    """What was decided stays as it is, and what is filled in is added."""
    review.decide(audit, ODD.id, "replace", mask=audit.parent / "good.png", why="a dot")
    table = audit.parent / "table.csv"
    assert review.export_table(audit, table).document["rows"] == 3
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["action"] for row in rows] == ["", "replace", ""]
    assert (table.parent / rows[1]["mask"]).is_file()
    rows[0]["action"] = "union"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    made = review.decide_from_table(audit, table).document["decisions"]
    assert [each["action"] for each in made] == ["union"]
    assert actions(audit) == ["replace", "union"]


def test_a_table_goes_into_another_log(audit: Path, tmp_path: Path) -> None:
    """Decisions on one copy of an audit are carried to another, masks included."""
    review.decide(audit, PAIR.id, "keep_one", samples=["b"])
    review.decide(audit, ODD.id, "replace", mask=tmp_path / "good.png")
    review.export_table(audit, tmp_path / "table.csv")
    ReviewLog.create(tmp_path / "other.sqlite", findings=[ODD, PAIR], facts={})
    with pytest.raises(SettingsError, match="no finding"):
        review.decide_from_table(
            tmp_path / "other.sqlite", write_table(tmp_path / "t", "ff,drop,,,,")
        )
    review.decide_from_table(tmp_path / "other.sqlite", tmp_path / "table.csv")
    theirs = ReviewLog.open(tmp_path / "other.sqlite").in_force()
    ours = ReviewLog.open(audit).in_force()
    assert [(d.action, d.samples, d.mask) for d in theirs] == [
        (d.action, d.samples, d.mask) for d in ours
    ]


def test_a_file_of_somebody_else_is_not_replaced(audit: Path) -> None:
    """A table is replaced when asked, anything else never."""
    table = audit.parent / "table.csv"
    review.export_table(audit, table)
    with pytest.raises(OutputExistsError, match="replace it with --overwrite"):
        review.export_table(audit, table)
    review.export_table(audit, table, overwrite=True)
    table.write_text("id,image\n")
    with pytest.raises(OutputExistsError, match="and this is none"):
        review.export_table(audit, table, overwrite=True)
