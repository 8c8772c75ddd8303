"""What all methods have in common, and what each of them finds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from delineate.classical.catalogue import METHODS, find_method
from delineate.classical.method import Case, Method
from delineate.core.errors import LayoutError, SettingsError
from delineate.core.seeds import stream
from delineate.core.types import IGNORE

SEVERAL = sorted(name for name, kind in METHODS.items() if kind.several)
FLAT = {"smoothing_px": 0.5}
PARAMETERS = {
    "kmeans": {"clusters": 4},
    "gmm": {"clusters": 3},
    "watershed": {"region_px": 4},
    "spectral": {"superpixels": 120, "parts": 12},
    "edges": {"edge_share": 0.05, "smoothing_px": 1.0},
    "chan-vese": {"length_weight": 0.05},
    "frangi": {"smoothing_px": 0.0},
    "sato": {"smoothing_px": 0.0},
}
LEAST_DICE = {"edges": 0.8, "spectral": 0.8}


def blocks(classes: int, *, number: int = 0, channels: int = 1, is_dark: bool = False) -> Case:
    """Noise of 40x56 with a block for each foreground class, each brighter than the one before.

    A corner is of the ignore label, and bright though its class is not known.
    """
    rng = stream(number, "blocks")
    labels = np.zeros((40, 56), np.uint8)
    for index in range(1, classes):
        row, column = rng.integers(4, 20), 2 + 18 * (index - 1)
        labels[row : row + 14, column : column + 12] = index
    tone = 2.0 * labels * (-1 if is_dark else 1)
    tones = np.stack([tone] * channels) + rng.normal(0, 0.2, (channels, 40, 56))
    labels[:3, -3:] = IGNORE
    tones[:, :3, -3:] = 2.0
    return Case(tones.astype(np.float32), labels, np.ones((40, 56), bool))


def tubes(number: int = 0) -> Case:
    """Noise of 60x60 with two dark bars 3 px wide, one across and one down."""
    rng = stream(number, "tubes")
    labels = np.zeros((60, 60), np.uint8)
    row, column = rng.integers(10, 50, 2)
    labels[row - 1 : row + 2] = 1
    labels[:, column - 1 : column + 2] = 1
    tones = (-1.5 * labels + rng.normal(0, 0.2, labels.shape))[None]
    return Case(tones.astype(np.float32), labels, np.ones(labels.shape, bool))


def learnt(name: str, cases: list[Case], *, classes: int = 2, seed: int = 1, **changes) -> Method:
    """A method that learnt from cases."""
    kind = METHODS[name]
    given = FLAT | PARAMETERS.get(name, {}) | changes
    if name == "otsu":
        given.setdefault("levels", classes)
    parameters = kind.parameters_type.model_validate(given)
    return kind.learn(cases, parameters, classes=classes, rng=stream(seed, "test"))


def dice(found: np.ndarray, case: Case, index: int = 1) -> float:
    """Dice of a class over the pixels that count."""
    found, truth = found[case.counted], case.labels[case.counted] == index
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def cases_for(name: str) -> list[Case]:
    """Tubes for the filters of tubes, blocks for all others."""
    return [tubes(at) if name in ("frangi", "sato") else blocks(2, number=at) for at in range(3)]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_objects_that_can_be_told_by_tone_or_shape_are_found(name):
    """A case that was not learnt from is told well."""
    method = learnt(name, cases_for(name))
    case = tubes(9) if name in ("frangi", "sato") else blocks(2, number=9)
    probability = method.probability(case.tones, case.view)
    assert probability.shape == (1, *case.labels.shape)
    assert dice(probability[0] >= 0.5, case) > LEAST_DICE.get(name, 0.85)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_what_was_learnt_survives_json(name):
    """A method read back from its card predicts just the same, and fits what it learnt from."""
    cases = cases_for(name)
    method = learnt(name, cases)
    again = METHODS[name].model_validate(json.loads(json.dumps(method.model_dump(mode="json"))))
    again.require_fits(channels=1, classes=2)
    expected = method.probability(cases[0].tones, cases[0].view)
    np.testing.assert_array_equal(again.probability(cases[0].tones, cases[0].view), expected)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_same_seed_learns_the_same(name):
    """Nothing is left to chance but by the generator."""
    cases = cases_for(name)
    assert learnt(name, cases, seed=4) == learnt(name, cases, seed=4)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_probability_is_one(name):
    """It lies between 0 and 1, is of 32 bits, and hard where a method says so."""
    method = learnt(name, cases_for(name))
    probability = method.probability(*(getattr(tubes(5), each) for each in ("tones", "view")))
    assert probability.dtype == np.float32
    assert probability.min() >= 0
    assert probability.max() <= 1
    assert method.is_soft or set(np.unique(probability)) <= {0.0, 1.0}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_classes_are_told_apart(name):
    """Each has its own channel, and the likeliest is right nearly everywhere."""
    method = learnt(name, [blocks(3, number=at) for at in range(3)], classes=3)
    case = blocks(3, number=9)
    probability = method.probability(case.tones, case.view)
    np.testing.assert_allclose(probability.sum(axis=0), 1, atol=1e-5)
    for index in (1, 2):
        assert dice(probability.argmax(axis=0) == index, case, index) > 0.75
    method.require_fits(channels=1, classes=3)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_colour_images_are_taken(name):
    """Three channels go in; other channels than those learnt from are refused where they count."""
    method = learnt(name, [blocks(2, number=at, channels=3) for at in range(2)])
    case = blocks(2, number=9, channels=3)
    assert method.probability(case.tones, case.view).shape == (1, 40, 56)
    method.require_fits(channels=3, classes=2)
    if name in ("kmeans", "gmm", "watershed", "spectral"):
        with pytest.raises(ValueError, match="expected"):
            method.require_fits(channels=1, classes=2)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_other_classes_are_refused(name):
    """What learnt two classes says nothing of four."""
    method = learnt(name, cases_for(name))
    with pytest.raises(ValueError, match="expected"):
        method.require_fits(channels=1, classes=4)


@pytest.mark.parametrize("name", ["otsu", "kmeans", "gmm", "chan-vese", "edges", "watershed"])
def test_dark_objects_are_learnt_as_well(name):
    """Whether the foreground is dark or bright is told by the training images."""
    method = learnt(name, [blocks(2, number=at, is_dark=True) for at in range(3)])
    case = blocks(2, number=9, is_dark=True)
    assert dice(method.probability(case.tones, case.view)[0] >= 0.5, case) > 0.8


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("level", [0.0, 3.0])
def test_an_image_of_one_tone_is_no_error(name, level):
    """There is an answer for a flat image, for learning too, and it is finite."""
    flat = np.full((1, 40, 56), level, np.float32)
    view = np.ones((40, 56), bool)
    assert np.isfinite(learnt(name, cases_for(name)).probability(flat, view)).all()
    labels = np.zeros((40, 56), np.uint8)
    labels[5:20, 5:20] = 1
    method = learnt(name, [Case(flat, labels, view)])
    assert np.isfinite(method.probability(flat, view)).all()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_images_without_foreground_are_no_error(name):
    """Where no training image holds any, nothing is found for sure."""
    case = blocks(2)
    empty = Case(case.tones, np.zeros_like(case.labels), case.view)
    assert learnt(name, [empty]).probability(case.tones, case.view).shape == (1, 40, 56)


@pytest.mark.parametrize("name", ["kmeans", "gmm", "frangi", "sato"])
def test_images_of_which_nothing_is_known_are_refused(name):
    """No pixel counts, so that nothing can be learnt."""
    case = blocks(2)
    unknown = Case(case.tones, np.full_like(case.labels, IGNORE), case.view)
    with pytest.raises(LayoutError, match="expected pixels whose class is known"):
        learnt(name, [unknown])


@pytest.mark.parametrize("name", sorted(METHODS))
def test_what_lies_outside_the_view_changes_nothing_inside(name):
    """A dark surround is not looked at: other tones there, the same answer inside."""
    case = blocks(2, number=7)
    view = np.zeros((40, 56), bool)
    view[3:37, 3:53] = True
    tones = [np.where(view, case.tones, np.float32(level)) for level in (-9.0, 4.0)]
    method = learnt(name, cases_for(name), flatten_px=8.0)
    one, other = (method.probability(each, view)[0][view] for each in tones)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_an_unknown_method_is_told_the_nearest():
    """A typo is answered with the name that was meant."""
    with pytest.raises(SettingsError, match="unknown method 'kmean'; did you mean 'kmeans'"):
        find_method("kmean")
