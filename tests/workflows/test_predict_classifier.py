"""Verdicts on images without labels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from delineate.core.checks import sha256_of_file
from delineate.core.errors import LayoutError, OutputExistsError, SettingsError
from delineate.core.seeds import stream
from delineate.core.types import VERDICTS
from delineate.files.writing import read_json, write_json
from delineate.inference.classifier import load_classifier
from delineate.inference.model_card import ModelCard, NamedClass, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.inference.weights import save_network
from delineate.models.catalogue import build_classifier
from delineate.report.heat_maps import heat_map_overlay
from delineate.workflows.predict import predict
from delineate.workflows.predict_classifier import predict_classifier

ARGUMENTS = {"encoder": "test_resnet", "head": "pneumothorax"}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A run folder with a small random classifier, whose threshold parts the images in two."""
    folder = tmp_path_factory.mktemp("run") / "model"
    folder.mkdir()
    torch.manual_seed(1)
    network = build_classifier("classifier", channels=1, classes=2, arguments=ARGUMENTS)
    save_network(folder / "model.safetensors", network)
    card = ModelCard(
        name="gate",
        task="classify",
        architecture="classifier",
        arguments=ARGUMENTS,
        parameters=1,
        stride_px=network.stride,
        context_px=None,
        classes=tuple(
            NamedClass(index=each.index, name=each.name, colour=each.colour) for each in VERDICTS
        ),
        preparation=Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,)),
        predict=PredictSettings(),
        precision="float32",
        threshold=Threshold(value=0.5, chosen_on="validation", rule="given", score=None),
        training={},
        validation={},
        weights_sha256=sha256_of_file(folder / "model.safetensors"),
    )
    write_json(folder / "model.json", card.model_dump(mode="json"), schema="model")
    return folder.parent


