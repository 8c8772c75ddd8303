"""Scores of predictions that anything else made."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import LayoutError, LeakageError, SettingsError, UncertainMaskError
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


def test_masks_decide_and_the_maps_beside_them_rank(
    tiny_evaluation, written, tiny_set, tiny_run, tmp_path
):
    """Figures of masks stay what they are, and there is a ranking; a threshold cuts the maps."""
    for file in sorted(written.iterdir()):
        soft = np.asarray(Image.open(file)).astype(np.float32) / 255 * 0.6 + 0.2
        np.save(written / f"{file.stem.removesuffix('_mask')}_prob.npy", soft)
    result = run(written, tiny_set, tiny_run, tmp_path)
    assert hard_scores(result.document) == hard_scores(tiny_evaluation.document)
    assert result.document["threshold"] is None
    ranked = [one for one in result.document["headline"] if one["score"] == "roc_auc"]
    assert ranked[0]["value"] is not None
    lower = run(written, tiny_set, tiny_run, tmp_path, threshold=0.1, overwrite=True)
    everything = lower.evaluation.find(score="sensitivity", predictor="model", pooling="pooled")
    assert {one.value for one in everything} == {1.0}
    assert lower.document["threshold"] == 0.1


def test_probability_maps_need_a_threshold(written, tiny_set, tiny_run, tmp_path):
    """Maps alone are scored at the threshold that is given, which masks have no use for."""
    with pytest.raises(SettingsError, match="nothing that could be cut; leave the option out"):
        run(written, tiny_set, tiny_run, tmp_path, threshold=0.5)
    for file in sorted(written.iterdir()):
        soft = np.asarray(Image.open(file)).astype(np.float32) / 255 * 0.6 + 0.2
        np.save(written / f"{file.stem.removesuffix('_mask')}_prob.npy", soft)
        file.unlink()
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


@pytest.fixture
def perfect(leaking_set, tmp_path):
    """The masks of the leaking set as predictions of themselves."""
    shutil.copytree(leaking_set / "masks", tmp_path / "p")
    return tmp_path / "p"


def model_dice(document) -> dict:
    """Name of each view to the model's pooled Dice and its cases."""
    return {
        view["name"]: (view["cases"], record["value"])
        for view in document["views"]
        for record in view["records"]
        if (record["score"], record["pooling"], record["predictor"]) == ("dice", "pooled", "model")
    }


def test_leaks_are_refused_or_scored_apart(perfect, leaking_set, tmp_path):
    """Predictions from anywhere are held to the same rule."""
    options = {"split_file": leaking_set.parent / "split.csv", "out": tmp_path / "scored"}
    with pytest.raises(LeakageError, match=r"1 image file on both sides"):
        score(perfect, leaking_set, **options)
    assert not (tmp_path / "scored").exists()
    document = score(perfect, leaking_set, allow_leakage=True, **options).document
    assert model_dice(document) == {"every case": (4, 1.0), "without the leaked cases": (2, 1.0)}
    assert document["leaks"]["cases"] == ["s4_0", "s5_1"]


def test_dropped_cases_count_before_the_decisions(perfect, leaking_set, review_of, tmp_path):
    """The prediction of a dropped case is read for the labels before, and written nowhere."""
    audit = review_of(("flipped", "union"), ("same file", "keep_one", "s1_0"))
    options = {"split_file": leaking_set.parent / "split.csv", "allow_leakage": True}
    result = score(perfect, leaking_set, out=tmp_path / "s", review=audit, **options)
    dice = model_dice(result.document)
    assert dice["labels before the decisions"] == (4, 1.0)
    assert dice["cases that no decision touched"] == (2, 1.0)
    cases, value = dice["every case, labels as decided"]
    assert cases == 3
    assert value < 1  # s5_1 has another mask by now
    written = {file.name for file in (tmp_path / "s" / "predictions").iterdir()}
    assert written == {"s4_1_mask.png", "s5_0_mask.png", "s5_1_mask.png"}


def test_a_mask_that_a_review_mended_may_be_unreadable_before(leaking_set, review_of, tmp_path):
    """A damaged mask was replaced: the case has no earlier labels, and the scoring goes on."""
    data = shutil.copytree(leaking_set, tmp_path / "data")
    shutil.copytree(data / "masks", tmp_path / "p")
    good = tmp_path / "good.png"
    (data / "masks" / "s4_1.png").rename(good)
    (data / "masks" / "s4_1.png").write_bytes(good.read_bytes()[:60])
    audit = review_of(("s4_1", "keep"))
    log = ReviewLog.open(audit)
    (finding,) = log.findings(kind="unusual_mask")
    log.decide(finding.id, "replace", samples=["s4_1"], argument=good)
    split_file = leaking_set.parent / "split.csv"
    options = {"split_file": split_file, "allow_leakage": True, "review": audit}
    dice = model_dice(score(tmp_path / "p", data, out=tmp_path / "s", **options).document)
    assert dice["every case, labels as decided"] == (4, 1.0)
    assert dice["cases that no decision touched"] == (3, 1.0)
