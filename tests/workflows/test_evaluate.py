"""Evaluation of a run: files, figures that others compute too, and the log."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from delineate.core.errors import LayoutError, LeakageError, SettingsError
from delineate.data.splitting import read_split
from delineate.files.writing import read_json
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card
from delineate.workflows.evaluate import evaluate


def figure(document, score, *, predictor="model", pooling="pooled", label_class=None):
    """The one value of a score in a document."""
    found = {
        record["value"]
        for record in document["records"]
        if (record["score"], record["predictor"], record["pooling"]) == (score, predictor, pooling)
        and label_class in (None, record["label_class"])
    }
    assert len(found) == 1, found
    return found.pop()


def truth_and_prediction(data, scored, ids):
    """All pixels of true and written masks."""
    read = lambda file: np.asarray(Image.open(file))  # noqa: E731 - used twice, here alone
    truth = [read(data / "masks" / f"{id_}.png").ravel() for id_ in ids]
    prediction = [read(scored / "predictions" / f"{id_}_mask.png").ravel() for id_ in ids]
    return np.concatenate(truth), np.concatenate(prediction)


def test_ids(run) -> list[str]:
    """The test cases of a run."""
    return [id_ for id_, split in read_split(run / "split.csv").items() if split == "test"]


test_ids.__test__ = False  # type: ignore[attr-defined] # a helper


def test_files_are_there(tiny_evaluation, tiny_run):
    """Document, page, a row a case, an overlay and a mask each, and the report of the run."""
    folder = tiny_evaluation.folder
    ids = test_ids(tiny_run)
    assert read_json(folder / "evaluation.json", schema="evaluation")["cases"] == len(ids) == 2
    assert tiny_evaluation.main_result == folder / "evaluation.html"
    assert "<html" in (folder / "evaluation.html").read_text()
    assert (tiny_run / "report.html").is_file()
    with (folder / "cases.csv").open(newline="") as file:
        assert {row["id"] for row in csv.DictReader(file)} == set(ids)
    for id_ in ids:
        assert (folder / "overlays" / f"{id_}.png").is_file()
        assert (folder / "predictions" / f"{id_}_mask.png").is_file()
    assert tiny_evaluation.failures == ()


def test_figures_agree_with_scikit_learn(tiny_evaluation, tiny_run, tiny_set):
    """Pooled figures are those of the masks that were written."""
    truth, prediction = truth_and_prediction(tiny_set, tiny_evaluation.folder, test_ids(tiny_run))
    truth, prediction = truth > 0, prediction > 0
    assert prediction.any()
    for score, oracle in [
        ("dice", f1_score),
        ("iou", jaccard_score),
        ("sensitivity", recall_score),
        ("precision", precision_score),
    ]:
        expected = oracle(truth, prediction)
        assert figure(tiny_evaluation.document, score) == pytest.approx(expected)


def test_threshold_and_its_origin_are_the_card_s(tiny_evaluation, tiny_run):
    """What was chosen on validation is used, and the document says so."""
    card = read_card(tiny_run)
    assert tiny_evaluation.document["threshold"] == card.threshold.value
    assert "validation split" in tiny_evaluation.document["threshold_origin"]


def test_trivial_baselines_stand_beside(tiny_evaluation):
    """The empty prediction has Dice 0, the mean training mask its own."""
    document = tiny_evaluation.document
    assert figure(document, "dice", predictor="empty prediction") == 0
    assert figure(document, "dice", predictor="mean training mask") is not None


def test_another_threshold_is_said_to_be_given(tiny_run, tmp_path):
    """A threshold by hand changes the masks and is named as such."""
    result = evaluate(tiny_run, threshold=1.1, out=tmp_path / "e", threads=1)
    assert result.document["threshold_origin"] == "given by hand"
    assert figure(result.document, "dice") == 0


def test_each_scoring_is_logged(tiny_run, tmp_path):
    """Every scoring of a split adds a line, and the document says which it is."""
    log = tiny_run / "scorings.jsonl"
    before = len(log.read_text().splitlines()) if log.exists() else 0
    result = evaluate(tiny_run, split="validation", out=tmp_path / "e", threads=1)
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(rows) == before + 1
    assert rows[-1]["split"] == "validation"
    validations = [row for row in rows if row["split"] == "validation"]
    assert result.document["scorings_of_this_split"] == len(validations)


def test_a_broken_image_is_a_failed_case(tiny_run, tiny_set, tmp_path):
    """A test image that cannot be read stays in as a row with its reason, and is reported."""
    data = tmp_path / "data"
    shutil.copytree(tiny_set, data)
    broken = test_ids(tiny_run)[0]
    file = data / "images" / f"{broken}.png"
    file.write_bytes(file.read_bytes()[:100])
    result = evaluate(
        tiny_run, data, out=tmp_path / "e", split_file=tiny_run / "split.csv", threads=1
    )
    assert len(result.failures) == 1
    assert broken in result.failures[0]
    with (tmp_path / "e" / "cases.csv").open(newline="") as text:
        rows = {row["id"]: row for row in csv.DictReader(text)}
    assert rows[broken]["failure"]
    assert (rows[broken]["status"], rows[broken]["dice"]) == ("failed", "0.0")
    assert result.document["cases"] == 2
    empty = figure(result.document, "dice", predictor="empty prediction", pooling="mean per image")
    assert empty == 0.0
    model = figure(result.document, "dice", pooling="mean per image")
    assert model == sum(float(row["dice"]) for row in rows.values()) / 2


def test_a_broken_mask_is_no_failure_of_the_model(tiny_run, tiny_set, tmp_path):
    """Where the truth cannot be read there is nothing to be held against, and no score."""
    data = tmp_path / "data"
    shutil.copytree(tiny_set, data)
    broken = test_ids(tiny_run)[0]
    file = data / "masks" / f"{broken}.png"
    Image.fromarray(np.asarray(Image.open(file))[:20]).save(file)
    evaluate(tiny_run, data, out=tmp_path / "e", split_file=tiny_run / "split.csv", threads=1)
    with (tmp_path / "e" / "cases.csv").open(newline="") as text:
        rows = {row["id"]: row for row in csv.DictReader(text)}
    assert (rows[broken]["status"], rows[broken]["dice"]) == ("no truth", "undefined")


def test_a_model_alone_needs_data(tiny_run, tiny_set, tmp_path):
    """A model folder without its run is scored on the data that is named."""
    shutil.copytree(tiny_run / "model", tmp_path / "model")
    with pytest.raises(SettingsError, match="say which DATA to score"):
        evaluate(tmp_path / "model", threads=1)
    result = evaluate(tmp_path / "model", tiny_set, out=tmp_path / "e", threads=1)
    assert result.document["cases"] == 12
    assert result.document["split"] == "all"


def test_unknown_splits_are_one_line(tiny_run, tmp_path):
    """A split that does not exist is refused before anything is written."""
    with pytest.raises(SettingsError, match="did you mean 'test'"):
        evaluate(tiny_run, split="tets", out=tmp_path / "e", threads=1)
    with pytest.raises(LayoutError, match="no such folder"):
        evaluate(tmp_path / "none", threads=1)
    assert not (tmp_path / "e").exists()


def test_more_classes_than_the_model_knows_are_refused(tiny_run, classes_run, tmp_path):
    """Three classes cannot be scored with a model of two."""
    data = classes_run.parent / "data"
    with pytest.raises(SettingsError, match=r"3 classes .* the model knows 2"):
        evaluate(tiny_run, data, out=tmp_path / "e", threads=1)


def test_three_classes_are_scored_each(classes_run, tmp_path):
    """Each foreground class has the figures that scikit-learn finds in the written masks."""
    result = evaluate(classes_run, out=tmp_path / "e", threads=1)
    ids = test_ids(classes_run)
    truth, prediction = truth_and_prediction(classes_run.parent / "data", tmp_path / "e", ids)
    assert set(np.unique(prediction)) <= {0, 1, 2}
    for label_class in read_card(classes_run).label_classes[1:]:
        index = label_class.index
        expected = f1_score(truth == index, prediction == index, zero_division=0)
        found = figure(result.document, "dice", label_class=label_class.name)
        assert found == pytest.approx(expected)


def test_masks_are_those_that_the_model_predicts(tiny_evaluation, tiny_run, tiny_set):
    """The written masks are what `load_model(...).predict` says of the same pixels."""
    model = load_model(tiny_run, threads=1)
    for id_ in test_ids(tiny_run):
        image = np.asarray(Image.open(tiny_set / "images" / f"{id_}.png"))
        written = np.asarray(Image.open(tiny_evaluation.folder / "predictions" / f"{id_}_mask.png"))
        assert ((written > 0) == (model.predict(image).labels == 1)).all()


def test_paths_stay_as_they_were_given(tiny_run, monkeypatch):
    """A relative run gives relative results; from inside the model folder the run is found."""
    monkeypatch.chdir(tiny_run.parent)
    result = evaluate(tiny_run.name, split="validation", threads=1)
    assert result.main_result == Path(tiny_run.name, "evaluation-validation", "evaluation.html")
    monkeypatch.chdir(tiny_run / "model")
    result = evaluate(".", split="validation", threads=1)
    assert result.folder == tiny_run / "evaluation-validation"


def views_of(document) -> dict:
    """Name of each view to its cases and the model's pooled Dice."""
    return {
        view["name"]: (
            view["cases"],
            next(
                record["value"]
                for record in view["records"]
                if (record["score"], record["pooling"], record["predictor"])
                == ("dice", "pooled", "model")
            ),
        )
        for view in document["views"]
    }


