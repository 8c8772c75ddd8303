"""Classifiers in model folders: the same verdicts after a round trip, and no mix-up of kinds."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from delineate.core.errors import LayoutError, SettingsError, UnreadableFileError
from delineate.core.seeds import stream
from delineate.inference.classifier import load_classifier, whole_image_probabilities
from delineate.inference.model import load_model
from delineate.inference.model_card import Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.inference.torch_segmenter import torch_pass


def image_of(height=20, width=14, seed=1):
    """Grey noise."""
    return stream(seed, "image").integers(0, 256, (height, width), np.uint8)


def logits_of(network, card, image):
    """What the network says of the prepared image, without anything of ours between."""
    with torch.no_grad():
        return network.eval()(torch.from_numpy(card.preparation(image[..., None])[None]))[0]


def test_round_trip_gives_the_softmax_of_the_network(tmp_path, write_classifier):
    """A classifier read back gives the second class's share of the softmax."""
    network, card = write_classifier(tmp_path / "model")
    image = image_of()
    classifier = load_classifier(tmp_path / "model")
    absent, present = logits_of(network, card, image).double().exp().tolist()
    assert classifier.card == card
    assert classifier.probability(image) == pytest.approx(present / (absent + present), abs=1e-6)
    assert classifier.probability(image[..., None]) == classifier.probability(image)
    assert classifier.predict(image).probability == classifier.probability(image)
    assert isinstance(classifier.predict(image).is_present, bool)


def test_the_run_folder_leads_to_it(tmp_path, write_classifier):
    """The folder above may be given as well, as text too."""
    _, card = write_classifier(tmp_path / "model")
    assert load_classifier(str(tmp_path)).card == card


def test_present_from_the_threshold_on(tmp_path, write_classifier):
    """A probability at the threshold is present; the card's holds unless another is given."""
    write_classifier(tmp_path / "first")
    image = image_of()
    probability = load_classifier(tmp_path / "first").probability(image)
    rule = {"chosen_on": "validation", "rule": "accuracy", "score": 1.0}
    write_classifier(tmp_path / "second", threshold=Threshold(value=probability, **rule))
    classifier = load_classifier(tmp_path / "second")
    assert classifier.predict(image).is_present
    assert not classifier.predict(image, threshold=np.nextafter(probability, 1)).is_present


def test_views_are_averaged(tmp_path, write_classifier):
    """Flips give the mean of the image and its mirror image; turns that of eight views."""
    network, card = write_classifier(tmp_path / "model")
    image = image_of()
    views = [np.rot90(each, n).copy() for n in range(4) for each in (image, image[:, ::-1])]
    each = [float(torch.softmax(logits_of(network, card, v), dim=0)[1]) for v in views]
    flips, turns = (load_classifier(tmp_path / "model", repeats=r) for r in ("flips", "turns"))
    assert flips.probability(image) == pytest.approx((each[0] + each[1]) / 2, abs=1e-6)
    assert turns.probability(image) == pytest.approx(np.mean(each), abs=1e-6)
    assert np.std(each) > 1e-4


def test_images_are_prepared_as_for_training(tmp_path, write_classifier):
    """Working size and channels are those of the card; the heat map has the image's own size."""
    preparation = Preparation(
        channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,), size_px=(10, 12)
    )
    network, _ = write_classifier(tmp_path / "model", preparation=preparation)
    classifier = load_classifier(tmp_path / "model")
    image = image_of(33, 21)
    probabilities = whole_image_probabilities(torch_pass(network), preparation, PredictSettings())
    (expected,) = probabilities([image])
    assert classifier.probability(image) == expected
    assert classifier.probability(np.stack([image] * 3, axis=2)) == pytest.approx(expected)
    heat = classifier.grad_cam(image)
    assert heat.shape == (33, 21)
    assert heat.dtype == np.float32
    assert heat.min() >= 0
    assert heat.max() in (0, 1)
    with pytest.raises(SettingsError, match="expected shape"):
        classifier.predict(np.zeros((5, 5, 4), np.uint8))
    with pytest.raises(SettingsError, match="at least one pixel"):
        classifier.predict(np.zeros((0, 5), np.uint8))
    with pytest.raises(SettingsError, match="found int64"):
        classifier.grad_cam(np.zeros((8, 8), np.int64))


def test_a_classifier_is_no_segmentation_model(tmp_path, write_classifier):
    """Asked for masks, a classifier is refused with the function that opens it."""
    write_classifier(tmp_path / "model")
    with pytest.raises(LayoutError, match=r"expected a segm.*found a classifier.*`load_cl"):
        load_model(tmp_path / "model")


def test_a_segmentation_model_is_no_classifier(tmp_path, write_classifier):
    """Asked for a verdict, a segmentation model is refused with the function that opens it."""
    write_classifier(tmp_path / "model", task="segment", architecture="unet")
    with pytest.raises(LayoutError, match=r"expected a classifier.*found a segm.*`load_model`"):
        load_classifier(tmp_path / "model")


def test_foreign_weights_and_unknown_names_are_refused(tmp_path, write_classifier):
    """Weights of another digest or another network, and unknown architectures, do not load."""
    folder = tmp_path / "model"
    _, card = write_classifier(folder)
    document = json.loads((folder / "model.json").read_text())

    def with_changes(**changes):
        (folder / "model.json").write_text(json.dumps(document | changes))
        return load_classifier(folder)

    with pytest.raises(UnreadableFileError, match="weights of another network than 'tiny'"):
        with_changes(arguments={"maps": 6})
    with pytest.raises(UnreadableFileError, match="digest differs"):
        with_changes(weights_sha256="0" * 64)
    with pytest.raises(SettingsError, match="unknown architecture 'tini'; did you mean 'tiny'"):
        with_changes(architecture="tini")
    with pytest.raises(UnreadableFileError, match="expected a threshold of probability"):
        with_changes(threshold=document["threshold"] | {"value": None})
    assert with_changes().card == card
    with pytest.raises(SettingsError, match="repeats: Input should be"):
        load_classifier(folder, repeats="twice")
