"""A gate before a segmenter: what it lets through, and what it saves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import SettingsError
from delineate.core.seeds import stream
from delineate.inference.looking import Seen
from delineate.inference.model import Model, load_model
from delineate.inference.model_card import Gate, Threshold


def image_of(height: int = 37, width: int = 50) -> np.ndarray:
    """A grey image of noise."""
    return stream(4, "image").integers(0, 256, (height, width), np.uint8)


def blind(images: Sequence[np.ndarray]) -> list[Seen]:
    """A segmenter that must not be asked."""
    raise AssertionError("the segmenter was run")


@pytest.fixture
def model(two_stages) -> Model:
    """A classifier at 0.5 before the mean of two segmenters with heads."""
    return load_model(two_stages)


def with_head(model: Model, presence: float) -> Model:
    """The model behind the head of its segmenter, which says this."""
    probability = model.probability(image_of())
    behind = model.with_gate("head")
    return replace(behind, look=lambda images: [Seen(probability, presence) for _ in images])


def test_behind_a_closed_gate_nothing_is_segmented(model):
    """The gate looks first; where it finds nothing the segmenter is not run, and all is 0."""
    probability = model.gate.probability(image_of())
    above = float(np.nextafter(probability, 1))
    prediction = replace(model, look=blind).predict(image_of(), gate_threshold=above)
    assert prediction.gate.probability == probability
    assert not prediction.gate.is_present
    assert prediction.labels.shape == (37, 50)
    assert prediction.labels.dtype == np.uint8
    assert not prediction.labels.any()
    assert prediction.probability.shape == (1, 37, 50)
    assert prediction.probability.dtype == np.float32
    assert not prediction.probability.any()
    assert prediction.gate_s > 0
    assert prediction.segmenter_s is None


def test_an_open_gate_changes_nothing(model):
    """From the threshold on the masks are those of the segmenter without a gate."""
    probability = model.gate.probability(image_of())
    prediction = model.predict(image_of(), gate_threshold=probability)
    assert prediction.gate.is_present
    assert (prediction.probability == model.probability(image_of())).all()
    assert (prediction.labels == (prediction.probability[0] >= 0.5)).all()
    assert prediction.gate_s > 0
    assert prediction.segmenter_s > 0
    with pytest.raises(AssertionError, match="the segmenter was run"):
        replace(model, look=blind).predict(image_of(), gate_threshold=probability)


def test_the_gate_of_the_card_holds_and_not_the_classifiers_own(two_stages):
    """Its threshold was chosen together with that of masks, whatever the classifier's own is."""
    probability = load_model(two_stages).gate.probability(image_of())
    for threshold, is_present in (
        (probability, True),
        (float(np.nextafter(probability, 1)), False),
    ):
        file = two_stages / "model.json"
        card = json.loads(file.read_text())
        card["gate"]["threshold"] = threshold
        file.write_text(json.dumps(card))
        model = load_model(two_stages)
        assert model.predict(image_of()).gate.is_present == is_present
        assert model.gate_cut() == threshold
        assert model.gate.threshold == 0.5


@given(presence=st.floats(0, 1), threshold=st.floats(0, 1))
def test_a_head_decides_after_the_segmenter_has_looked(heads_model, presence, threshold):
    """Present from the threshold on; below it masks and probability are empty."""
    probability = np.full((1, 3, 4), 0.9, np.float32)
    model = replace(heads_model, look=lambda images: [Seen(probability, presence) for _ in images])
    prediction = model.predict(image_of(3, 4), gate_threshold=threshold)
    is_present = presence >= threshold
    assert prediction.gate.probability == presence
    assert prediction.gate.is_present == is_present
    assert prediction.labels.any() == is_present
    assert prediction.probability.any() == is_present
    assert prediction.gate_s is None
    assert prediction.segmenter_s >= 0


@pytest.fixture(scope="module")
def heads_model(tmp_path_factory, write_segmenter) -> Model:
    """A network behind its own head."""
    folder = tmp_path_factory.mktemp("head") / "model"
    write_segmenter(folder, head=True, gate=Gate(kind="head", threshold=0.5, rule="by hand"))
    return load_model(folder)