def pooled_dice(truths, predictions) -> float:
    """The Dice of all pixels of some masks."""
    truth, prediction = (
        np.concatenate([m.ravel() > 0 for m in each]) for each in (truths, predictions)
    )
    return float(f1_score(truth, prediction))


def read(file):
    """The values of a picture."""
    with Image.open(file) as picture:
        return np.asarray(picture)


def test_a_leaking_test_split_is_refused(leaking_run, tmp_path):
    """Copies of training images among the test cases are named, and nothing is written."""
    with pytest.raises(LeakageError, match=r"1 image file .* 1 picture with copies .*--allow"):
        evaluate(leaking_run, out=tmp_path / "e", threads=1)
    assert not (tmp_path / "e").exists()


def test_an_allowed_leak_is_scored_with_and_without(leaking_run, leaking_set, tmp_path):
    """Every headline score stands over all cases and over those that do not leak."""
    result = evaluate(leaking_run, out=tmp_path / "e", threads=1, allow_leakage=True)
    document = read_json(tmp_path / "e" / "evaluation.json", schema="evaluation")
    assert document["leaks"]["cases"] == ["s4_0", "s5_1"]
    assert document["leaks"]["counts"] == {"leaked_file": 1, "leaked_twins": 1}
    clean = ["s4_1", "s5_0"]
    expected = pooled_dice(
        [read(leaking_set / "masks" / f"{id_}.png") for id_ in clean],
        [read(tmp_path / "e" / "predictions" / f"{id_}_mask.png") for id_ in clean],
    )
    assert views_of(document) == {
        "every case": (4, figure(document, "dice")),
        "without the leaked cases": (2, pytest.approx(expected)),
    }
    assert len(document["views"][1]["records"]) == len(document["headline"])
    assert any(note.startswith("2 of 4 cases leak (") for note in document["notes"])
    for page in (result.main_result, leaking_run / "report.html"):
        text = page.read_text()
        assert "Without 2 leaked cases: " in text
        assert "Without the leaked cases: 2 cases" in text
    row = json.loads((leaking_run / "scorings.jsonl").read_text().splitlines()[-1])
    assert row["leaked"] == 2


