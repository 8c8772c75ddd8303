"""Labels at a moved threshold: what the page makes of probability is what the server makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from delineate.core.types import Labels, Probability
from delineate.inference.postprocess import labels_from_probability

LABELS = """async (a) => {
  const { labelsOf } = await import('/static/viewer/thresholding.js');
  const maps = a.maps.map((map) => Float32Array.from(map));
  return [...labelsOf(maps, a.thresholds, a, a.minimum)];
}"""


def in_the_page(
    page: Page, probability: Probability, thresholds: tuple[float, ...], minimum: int
) -> Labels:
    """(H, W) labels as the page computes them."""
    height, width = probability.shape[1:]
    argument: dict[str, Any] = {
        "maps": [each.ravel().tolist() for each in probability],
        "thresholds": thresholds,
        "width": width,
        "height": height,
        "minimum": minimum,
    }
    return np.array(page.evaluate(LABELS, argument), np.uint8).reshape(height, width)


def speckled(seed: int, channels: int) -> Probability:
    """(C, 37, 53) of few levels, so that many pixels lie just on a threshold, full of specks."""
    rng = np.random.default_rng(seed)
    return np.round(rng.random((channels, 37, 53)) * 20).astype(np.float32) / np.float32(20)


@pytest.mark.parametrize("minimum", [0, 1, 2, 5, 40])
@pytest.mark.parametrize("threshold", [0.0, 0.35, 0.5, 0.55, 0.6, 0.7, 1.0])
def test_a_threshold_in_the_page_is_the_server_s(
    modules: Page, threshold: float, minimum: int
) -> None:
    """One foreground class: every label is equal, small objects and ties included."""
    probability = speckled(1, 1)
    expected = labels_from_probability(probability, threshold=threshold, minimum_area_px=minimum)
    np.testing.assert_array_equal(
        in_the_page(modules, probability, (threshold,), minimum), expected
    )


@pytest.mark.parametrize("minimum", [0, 3, 12])
@pytest.mark.parametrize("thresholds", [(0.55, 0.6, 0.35), (0.7, 0.7, 0.7)])
def test_classes_that_overlap_are_cut_each_by_itself(
    modules: Page, thresholds: tuple[float, ...], minimum: int
) -> None:
    """A pixel that loses one class for the smallness of its object keeps the others."""
    probability = speckled(2, 3)
    expected = labels_from_probability(probability, threshold=thresholds, minimum_area_px=minimum)
    np.testing.assert_array_equal(in_the_page(modules, probability, thresholds, minimum), expected)


def test_corners_hold_objects_together(modules: Page) -> None:
    """Five pixels on two diagonals that meet are one object of five, by hand."""
    labels = np.zeros((4, 6), np.float32)
    labels[[0, 1, 2, 1, 0], [0, 1, 2, 3, 4]] = 1.0
    labels[3, 5] = 1.0
    found = in_the_page(modules, labels[None], (0.5,), 5)
    assert found.sum() == 5
    assert found[3, 5] == 0


def test_an_object_does_not_hold_together_around_the_edge(modules: Page) -> None:
    """The end of a row and the start of the next one but one are no neighbours."""
    labels = np.zeros((3, 5), np.float32)
    labels[0, 4] = labels[1, 0] = labels[2, 4] = 1.0
    assert not in_the_page(modules, labels[None], (0.5,), 2).any()


def test_probability_is_compared_as_32_bits(modules: Page) -> None:
    """0.1 as 32 bits lies above 0.1 as 64: a pixel of the former reaches the latter, and back."""
    below = np.nextafter(np.float32(0.1), np.float32(0))
    probability = np.array([[[np.float32(0.1), below]]], np.float32)
    assert in_the_page(modules, probability, (0.1,), 0).tolist() == [[1, 0]]
    assert in_the_page(modules, probability, (float(np.float32(0.1)),), 0).tolist() == [[1, 0]]
