"""`delineate audit` and `delineate review` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from delineate.data.phantoms.writing import write_ultrasound


@pytest.fixture
def necks(tmp_path, monkeypatch) -> Path:
    """Phantoms with a copy and two contradictions; signatures are kept in the test's folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_ultrasound(
        tmp_path / "necks", subjects=3, images_per_subject=3, size_px=(126, 174), seed=4,
        faults=["twin", "contradictory_mask", "contradictory_empty_mask"],
    )  # fmt: skip
    return tmp_path / "necks"


def test_it_says_what_it_found(delineate, necks, tmp_path):
    """The table counts, the next command can be typed, and the page is the last line."""
    result = delineate("audit", necks, "--out", tmp_path / "my audit", "--search", "quick")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-1] == str(tmp_path / "my audit/audit.html")
    assert lines[-2] == f"decide with: delineate review '{tmp_path}/my audit'"
    assert "pairs under 100   3, of which 2 contradictory (2 as the nerve tool counted)" in lines
    assert "  2               Copies with contradictory masks" in lines


def test_json_and_no_page(delineate, necks, tmp_path):
    """With --json the document is on standard output; without a page it is the main result."""
    result = delineate("audit", necks, "--out", tmp_path / "out", "--no-page", "--json")
    document = json.loads(result.stdout)
    assert document["contradictory_groups"] == 2
    assert result.stderr.splitlines()[-1] == str(tmp_path / "out/audit.json")
    assert not (tmp_path / "out/audit.html").exists()


def test_a_damaged_file_exits_with_one(delineate, necks, tmp_path):
    """The audit goes on, names the file last, and the exit code says that something failed."""
    damaged = necks / "train/1_1.tif"
    damaged.write_bytes(damaged.read_bytes()[:300])
    result = delineate("audit", necks, "--out", tmp_path / "out", "--no-page")
    assert result.exit_code == 1
    assert f"{damaged}: expected a whole TIFF image" in result.stderr
    assert "! 1               Images that cannot be read" in result.stdout.splitlines()


def test_signatures_are_kept_or_not(delineate, necks, tmp_path):
    """The cache lies where it is asked for, and nowhere with --no-keep."""
    delineate("audit", necks, "--out", tmp_path / "one", "--no-page", "--no-keep")
    assert not (tmp_path / "cache").exists()
    delineate("audit", necks, "--out", tmp_path / "two", "--no-page", "--cache", tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir())
    delineate("audit", necks, "--out", tmp_path / "three", "--no-page")
    assert list((tmp_path / "cache/delineate").iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--search", "quik"], "quik"),
        (["--threshold", "-1"], "--threshold"),
        (["--against", "nowhere"], "nowhere: no such folder"),
        (["--split-file", "nowhere.csv"], "nowhere.csv: no such file"),
    ],
)
def test_wrong_options_write_nothing(delineate, necks, tmp_path, options, message):
    """A wrong option is refused in one line before anything is written."""
    result = delineate("audit", necks, "--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_kept(delineate, necks, tmp_path):
    """Without --overwrite an earlier audit stays; with it decisions stay."""
    out = tmp_path / "out"
    delineate("audit", necks, "--out", out, "--no-page")
    again = delineate("audit", necks, "--out", out, "--no-page")
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    listed = json.loads(delineate("review", out, "--json").stdout)
    finding = next(f["id"] for f in listed["findings"] if f["kind"] == "contradictory_twins")
    assert delineate("review", out, "--decide", finding, "union").exit_code == 0
    assert delineate("audit", necks, "--out", out, "--no-page", "--overwrite").exit_code == 0
    assert "union" in delineate("review", out, "--log").stdout