def test_a_clean_split_has_no_views(tiny_evaluation):
    """Without leaks or decisions there is one set of figures and no word of either."""
    document = tiny_evaluation.document
    assert (document["views"], document["leaks"], document["review"]) == ([], None, None)
    assert not any("leak" in note for note in document["notes"])


def test_training_images_leak_nothing_into_themselves(leaking_run, tmp_path):
    """Scoring what was trained on is said as such, and is no leak."""
    result = evaluate(leaking_run, split="train", out=tmp_path / "e", threads=1)
    assert result.document["leaks"] is None
    assert any("trained on these very cases" in note for note in result.document["notes"])


def test_changed_labels_are_scored_as_before_too(leaking_run, leaking_set, review_of, tmp_path):
    """Under decisions on test labels: as decided, as before, and where nobody touched them."""
    audit = review_of(("flipped", "union"), ("same file", "keep_one", "s1_0"))
    out = tmp_path / "e"
    result = evaluate(leaking_run, out=out, threads=1, allow_leakage=True, review=audit)
    document = result.document
    predictions = {id_: read(out / "predictions" / f"{id_}_mask.png") for id_ in ("s5_0", "s5_1")}
    masks = {id_: read(leaking_set / "masks" / f"{id_}.png") for id_ in ("s5_0", "s5_1", "s0_0")}
    decided = pooled_dice(
        [read(leaking_set / "masks" / "s4_1.png"), masks["s5_0"], masks["s0_0"][:, ::-1]],
        [read(out / "predictions" / "s4_1_mask.png"), *predictions.values()],
    )
    untouched = pooled_dice(
        [read(leaking_set / "masks" / "s4_1.png"), masks["s5_0"]],
        [read(out / "predictions" / "s4_1_mask.png"), predictions["s5_0"]],
    )
    plain = evaluate(leaking_run, out=tmp_path / "p", threads=1, allow_leakage=True).document
    assert views_of(document) == {
        "every case, labels as decided": (3, pytest.approx(decided)),
        "without the leaked cases": (2, pytest.approx(untouched)),
        "labels before the decisions": (4, pytest.approx(figure(plain, "dice"))),
        "cases that no decision touched": (2, pytest.approx(untouched)),
    }
    assert figure(document, "dice") == pytest.approx(decided)
    assert document["review"]["cases"] == {"relabelled": ["s5_1"], "dropped": ["s4_0"]}
    notes = " ".join(document["notes"])
    assert "gave 1 case of this split another mask and left 1 out" in notes
    assert "improve" not in notes
    with (out / "cases.csv").open(newline="") as file:
        assert {row["id"] for row in csv.DictReader(file)} == {"s4_1", "s5_0", "s5_1"}


