"""`delineate plan`."""

from __future__ import annotations

import json


def test_the_plan_is_written_and_told(delineate, pairs, tmp_path):
    """The table has a row for each choice, and the path of the recipe comes last."""
    result = delineate("plan", pairs, "--out", tmp_path / "plan", "--threads", 1)
    assert result.exit_code == 0
    header, *rows, path = result.stdout.splitlines()
    assert header.split() == ["setting", "value", "reason"]
    assert path == str(tmp_path / "plan" / "recipe.toml")
    choices = json.loads((tmp_path / "plan" / "plan.json").read_text())["choices"]
    assert [row.split()[0] for row in rows] == [each["setting"] for each in choices]
    (size,) = [row for row in rows if row.startswith("patches.size_px")]
    assert size.split()[1:3] == ["32", "32"]
    assert "planned for 4 images" in result.stderr
    assert "11 px wide, shapes" in result.stderr


def test_the_planned_file_trains(delineate, pairs, tmp_path):
    """What `plan` writes under a name of its own is a recipe for `train`."""
    file = tmp_path / "squares.toml"
    planned = delineate("plan", pairs, "--out", file, "--threads", 1, "--json")
    assert json.loads(planned.stdout)["recipe"]["name"] == "planned"
    trained = delineate(
        *("train", pairs, "--recipe", file, "--steps", 2, "--threads", 1),
        *("--set", "model.arguments={width = 4, depth = 1}", "--out", tmp_path / "run"),
    )
    assert trained.exit_code == 0
    assert "recipe planned: unet" in trained.stderr


def test_what_exists_is_refused_in_one_line(delineate, pairs, tmp_path):
    """A folder that is there, and one that holds the data, are left alone."""
    delineate("plan", pairs, "--out", tmp_path / "plan", "--quiet")
    for out in (tmp_path / "plan", pairs):
        result = delineate("plan", pairs, "--out", out)
        assert result.exit_code == 2
        *_, line = result.stderr.splitlines()
        assert line.startswith(f"error: {out}: ")
        assert result.stdout == ""
