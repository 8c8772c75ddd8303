"""`delineate demo`."""

from __future__ import annotations

from pathlib import Path

import pytest

from delineate.cli.demo import Kind
from delineate.study.demo import KINDS, DemoResult

HEADLINE = [
    {"score": "dice", "pooling": "pooled", "predictor": who, "value": value, "low": low, "high": 1}
    for who, value, low in (("model", 0.8, 0.7), ("empty prediction", 0.0, None))
]


@pytest.fixture
def called(monkeypatch):
    """What the demo was called with, in place of running it."""
    remembered = {}

    def remember(out, *, progress, **options):
        remembered.update(options, out=out)
        return DemoResult(Path(out), {"headline": HEADLINE}, ())

    monkeypatch.setattr("delineate.study.demo.demo", remember)
    return remembered


def test_kinds_are_those_of_the_demo():
    """Every kind of phantoms can be asked for by its name."""
    assert [each.value for each in Kind] == list(KINDS)


def test_nothing_need_be_said(delineate, called):
    """The demo runs without any option, and ends with scores and report."""
    result = delineate("demo")
    assert called["out"] == Path("demo-ultrasound")
    assert called["minutes"] == 2
    assert result.stdout.splitlines() == [
        "              model                      empty prediction",
        "Dice, pooled  0.8000 (0.7000 to 1.0000)  0.0000",
        "demo-ultrasound/report.html",
    ]


def test_options_reach_the_work(delineate, called, tmp_path):
    """Kind, minutes, seed, threads and folder are those asked for."""
    options = "--kind fundus --minutes 0.5 --seed 3 --threads 2 --overwrite"
    assert delineate("demo", *options.split(), "--out", tmp_path).exit_code == 0
    assert called == {
        "out": tmp_path,
        "kind": "fundus",
        "minutes": 0.5,
        "seed": 3,
        "threads": 2,
        "overwrite": True,
    }
    delineate("demo", "--kind", "fundus")
    assert called["out"] == Path("demo-fundus")


def test_no_minutes(delineate, tmp_path):
    """A demo without any time to train is refused."""
    result = delineate("demo", "--minutes", 0, "--out", tmp_path / "demo")
    assert result.exit_code == 2
    assert "--minutes 0: expected a positive number" in result.stderr
    assert not (tmp_path / "demo").exists()