def test_a_review_of_other_cases_gives_no_views(tiny_run, review_of, tmp_path):
    """Decisions that change nothing here are recorded, and the scores stand alone."""
    trained = next(
        id_ for id_, part in read_split(tiny_run / "split.csv").items() if part == "train"
    )
    audit = review_of((trained, "drop"))
    document = evaluate(tiny_run, out=tmp_path / "e", threads=1, review=audit).document
    assert document["views"] == []
    assert document["review"]["cases"] == {"relabelled": [], "dropped": []}


@pytest.fixture
def decided_run(leaking_set, review_of, tmp_path, train_tiny) -> Path:
    """A run that was trained under decisions on its test cases."""
    audit = review_of(("flipped", "union"), ("same file", "keep_one", "s1_0"))
    split_file = leaking_set.parent / "split.csv"
    options = {"split_file": split_file, "review": audit, "subjects": None}
    return train_tiny(leaking_set, tmp_path / "run", allow_leakage=True, **options).folder


def test_a_run_s_own_review_counts_by_itself(decided_run, review_of, tmp_path, leaking_set):
    """Its own data is scored under the decisions of its training, unless others are given."""
    document = evaluate(decided_run, threads=1, allow_leakage=True).document
    assert document["review"]["cases"] == {"relabelled": ["s5_1"], "dropped": ["s4_0"]}
    assert views_of(document)["labels before the decisions"][0] == 4
    assert (decided_run / "report.html").is_file()
    assert list((decided_run / "evaluation-test" / "review").glob("s5_1*.png"))
    other = review_of(("s5_0", "drop"), name="other")
    document = evaluate(decided_run, threads=1, allow_leakage=True, review=other).document
    assert document["review"]["cases"] == {"relabelled": [], "dropped": ["s5_0"]}
    moved = shutil.copytree(leaking_set, tmp_path / "moved")
    document = evaluate(
        decided_run, moved, out=tmp_path / "m", threads=1, allow_leakage=True
    ).document
    assert document["review"]["cases"]["dropped"] == ["s4_0"]  # known by what it holds


def test_other_data_that_the_model_has_seen_is_refused(leaking_run, leaking_set, tmp_path):
    """Training images in another folder, under other names, are found in it."""
    for folder in ("images", "masks"):
        (tmp_path / "other" / folder).mkdir(parents=True)
        for name, other in (("s0_0", "a"), ("s2_1", "b"), ("s5_0", "c")):
            shutil.copy(
                leaking_set / folder / f"{name}.png", tmp_path / "other" / folder / f"{other}.png"
            )
    with pytest.raises(LeakageError, match=r"2 image files on both sides: a \(this data\)"):
        evaluate(leaking_run, tmp_path / "other", out=tmp_path / "e", threads=1)
    result = evaluate(
        leaking_run, tmp_path / "other", out=tmp_path / "e", threads=1, allow_leakage=True
    )
    assert result.document["leaks"]["cases"] == ["a", "b"]
    assert views_of(result.document)["without the leaked cases"][0] == 1


def test_gone_training_data_is_said_not_to_be_compared(
    leaking_set, tmp_path, train_tiny, write_set
):
    """Where the run's own images are gone, whether these were among them cannot be told."""
    data = shutil.copytree(leaking_set, tmp_path / "data")
    options = {"split_file": leaking_set.parent / "split.csv", "subjects": None, "steps": 2}
    run = train_tiny(data, tmp_path / "run", allow_leakage=True, **options).folder
    shutil.rmtree(data)
    other = write_set(tmp_path / "other", subjects=5)
    notes = evaluate(run, other, out=tmp_path / "e", threads=1).document["notes"]
    assert any("was trained on some of these images cannot be told" in note for note in notes)
