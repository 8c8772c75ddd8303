"""Classes that overlap, from files of one class each to trained masks of one class each."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import f1_score

from delineate.core.errors import DelineateError, SettingsError
from delineate.core.overlapping import is_class
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.phantoms.overlapping import NAMES, overlapping_picture, write_overlapping
from delineate.data.reading import read_labels
from delineate.files.image_files import read_image
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card
from delineate.workflows.evaluate import evaluate
from delineate.workflows.mask_folder import mask_folder
from delineate.workflows.predict import predict
from delineate.workflows.score import score
from delineate.workflows.train import train

SIZE = (40, 48)


@pytest.fixture(scope="module")
def overlapping_set(tmp_path_factory) -> Path:
    """Twelve pictures of six subjects in three classes; not to be written to."""
    root = tmp_path_factory.mktemp("overlapping") / "data"
    return write_overlapping(root, subjects=6, images=2, size_px=SIZE)


@pytest.fixture(scope="module")
def overlapping_run(overlapping_set, train_tiny) -> Path:
    """A run that learnt organ and vessel; only ever added to."""
    out = overlapping_set.parent / "run"
    return train_tiny(overlapping_set, out, steps=240, overlapping=True).folder


def truth_of(data: Path, name: str, sample: str) -> np.ndarray:
    """(H, W) what a file of one class holds."""
    return read_image(data / "masks" / name / f"{sample}.png")[..., 0] > 0


def samples_in(run: Path, split: str) -> list[str]:
    """The ids of a split of a run."""
    rows = (run / "split.csv").read_text().splitlines()[1:]
    return [row.split(",")[0].split("/")[-1] for row in rows if f",{split}" in row]


def test_phantoms_overlap(overlapping_set) -> None:
    """Files read back as the codes that were drawn: pixels of none, one, two and three classes."""
    dataset = open_dataset(overlapping_set, overlapping=True)
    dataset = settle_encodings(dataset)
    assert [each.name for each in dataset.classes[1:]] == list(NAMES)
    held = set()
    for sample in dataset.samples:
        subject, number = sample.image.stem[1:].split("_")
        labels = read_labels(dataset, sample, dataset.observers[0])
        assert (labels == overlapping_picture(0, int(subject), int(number), SIZE).codes).all()
        held |= set(np.unique(labels).tolist())
    assert held >= {0b000, 0b010, 0b100, 0b110, 0b011, 0b111}


def test_overlaps_must_be_declared(overlapping_set, tmp_path, train_tiny) -> None:
    """Without the option the error names it, before anything is written."""
    with pytest.raises(DelineateError, match="--overlapping"):
        train_tiny(overlapping_set, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_card_says_what_kind_of_model_it_is(overlapping_run) -> None:
    """A sigmoid and a threshold a class, and no channel for the background."""
    card = read_card(overlapping_run)
    assert card.is_overlapping
    assert card.output_channels == 3
    assert card.threshold.value is None
    assert len(card.threshold.values) == 3
    assert card.threshold.rule.startswith("one a class: lesion")
    assert card.threshold.chosen_on == "validation split, 2 images"
    page = (overlapping_run / "model" / "README.md").read_text()
    for name, value in zip(NAMES, card.threshold.values, strict=True):
        assert f"{name} {value:.4f}" in page


def test_each_threshold_is_the_best_of_its_class(overlapping_set, overlapping_run) -> None:
    """On the validation cases no threshold gives a class a higher Dice than its own."""
    model = load_model(overlapping_run, device="cpu", threads=1)
    ids = samples_in(overlapping_run, "validation")
    assert len(ids) == 2
    scores = []
    for index, name in enumerate(NAMES):
        probability = [
            model.probability(read_image(overlapping_set / "images" / f"{id_}.png"))[index]
            for id_ in ids
        ]
        truth = np.concatenate([truth_of(overlapping_set, name, id_).ravel() for id_ in ids])
        flat = np.concatenate([each.ravel() for each in probability])
        own = f1_score(truth, flat >= np.float32(model.threshold.values[index]))
        every = [f1_score(truth, flat >= cut) for cut in np.linspace(0.02, 0.98, 49)]
        assert own >= max(every) - 1e-6
        scores.append(own)
    assert model.threshold.score == pytest.approx(np.mean(scores), abs=1e-4)
    assert min(scores[1:]) > 0.7  # the lesion of a few pixels takes longer to learn


def test_masks_are_written_one_a_class(overlapping_set, overlapping_run, tmp_path) -> None:
    """The files hold what the model says of each class, and overlap where it says so."""
    image = overlapping_set / "images" / "s1_1.png"
    result = predict(overlapping_run, [image], tmp_path / "out", device="cpu", threads=1)
    assert not result.failures
    found = load_model(overlapping_run, device="cpu", threads=1).predict(read_image(image))
    for index, name in enumerate(NAMES, 1):
        written = read_image(tmp_path / "out" / f"s1_1_mask_{name}.png")[..., 0]
        assert set(np.unique(written)) <= {0, 255}
        assert ((written > 0) == found.mask(index)).all()
    assert (found.mask(2) & found.mask(3)).any()
    assert found.probability.shape == (3, *SIZE)


def test_scores_are_those_of_each_class_by_itself(overlapping_set, overlapping_run) -> None:
    """The evaluation knows from the model that classes overlap, and counts as scikit-learn does."""
    out = overlapping_set.parent / "evaluation"
    result = evaluate(overlapping_run, split="validation", out=out, device="cpu", threads=1)
    ids = samples_in(overlapping_run, "validation")
    model = load_model(overlapping_run, device="cpu", threads=1)
    found = {
        id_: model.predict(read_image(overlapping_set / "images" / f"{id_}.png")) for id_ in ids
    }
    records = json.loads((out / "evaluation.json").read_text())["records"]
    for index, name in enumerate(NAMES, 1):
        truth = np.concatenate([truth_of(overlapping_set, name, id_).ravel() for id_ in ids])
        prediction = np.concatenate([found[id_].mask(index).ravel() for id_ in ids])
        own = [
            each["value"]
            for each in records
            if (each["predictor"], each["score"], each["pooling"]) == ("model", "dice", "pooled")
            and each["label_class"] == name
        ]
        assert own == [pytest.approx(f1_score(truth, prediction))]
    assert result.document["is_overlapping"]


def test_what_was_predicted_is_scored_as_the_model_is(
    overlapping_set, overlapping_run, tmp_path
) -> None:
    """Masks of one class each go into `score` and come to the figures of `evaluate`."""
    images = sorted((overlapping_set / "images").iterdir())
    predicted = predict(
        overlapping_run, images, tmp_path / "masks", probabilities=True, device="cpu", threads=1
    )
    options = {"split": "validation", "split_file": overlapping_run / "split.csv"}
    scored = score(
        tmp_path / "masks", overlapping_set, out=tmp_path / "score", overlapping=True, **options
    )
    own = evaluate(overlapping_run, out=tmp_path / "own", device="cpu", threads=1, **options)

    def dice_of(result) -> dict[str, float]:
        return {
            each["label_class"]: each["value"]
            for each in result.document["records"]
            if (each["predictor"], each["score"], each["pooling"]) == ("model", "dice", "pooled")
        }

    assert set(dice_of(own)) >= set(NAMES)
    assert dice_of(scored) == dice_of(own)
    for key in ("threshold", "thresholds", "threshold_origin"):
        assert predicted.document[key] == own.document[key]
    assert len(own.document["thresholds"]) == len(NAMES)
    left = mask_folder(own.folder / "predictions")
    assert left.is_overlapping
    assert [one.name for one in left.classes[1:]] == list(NAMES)


def test_one_threshold_can_be_given_for_all(overlapping_set, overlapping_run) -> None:
    """A threshold by hand holds for every class; a high one leaves less of each."""
    model = load_model(overlapping_run, device="cpu", threads=1)
    image = read_image(overlapping_set / "images" / "s0_1.png")
    high = model.predict(image, threshold=0.9)
    for index in (1, 2, 3):
        assert (high.mask(index) == (high.probability[index - 1] >= np.float32(0.9))).all()
    assert model.cut(0.9) == (0.9, 0.9, 0.9)


def test_small_objects_go_class_by_class(overlapping_set, overlapping_run) -> None:
    """With the area of all of a class and no more required, only that class is left out."""
    image = read_image(overlapping_set / "images" / "s0_1.png")
    plain = load_model(overlapping_run, device="cpu", threads=1).predict(image)
    lesion, organ = int(plain.mask(1).sum()), int(plain.mask(2).sum())
    assert 0 < lesion < organ
    model = load_model(overlapping_run, device="cpu", threads=1, minimum_area_px=lesion + 1)
    cut = model.predict(image)
    assert not cut.mask(1).any()
    assert cut.mask(2).sum() > 0.9 * organ


class _Stopping:
    """A progress that is interrupted at a step of the training."""

    def __init__(self, at: int) -> None:
        self._at = at

    def say(self, text: str) -> None:
        """Keep quiet."""

    def reach(self, done: float, text: str = "") -> None:
        """Interrupt where it is time."""
        if text.startswith("loss") and done >= self._at:
            raise KeyboardInterrupt

    @contextmanager
    def bar(self, label: str, total: float):
        """Follow the training."""
        yield self


def test_interrupted_and_resumed_equals_uninterrupted(
    overlapping_set, tmp_path, train_tiny
) -> None:
    """The run remembers that its classes overlap, and ends with the same bits."""
    whole = train_tiny(overlapping_set, tmp_path / "whole", overlapping=True).folder
    with pytest.raises(KeyboardInterrupt):
        train_tiny(overlapping_set, tmp_path / "part", overlapping=True, progress=_Stopping(at=8))
    assert (tmp_path / "part" / "checkpoints" / "last.safetensors").exists()
    train(overlapping_set, tmp_path / "part", resume=True)
    first, second = (
        load_file(run / "model" / "model.safetensors") for run in (whole, tmp_path / "part")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    one, other = read_card(whole), read_card(tmp_path / "part")
    assert one.threshold == other.threshold
    assert other.is_overlapping


def test_every_depth_has_thresholds_of_its_own(overlapping_set, tmp_path, train_tiny) -> None:
    """UNet++ of two depths: each cut has one threshold a class, and is scored with them."""
    changes = ("model.architecture=unetpp", "model.arguments={width = 4, depth = 2}")
    run = train_tiny(overlapping_set, tmp_path / "run", changes=changes, overlapping=True).folder
    card = read_card(run)
    assert [len(each.threshold.values) for each in card.depths] == [3, 3]
    assert card.depths[0].threshold.values != card.depths[1].threshold.values
    assert card.depths[1].threshold == card.threshold
    image = read_image(overlapping_set / "images" / "s0_1.png")
    for depth, each in enumerate(card.depths, 1):
        model = load_model(run, device="cpu", threads=1, depth=depth)
        assert model.cut() == each.threshold.values
        assert model.predict(image).probability.shape == (3, *SIZE)
    result = evaluate(run, split="validation", out=tmp_path / "out", device="cpu", threads=1)
    thresholds = [each.threshold.values for each in card.depths]
    assert [row["thresholds"] for row in result.document["depths"]] == thresholds
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert ", ".join(f"{value:.3f}" for value in thresholds[0]) in page


def test_data_that_overlaps_needs_a_model_of_that_kind(
    overlapping_set, classes_run, tmp_path
) -> None:
    """A model that gives each pixel one class is not scored on classes that overlap."""
    with pytest.raises(SettingsError, match="may overlap, and the model was trained to give each"):
        evaluate(
            classes_run,
            overlapping_set,
            split="all",
            overlapping=True,
            out=tmp_path / "out",
            allow_leakage=True,
        )


def test_a_threshold_has_no_use_where_the_likeliest_wins(classes_run) -> None:
    """Of several classes that exclude each other no threshold is taken, from Python either."""
    model = load_model(classes_run, device="cpu", threads=1)
    with pytest.raises(SettingsError, match="--threshold: a model of several classes"):
        model.predict(np.zeros((32, 32, 1), np.uint8), threshold=0.5)


def test_a_mask_of_one_class_that_excludes_others(classes_run, tiny_set) -> None:
    """`mask` gives the pixels of one class whatever labels mean."""
    image = read_image(next((tiny_set / "images").iterdir()))
    found = load_model(classes_run, device="cpu", threads=1).predict(image)
    assert (found.mask(2) == (found.labels == 2)).all()
    assert (found.mask(2) == is_class(found.labels, 2, is_overlapping=False)).all()