@pytest.fixture
def images(tmp_path) -> Path:
    """A folder of three images of several sizes and kinds."""
    rng = stream(5, "images")
    folder = tmp_path / "images"
    folder.mkdir()
    for name, size in (("a", (41, 37)), ("b", (64, 96)), ("c", (30, 70, 3))):
        picture = rng.integers(0, 256, size).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{name}.png")
    return folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The table that was written."""
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def pixels(file: Path) -> np.ndarray:
    """What the file holds."""
    return np.asarray(Image.open(file))


def test_a_row_and_a_picture_an_image(model, images, tmp_path):
    """Table, document and pictures say of each image what the loaded classifier says."""
    classifier = load_classifier(model, threads=1)
    files = sorted(images.iterdir())
    expected = [classifier.probability(pixels(file)) for file in files]
    cut = sorted(expected)[1]  # two of three are present, one of them just
    result = predict_classifier(model, [images], tmp_path / "out", threshold=cut, threads=1)
    assert result.failures == ()
    assert result.main_result == tmp_path / "out" / "predictions.csv"
    document = read_json(tmp_path / "out" / "predictions.json", schema="predictions")
    rows = rows_of(result.folder)
    assert document["task"] == "classify"
    assert (document["threshold"], document["threshold_origin"]) == (cut, "given by hand")
    assert document["classes"] == ["absent", "present"]
    assert "where the network looked" in document["heat_maps"]
    for file, probability, row, said in zip(files, expected, rows, document["images"], strict=True):
        assert row["image"] == said["image"] == str(file)
        assert float(row["probability"]) == said["probability"] == probability
        verdict = "present" if probability >= cut else "absent"
        assert row["verdict"] == said["verdict"] == verdict
        drawn = pixels(result.folder / said["heat_map"])
        assert said["heat_map"] == f"{file.stem}_cam.png"
        image = pixels(file)
        expected_picture = heat_map_overlay(image, classifier.grad_cam(image))
        assert drawn.shape == (*image.shape[:2], 3)
        assert (drawn == expected_picture).all()
    assert [row["verdict"] for row in rows].count("present") == 2


def test_the_cards_threshold_holds_unless_another_is_given(model, images, tmp_path):
    """Without a threshold the document names that of the card, and where it is from."""
    result = predict_classifier(model, [images], tmp_path / "out", overlays=False, threads=1)
    assert result.document["threshold"] == 0.5
    card = load_classifier(model, threads=1).card
    assert result.document["threshold_origin"] == f"{card.threshold.rule} (validation)"
    for row in result.document["images"]:
        assert row["verdict"] == ("present" if row["probability"] >= 0.5 else "absent")
        assert "heat_map" not in row
    names = sorted(file.name for file in result.folder.glob("[!.]*"))
    assert names == ["predictions.csv", "predictions.json"]


def test_views_are_those_asked_for(model, images, tmp_path):
    """Flips give the mean of an image and its mirror image."""
    single = load_classifier(model, threads=1)
    image = pixels(images / "b.png")
    both = [single.probability(np.ascontiguousarray(each)) for each in (image, image[:, ::-1])]
    result = predict_classifier(
        model, [images / "b.png"], tmp_path / "out", repeats="flips", threads=1
    )
    assert result.document["repeats"] == "flips"
    assert result.document["images"][0]["probability"] == pytest.approx(np.mean(both), abs=1e-6)
    assert abs(both[0] - both[1]) > 1e-6


def test_an_unreadable_image_is_listed_and_the_others_done(model, images, tmp_path):
    """A broken file among good ones is a failure by name; the others have their rows."""
    (images / "broken.png").write_bytes((images / "a.png").read_bytes()[:60])
    result = predict_classifier(model, [images], tmp_path / "out", threads=1)
    assert [Path(row["image"]).name for row in rows_of(result.folder)] == [
        "a.png",
        "b.png",
        "c.png",
    ]
    assert len(result.failures) == 1
    assert "broken.png" in result.failures[0]
    assert result.document["failures"] == list(result.failures)


def test_an_image_that_does_not_fit_the_model_is_named(model, images, tmp_path):
    """Floats beyond 0 to 1 are read well and cannot be judged: which file it was is said."""
    tifffile.imwrite(images / "wide.tif", np.full((20, 20), 7.5, np.float32))
    result = predict_classifier(model, [images], tmp_path / "out", threads=1)
    (failure,) = result.failures
    assert failure.startswith(f"{images / 'wide.tif'}: image: expected uint8")


def test_images_of_one_name_keep_apart(model, images, tmp_path):
    """Two images of one name in two folders each have their picture."""
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(pixels(images / "a.png")[:, ::-1].copy()).save(other / "a.png")
    result = predict_classifier(
        model, [images / "a.png", other / "a.png"], tmp_path / "out", threads=1
    )
    pictures = sorted(file.name for file in result.folder.glob("*_cam.png"))
    assert pictures == ["images_a_cam.png", "other_a_cam.png"]


def test_what_belongs_to_masks_is_refused(model, images, tmp_path):
    """Probability maps and palettes are refused before anything is written."""
    out = tmp_path / "out"
    with pytest.raises(SettingsError, match=r"--probabilities: .*predictions\.csv; leave"):
        predict_classifier(model, [images], out, probabilities=True)
    with pytest.raises(SettingsError, match="--palette nerve: colours masks"):
        predict_classifier(model, [images], out, palette="nerve")
    with pytest.raises(SettingsError, match="--format rle-nerve: writes masks, and a classifier"):
        predict(model, [images], out, formats=["png", "rle"])
    assert not out.exists()


def test_nothing_is_overwritten_unasked(model, images, tmp_path):
    """An output folder that is there is refused, and so are images and models that are not."""
    out = tmp_path / "out"
    predict_classifier(model, [images], out, overlays=False, threads=1)
    with pytest.raises(OutputExistsError, match="out"):
        predict_classifier(model, [images], out, threads=1)
    predict_classifier(model, [images], out, overlays=False, overwrite=True, threads=1)
    with pytest.raises(LayoutError, match="no such file or folder"):
        predict_classifier(model, [tmp_path / "nothing"], out, overwrite=True)
    with pytest.raises(LayoutError, match="expected a run or a model folder"):
        predict_classifier(images, [images], out, overwrite=True)