def test_a_network_says_its_presence_itself(tmp_path, write_segmenter):
    """The last channel is no class; its one value is what the gate hears."""
    gate = Gate(kind="head", threshold=0.0, rule="by hand")
    write_segmenter(tmp_path / "a", head=True, gate=gate)
    model = load_model(tmp_path / "a")
    prediction = model.predict(image_of())
    assert prediction.probability.shape == (1, 37, 50)
    assert 0 < prediction.gate.probability < 1
    assert prediction.gate.probability == model.look([image_of()])[0].presence
    other = model.predict(255 - image_of()).gate.probability
    assert other != prediction.gate.probability


@pytest.mark.parametrize(("is_overlapping", "channels"), [(False, 3), (True, 2)])
def test_nothing_is_background_in_every_class(tmp_path, write_segmenter, is_overlapping, channels):
    """Where classes share a pixel none is there; else the background is certain."""
    gate = Gate(kind="head", threshold=1.1, rule="by hand")
    values = (0.5, 0.5) if is_overlapping else None
    threshold = Threshold(value=None, values=values, chosen_on="", rule="", score=None)
    changes = {"is_overlapping": is_overlapping, "gate": gate, "threshold": threshold}
    write_segmenter(tmp_path / "a", classes=3, head=True, **changes)
    prediction = load_model(tmp_path / "a").predict(image_of())
    assert prediction.probability.shape == (channels, 37, 50)
    expected = [0.0, 0.0] if is_overlapping else [1.0, 0.0, 0.0]
    assert prediction.probability.mean(axis=(1, 2)).tolist() == expected
    assert not prediction.labels.any()


def test_without_a_gate_every_image_is_segmented(model):
    """What was chosen for no gate holds then: threshold and smallest area."""
    free = model.with_gate(None)
    assert free.card.gate is None
    assert free.cut() == 0.25
    assert free.predict_settings.minimum_area_px == 3
    assert free.threshold.origin.startswith("a score of ten cases")
    prediction = free.predict(image_of(), threshold=0.5)
    assert prediction.gate is None
    assert prediction.gate_s is None
    assert (prediction.probability == model.probability(image_of())).all()
    assert free.with_gate(None) is free
    with pytest.raises(SettingsError, match="--gate-threshold: this model has no gate"):
        free.predict(image_of(), gate_threshold=0.5)


def test_without_a_gate_nothing_else_changes_where_nothing_was_chosen(model):
    """A card without operating points keeps its threshold and area."""
    card = model.card.model_copy(update={"operating_points": ()})
    free = replace(model, card=card).with_gate(None)
    assert free.card.gate is None
    assert free.cut() == 0.5
    assert free.predict_settings == model.predict_settings
    with pytest.raises(SettingsError, match="gate 'head': expected a model whose segmenter"):
        replace(model, card=card).with_gate("head")


def test_the_head_in_place_of_the_classifier(model):
    """The same segmenter behind its own head takes what was chosen for that."""
    behind = model.with_gate("head")
    assert (behind.gate, behind.gate_cut(), behind.cut()) == (None, 0.3, 0.75)
    assert behind.predict_settings.minimum_area_px == 2
    assert behind.predict(image_of()).gate.probability == model.look([image_of()])[0].presence
    assert not with_head(model, 0.2).predict(image_of()).gate.is_present
    assert with_head(model, 0.3).predict(image_of()).gate.is_present


def test_views_are_those_of_the_gate_too(two_stages):
    """Views that are asked for are taken by both stages."""
    model = load_model(two_stages, repeats="turns")
    assert model.gate.predict_settings.repeats == "turns"
    single = load_model(two_stages)
    assert model.gate.probability(image_of()) != single.gate.probability(image_of())


def test_what_is_no_picture_is_refused_by_the_gate(model):
    """The gate prepares the image first, and says what is wrong with it."""
    with pytest.raises(SettingsError, match="expected at least one pixel"):
        replace(model, look=blind).predict(np.zeros((0, 5), np.uint8), gate_threshold=1.0)
