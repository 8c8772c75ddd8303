"""`delineate evaluate`."""

from __future__ import annotations

import json


def test_scores_beside_baselines_then_the_path(delineate, run_folder, tmp_path):
    """Model and baselines stand side by side, and the page comes last."""
    out = tmp_path / "scores"
    result = delineate("evaluate", run_folder, "--out", out)
    assert result.exit_code == 0
    *table, path = result.stdout.splitlines()
    assert path == str(out / "evaluation.html")
    assert table[0].split("  ")[-1].strip() in ("empty prediction", "mean training mask")
    assert table[1].startswith("Dice, pooled")
    assert "split test: 1 case of 1 subject" in result.stdout


def test_options_reach_the_work(delineate, run_folder, tmp_path):
    """Split, threshold, repeats and palette are those asked for."""
    options = "--split validation --threshold 0.25 --repeats flips --palette nerve --json"
    data = run_folder.parent / "data"
    out = tmp_path / "scores"
    result = delineate("evaluate", run_folder, data, "--out", out, *options.split())
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["split"] == "validation"
    assert document["threshold"] == 0.25
    assert document["repeats"] == "flips"
    assert document["palette"] == "nerve"


def test_a_split_that_is_not_there(delineate, run_folder, tmp_path):
    """An unknown split is refused with the nearest."""
    result = delineate("evaluate", run_folder, "--out", tmp_path / "x", "--split", "tset")
    assert result.exit_code == 2
    assert "unknown split 'tset'; did you mean 'test'?" in result.stderr
    assert not (tmp_path / "x").exists()
