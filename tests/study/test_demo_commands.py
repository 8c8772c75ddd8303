"""The commands that the demo shows are those that it took, and can be typed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

import typer

from delineate.cli.main import app
from delineate.data.phantoms.writing import write_ultrasound
from delineate.study.demo import KINDS, demo
from delineate.workflows.review import decide_from_table

FEW = partial(
    write_ultrasound,
    subjects=9,
    images_per_subject=2,
    test_subjects=3,
    size_px=(84, 116),
    faults={"leaked_subject": 1, "jpeg_mask": 1},
)


def test_commands_can_be_typed(tmp_path, monkeypatch):
    """In a folder with a space, each parses, names what is there, and carries the seed."""
    monkeypatch.setitem(KINDS, "ultrasound", replace(KINDS["ultrasound"], draw=FEW))
    out = tmp_path / "my demo; rm"
    document = demo(out, minutes=0.01, threads=1, seed=5).document
    calls = [step["what"] for step in document["steps"] if step["what"].startswith("delineate ")]
    assert len(calls) == 9
    parsed = {}
    for call in calls:
        _, verb, *words = shlex.split(call)
        command = typer.main.get_command(app).commands[verb]
        parsed[verb] = command.make_context(f"delineate {verb}", [*words]).params
        assert parsed[verb].get("seed", 5) == 5
        assert Path(words[0]).is_dir()
        assert Path(words[0]).is_relative_to(out)
    again = decide_from_table(parsed["review"]["source"], parsed["review"]["from_table"])
    assert again.document["decisions"] == []
    assert parsed["train"]["review"] == parsed["review"]["source"]
