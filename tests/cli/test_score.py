"""`delineate score`."""

from __future__ import annotations

import json


def test_the_truth_scores_one(delineate, pairs, tmp_path):
    """The masks themselves as predictions have a Dice of 1."""
    arguments = ["score", pairs / "masks", pairs, "--out", tmp_path / "scores"]
    result = delineate(*arguments)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    (dice,) = [line for line in lines if line.startswith("Dice, pooled")]
    assert dice.split()[2] == "1.0000"
    assert lines[-1] == str(tmp_path / "scores" / "evaluation.html")


def test_missing_predictions_are_listed_and_exit_1(delineate, pairs, tmp_path):
    """A case without a prediction is scored as failed and named."""
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    for file in sorted((pairs / "masks").iterdir())[:-1]:
        (predictions / file.name).write_bytes(file.read_bytes())
    result = delineate("score", predictions, pairs, "--out", tmp_path / "s", "--json")
    assert result.exit_code == 1
    assert "1 failed:" in result.stderr
    document = json.loads(result.stdout)
    assert [each["id"].rpartition("/")[2] for each in document["failures"]] == ["05"]


def test_no_prediction_at_all(delineate, pairs, tmp_path):
    """A folder without any file that belongs to a case is refused."""
    (tmp_path / "none").mkdir()
    result = delineate("score", tmp_path / "none", pairs, "--out", tmp_path / "s")
    assert result.exit_code == 2
    assert "no file is named after a case" in result.stderr
