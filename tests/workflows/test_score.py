"""Scores of predictions that anything else made."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, SettingsError, UncertainMaskError
from delineate.files.writing import read_json
from delineate.workflows.score import score

HARD = ("dice", "iou", "sensitivity", "specificity", "precision", "accuracy")
BLOCKED = """
import sys
for name in ("torch", "lightning_fabric", "safetensors"):
    sys.modules[name] = None
from delineate.workflows.score import score
predictions, data, split, out = sys.argv[1:]
result = score(predictions, data, split_file=split, split="test", out=out)
print(result.document["cases"], result.main_result.is_file())
"""


def hard_scores(document) -> dict:
    """Value and interval of each figure that masks alone decide, under its whole rule."""
    keys = ("score", "label_class", "predictor", "observer", "region", "pooling")
    return {
        tuple(record[key] for key in keys): (record["value"], record["low"], record["high"])
        for record in document["records"]
        if record["score"] in HARD and record["predictor"] in ("model", "empty prediction")
    }


@pytest.fixture
def written(tiny_evaluation, tmp_path):
    """A copy of the masks that the evaluation wrote."""
    shutil.copytree(tiny_evaluation.folder / "predictions", tmp_path / "p")
    return tmp_path / "p"


def run(written, tiny_set, tiny_run, tmp_path, **options):
    """Score the test split."""
    return score(
        written,
        tiny_set,
        split_file=tiny_run / "split.csv",
        split="test",
        out=tmp_path / "scored",
        **options,
    )


def test_written_masks_score_the_same(tiny_evaluation, written, tiny_set, tiny_run, tmp_path):
    """Everything that masks alone decide is exactly what `evaluate` found."""
    result = run(written, tiny_set, tiny_run, tmp_path)
    found, expected = hard_scores(result.document), hard_scores(tiny_evaluation.document)
    assert found == expected
    assert len(found) > 2 * len(HARD)
    assert result.failures == ()


def test_works_without_torch(written, tiny_set, tiny_run, tmp_path):
    """Nothing on the way to the page imports torch."""
    command = [sys.executable, "-W", "error", "-c", BLOCKED]
    paths = [written, tiny_set, tiny_run / "split.csv", tmp_path / "scored"]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split() == ["2", "True"]


def test_missing_predictions_are_failed_cases(written, tiny_set, tiny_run, tmp_path):
    """A case without a file stays in with score 0 and its reason, and lowers the mean."""
    gone = sorted(written.iterdir())[0]
    gone.unlink()
    result = run(written, tiny_set, tiny_run, tmp_path)
    assert len(result.failures) == 1
    assert "no prediction" in result.failures[0]
    with (tmp_path / "scored" / "cases.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    failed = rows[gone.stem.removesuffix("_mask")]
    assert failed["status"] == "failed"
    assert float(failed["dice"]) == 0
    document = read_json(tmp_path / "scored" / "evaluation.json", schema="evaluation")
    assert document["cases"] == 2
    assert len(document["failures"]) == 1


def test_damaged_and_misshapen_predictions_fail_by_name(written, tiny_set, tiny_run, tmp_path):
    """A truncated mask and one of another size are failures; the run goes on."""
    first, second = sorted(written.iterdir())
    first.write_bytes(first.read_bytes()[:50])
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(second)
    failures = "\n".join(run(written, tiny_set, tiny_run, tmp_path).failures)
    assert first.name in failures
    assert f"{second}: 5 x 6 px" in failures


def test_probability_maps_need_a_threshold(written, tiny_set, tiny_run, tmp_path):
    """Maps are scored at the threshold that is given, which moves the result."""
    for file in sorted(written.iterdir()):
        soft = np.asarray(Image.open(file)).astype(np.float32) / 255 * 0.6 + 0.2
        np.save(written / f"{file.stem.removesuffix('_mask')}_prob.npy", soft)
    with pytest.raises(SettingsError, match="need --threshold"):
        run(written, tiny_set, tiny_run, tmp_path)
    result = run(written, tiny_set, tiny_run, tmp_path, threshold=0.5)
    dice = [r["value"] for r in result.document["headline"] if r["score"] == "dice"]
    assert dice[0] > 0
    assert any(r["score"] == "roc_auc" and r["value"] for r in result.document["records"])


def test_uncertain_predictions_are_refused(written, tiny_set, tiny_run, tmp_path):
    """Grey values that could be anything are not scored."""
    for file in written.iterdir():
        values = np.random.default_rng(1).integers(0, 256, (41, 37)).astype(np.uint8)
        Image.fromarray(values).save(file)
    with pytest.raises(UncertainMaskError, match="predictions must be"):
        run(written, tiny_set, tiny_run, tmp_path)
    assert not (tmp_path / "scored").exists()


def test_a_folder_of_something_else_is_refused(tiny_set, tiny_run, tmp_path):
    """No folder, and no file named after a case, are errors that say what is expected."""
    with pytest.raises(LayoutError, match="no such folder"):
        run(tmp_path / "none", tiny_set, tiny_run, tmp_path)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "other.png").write_bytes(b"")
    with pytest.raises(LayoutError, match="no file is named after a case"):
        run(tmp_path / "p", tiny_set, tiny_run, tmp_path)
