"""`delineate review`, as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.review_log import ReviewLog

Review = Callable[..., Result]

PAIR = Finding(
    "contradictory_twins",
    ("a", "b"),
    "a and b are one picture",
    {"size_px": [8, 8], "matrices": [[1.0, 0, 0, 0, 1.0, 0]] * 2},
)
ODD = Finding("unusual_mask", ("e",), "the mask of e is a dot")


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """A folder as an audit leaves it."""
    ReviewLog.create(tmp_path / "review.sqlite", findings=[ODD, PAIR], facts={})
    return tmp_path


@pytest.fixture
def call(audit: Path, delineate: Review) -> Review:
    """The verb on that folder."""

    def run(*arguments: object) -> Result:
        return delineate("review", audit, *arguments)

    return run


def test_the_list_ends_with_the_file(call: Review, audit: Path) -> None:
    """A table, the count, and as the last line the review log."""
    lines = call().stdout.splitlines()
    assert lines[0].split() == ["id", "kind", "samples", "decision", "what", "was", "found"]
    assert lines[1].split()[:2] == [PAIR.id, "contradictory_twins"]
    assert lines[-2:] == ["2 findings, 0 of them decided", str(audit / "review.sqlite")]


def test_a_decision_is_shown_as_the_log_has_it(call: Review) -> None:
    """The line with its number, by which it can be undone."""
    done = call("--decide", PAIR.id[:5], "keep_one", "--sample", "a", "--why", "ok", "--who", "ada")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].split()[2:] == [
        "ada", PAIR.id, "keep_one", "a", "in", "force", "ok",
    ]  # fmt: skip
    assert call("--undo", 1).stdout.splitlines()[1].split()[-3:] == ["undo", "1", "undo"]
    assert "undone by 2" in call("--log").stdout
    assert call("--open").stdout.splitlines()[-2].startswith("2 findings, 0")


def test_several_samples_are_dropped(call: Review) -> None:
    """The option may be repeated."""
    done = call("--decide", PAIR.id, "drop", "--sample", "a", "--sample", "b", "--json")
    assert json.loads(done.stdout)["decisions"][0]["samples"] == ["a", "b"]


def test_a_table_goes_out_and_in(call: Review, audit: Path) -> None:
    """What was exported and filled in is taken over."""
    assert call("--export", audit / "t.csv").stdout.splitlines() == [str(audit / "t.csv")]
    text = (audit / "t.csv").read_text()
    (audit / "t.csv").write_text(text.replace(f"{ODD.id},", f"{ODD.id},drop"))
    done = call("--from", audit / "t.csv")
    assert "1 new decision; 2 findings, 1 of them decided" in done.stdout
    assert "0 new decisions" in call("--from", audit / "t.csv").stdout


def test_one_finding_in_full(call: Review) -> None:
    """Evidence and what may be decided."""
    shown = call("--show", PAIR.id).stdout
    assert "matrices" in shown
    assert "not_a_twin" in shown


def test_quiet_prints_the_path_alone(call: Review, audit: Path) -> None:
    """Nothing but the main result."""
    assert call("--quiet").stdout == f"{audit / 'review.sqlite'}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--show", "x", "--log"), "--show and --log: expected one of these at a time"),
        (("--sample", "a"), "--sample: goes with --decide"),
        (("--log", "--why", "so"), "--why: goes with --decide or --undo"),
        (("--log", "--open"), "--open: goes with a list or --export"),
        (("--overwrite",), "--overwrite: goes with --export"),
        (("--decide", ODD.id, "union"), "union does not fit 'unusual_mask'"),
        (("--decide", ODD.id), "--decide"),
        (("--undo", "7"), "no decision 7; the log holds none"),
        (("--kind", "twin"), "did you mean 'twins'"),
        (("--show", "nothing"), "no finding 'nothing'"),
    ],
)
def test_wrong_usage_is_one_line(
    call: Review, audit: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Exit code 2, the reason on standard error, and nothing decided."""
    done = call(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert ReviewLog.open(audit).decisions() == ()
