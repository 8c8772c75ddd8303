"""Several images together: what each alone gives, from fewer passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.classical.method import Case
from delineate.classical.otsu import Otsu, OtsuParameters
from delineate.core.errors import SettingsError
from delineate.core.seeds import stream
from delineate.inference.batches import SHARED_PX, in_passes
from delineate.inference.classical_segmenter import classical_segmenter
from delineate.inference.classifier import load_classifier
from delineate.inference.model import Model, load_model
from delineate.inference.model_card import Gate, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.segmenter import segmenter
from delineate.inference.settings import PredictSettings

SIZES = [(37, 50), (20, 31), (37, 50), (50, 37), (37, 50), (20, 31)]


def images_of(*sizes: tuple[int, int]) -> list[np.ndarray]:
    """Grey images of noise, each its own."""
    rng = stream(6, "images")
    return [rng.integers(0, 256, size, np.uint8) for size in sizes]


def require_same(model: Model, images: list[np.ndarray], **thresholds: float) -> None:
    """Predicted together, each image has its own masks and, but for rounding, probability."""
    together = model.predict_many(images, **thresholds)
    assert len(together) == len(images)
    for image, prediction in zip(images, together, strict=True):
        alone = model.predict(image, **thresholds)
        np.testing.assert_allclose(prediction.probability, alone.probability, rtol=0, atol=1e-5)
        assert prediction.labels.shape == image.shape[:2]
        assert (prediction.labels != alone.labels).mean() < 1e-3
        assert (prediction.gate is None) == (alone.gate is None)
        if prediction.gate is not None:
            assert prediction.gate.probability == pytest.approx(alone.gate.probability, abs=1e-6)


@given(sizes=st.lists(st.sampled_from([(2, 3), (3, 2), (4, 4), (1, 7)]), max_size=12))
def test_inputs_of_one_shape_share_a_pass(sizes):
    """As many passes as there are shapes, each with all of its shape, and results in order."""
    inputs = [np.full((1, *size), at, np.float32) for at, size in enumerate(sizes)]
    passed = []

    def one_pass(images):
        passed.append(images.shape)
        return images * 2

    found = in_passes(one_pass, inputs)
    assert [each[0, 0, 0] for each in found] == [2 * at for at in range(len(sizes))]
    assert [each.shape[1:] for each in found] == sizes
    assert len(passed) == len(set(sizes))
    assert sum(shape[0] for shape in passed) == len(sizes)


@pytest.mark.parametrize(
    ("side_px", "passes"), [(128, [8, 2]), (256, [2] * 5), (257, [1] * 10), (600, [1] * 10)]
)
def test_a_pass_holds_no_more_pixels_than_are_good_for_it(side_px, passes):
    """Two images of 256 px go together, eight of 128 px; what is larger goes alone."""
    taken = []

    def one_pass(images):
        taken.append(len(images))
        return images

    in_passes(one_pass, [np.zeros((1, side_px, side_px), np.float32)] * 10)
    assert taken == passes
    assert SHARED_PX == 2 * 256**2


@pytest.mark.parametrize(
    ("classes", "changes"),
    [
        (2, {}),
        (3, {}),
        (3, {"is_overlapping": True}),
        (2, {"has_dark_surround": True}),
        (3, {"predict": PredictSettings(repeats="turns")}),
        (2, {"predict": PredictSettings(tile_px=32, margin_px=8, blend_px=4)}),
        (2, {"predict": PredictSettings(minimum_area_px=9)}),
    ],
)
def test_a_network_gives_each_image_what_it_gives_alone(
    tmp_path, write_segmenter, classes, changes
):
    """Classes, views, tiles, small objects and dark surrounds are those of each image."""
    if changes.get("is_overlapping"):
        values = Threshold(value=None, values=(0.5, 0.5), chosen_on="", rule="", score=None)
        changes = changes | {"threshold": values}
    write_segmenter(tmp_path / "a", classes=classes, **changes)
    images = images_of(*SIZES)
    if changes.get("has_dark_surround"):
        images[2][:, :15] = 0  # one of those that share a pass has a field of view
    model = load_model(tmp_path / "a")
    require_same(model, images)
    if changes.get("has_dark_surround"):
        assert (model.predict_many(images)[2].probability[0, :, :10] == 0).all()


def test_a_single_image_keeps_its_bits(tmp_path, write_segmenter):
    """`predict` is `predict_many` of one; no image at all is no prediction at all."""
    write_segmenter(tmp_path / "a")
    model = load_model(tmp_path / "a")
    (image,) = images_of((37, 50))
    (prediction,) = model.predict_many([image])
    assert (prediction.probability == model.predict(image).probability).all()
    assert (prediction.probability == model.probability(image)).all()
    assert model.predict_many([]) == []


def test_sizes_are_those_that_the_network_works_at(tmp_path, write_segmenter):
    """Images of any size share a pass where the model brings all of them to one."""
    small = Preparation(
        channels=1, full_range=(0, 255), mean=(0.2,), deviation=(0.5,), size_px=(20, 24)
    )
    write_segmenter(tmp_path / "a", preparation=small)
    require_same(load_model(tmp_path / "a"), images_of(*SIZES))
    passed = []

    def one_pass(images):
        passed.append(images.shape)
        return images

    segmenter(one_pass, small, PredictSettings(), 2)(images_of(*SIZES))
    assert passed == [(6, 1, 20, 24)]


def test_the_gate_looks_at_all_and_the_segmenter_at_what_it_lets_through(two_stages):
    """Two means behind each other: each image has its own verdict, and none is drawn needlessly."""
    model, images = load_model(two_stages), images_of(*SIZES)
    probabilities = model.gate.probabilities(images)
    cut = float(np.median(probabilities))
    asked = []

    def look(several):
        asked.extend(several)
        return model.look(several)

    watched = replace(model, look=look)
    together = watched.predict_many(images, gate_threshold=cut)
    is_open = [each >= cut for each in probabilities]
    assert [each.gate.is_present for each in together] == is_open
    assert 0 < sum(is_open) < len(images)
    assert len(asked) == sum(is_open)
    assert {each.segmenter_s is None for each in together} == {True, False}
    assert all(each.gate_s > 0 for each in together)
    for image, prediction, is_drawn in zip(images, together, is_open, strict=True):
        assert prediction.probability.any() == is_drawn
        assert (prediction.segmenter_s is not None) == is_drawn
        if is_drawn:
            alone = model.probability(image)
            np.testing.assert_allclose(prediction.probability, alone, rtol=0, atol=1e-5)
    asked.clear()
    closed = watched.predict_many(images, gate_threshold=1.0)
    assert not asked
    assert not any(each.labels.any() for each in closed)


def test_each_image_has_its_own_presence(tmp_path, write_segmenter):
    """A head for presence speaks of each image of a pass, and its gate closes for that one."""
    gate = Gate(kind="head", threshold=0.5, rule="by hand")
    write_segmenter(tmp_path / "a", head=True, gate=gate)
    model = load_model(tmp_path / "a")
    bright, dark = np.full((37, 50), 250, np.uint8), np.full((37, 50), 3, np.uint8)
    images = [bright, dark, *images_of((37, 50))]
    presences = [each.presence for each in model.look(images)]
    cut = sorted(presences)[1]
    require_same(model, images, gate_threshold=cut)
    found = model.predict_many(images, gate_threshold=cut)
    assert [each.gate.is_present for each in found] == [each >= cut for each in presences]
    assert sum(each.gate.is_present for each in found) == 2
    assert all(each.segmenter_s > 0 for each in found if each.gate.is_present)


def test_members_are_averaged_image_by_image(two_stages):
    """The mean of two networks behind a mean of two gates, and the presence of each image."""
    model, images = load_model(two_stages), images_of(*SIZES)
    require_same(model, images, gate_threshold=0.0)
    expected = [np.mean([m.look([i])[0].presence for m in model.members]) for i in images]
    found = [each.presence for each in model.look(images)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    gate = load_classifier(two_stages / "gate")
    each = [np.mean([m.probability(i) for m in gate.members]) for i in images]
    np.testing.assert_allclose(gate.probabilities(images), each, rtol=0, atol=1e-6)


def test_methods_without_a_network_take_several_too():
    """Each image is parted by itself, exactly as alone."""
    preparation = Preparation(channels=1, full_range=(0, 255), mean=(0.0,), deviation=(1.0,))
    tones = stream(8, "tones").normal(0, 1, (1, 30, 30)).astype(np.float32)
    case = Case(tones, (tones[0] > 0.2).astype(np.uint8), np.ones((30, 30), bool))
    method = Otsu.learn([case], OtsuParameters(), classes=2, rng=stream(8, "rng"))
    segment = classical_segmenter(
        method, preparation, PredictSettings(repeats="flips"), has_dark_surround=True
    )
    images = images_of(*SIZES)
    for image, probability in zip(images, segment(images), strict=True):
        assert (probability == segment([image])[0]).all()
        assert probability.shape == (1, *image.shape)
        assert set(np.unique(probability)) <= {0, 0.5, 1}
        assert 0.2 < probability.mean() < 0.8


def test_what_is_no_picture_stops_all_that_are_predicted_with_it(tmp_path, write_segmenter):
    """Nothing is left out in silence: whoever sends several images hears of the one."""
    write_segmenter(tmp_path / "a")
    images = [*images_of((37, 50)), np.zeros((0, 5), np.uint8)]
    with pytest.raises(SettingsError, match="expected at least one pixel"):
        load_model(tmp_path / "a").predict_many(images)
