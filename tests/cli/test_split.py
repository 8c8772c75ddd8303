"""`delineate split`."""

from __future__ import annotations

import csv
import json


def parts_of(file):
    """How many images each part of a split file has."""
    with file.open(newline="") as rows:
        found = [row["split"] for row in csv.DictReader(rows)]
    return {name: found.count(name) for name in sorted(set(found))}


def test_the_split_is_written_and_told(delineate, pairs, tmp_path):
    """The table says what each part holds, and the CSV comes last."""
    result = delineate("split", pairs, "--out", tmp_path / "parts")
    assert result.exit_code == 0
    *table, path = result.stdout.splitlines()
    assert path == str(tmp_path / "parts" / "split.csv")
    assert [line.split()[0] for line in table[:4]] == ["origin", "train", "validation", "test"]
    assert parts_of(tmp_path / "parts" / "split.csv") == {"test": 1, "train": 4, "validation": 1}


def test_fractions(delineate, pairs, tmp_path):
    """Shares are those asked for, and a part of share 0 is left out."""
    file = tmp_path / "half.csv"
    result = delineate("split", pairs, "--out", file, "--fractions", "0.5,0.5,0", "--json")
    assert parts_of(file) == {"train": 3, "validation": 3}
    assert json.loads(result.stdout)["fractions"]["test"] == 0


def test_seed_decides(delineate, pairs, tmp_path):
    """One seed gives one split, and among others there is another."""
    files = [tmp_path / f"{seed}.csv" for seed in (0, 1, 2, 3)]
    for seed, file in enumerate(files):
        delineate("split", pairs, "--out", file, "--seed", seed)
    again = tmp_path / "again.csv"
    delineate("split", pairs, "--out", again, "--seed", 0)
    assert again.read_bytes() == files[0].read_bytes()
    assert len({file.read_bytes() for file in files}) > 1


def test_subjects_stay_whole(delineate, pairs, tmp_path):
    """The images of a subject, whom a table names, stand in one part."""
    table = tmp_path / "who.csv"
    table.write_text("id,subject\n" + "".join(f"{n:02},s{n // 2}\n" for n in range(6)))
    assert delineate("split", pairs, "--out", tmp_path / "a", "--subjects", table).exit_code == 0
    with (tmp_path / "a" / "split.csv").open(newline="") as rows:
        found = {(row["subject"], row["split"]) for row in csv.DictReader(rows)}
    assert len(found) == 3


def test_a_stated_split_is_kept_unless_fresh(delineate, make_pairs, tmp_path):
    """Folders that state a split keep it, and --fresh parts everything anew."""
    for seed, (part, count) in enumerate((("train", 4), ("test", 3))):
        make_pairs(tmp_path / "data" / part, count, seed)
    arguments = ["split", tmp_path / "data", "--fractions", "0.5,0.5,0"]
    assert delineate(*arguments, "--out", tmp_path / "kept.csv").exit_code == 0
    assert parts_of(tmp_path / "kept.csv") == {"test": 3, "train": 2, "validation": 2}
    assert delineate(*arguments, "--out", tmp_path / "fresh.csv", "--fresh").exit_code == 0
    assert parts_of(tmp_path / "fresh.csv").keys() == {"train", "validation"}
