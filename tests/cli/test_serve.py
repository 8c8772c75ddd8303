"""What `delineate serve` prints of the model that it serves."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from delineate.cli.serve import _tell

NAME, KIND = "general, seed 0", "network (unet), 9 parameters"


def running(title: str) -> Any:
    """A server of a model that nobody has scored, without data."""
    document = SimpleNamespace(name=NAME, title=title, kind=KIND, scores=[], scored_on=None)
    served = SimpleNamespace(document=document, desk=None)
    return SimpleNamespace(served=served, address="http://127.0.0.1:1/", token=None)


def test_the_title_stands_above_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    """People read what the model is for, and find its run by its name."""
    _tell(running("Nerve in ultrasound"), quiet=False, as_json=False)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.split(maxsplit=1) == ["title", "Nerve in ultrasound"]
    assert second.split(maxsplit=1) == ["model", f"{NAME}, {KIND}"]


def test_a_name_that_is_the_title_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A model without a title has no row for it."""
    _tell(running(NAME), quiet=False, as_json=False)
    first, *others = capsys.readouterr().out.splitlines()
    assert first.split(maxsplit=1) == ["model", f"{NAME}, {KIND}"]
    assert not any(line.startswith("title") for line in others)


def test_programs_are_told_both(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of `--json` has the title beside the name."""
    _tell(running("Nerve in ultrasound"), quiet=False, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["title"], said["model"]) == ("Nerve in ultrasound", NAME)
