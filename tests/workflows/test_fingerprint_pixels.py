"""What single images and all of them together add to a fingerprint."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.core.types import IGNORE, default_classes
from delineate.workflows.fingerprint_pixels import (
    class_facts,
    layouts_of,
    looked_at,
    shapes_of,
    tones_of,
)


def strip(width, length=60, side=100):
    """A mask with one straight bar."""
    mask = np.zeros((side, side), bool)
    mask[20 : 20 + length, 40 : 40 + width] = True
    return mask


def look(image, labels, classes=2, *, is_overlapping=False):
    """One image and its labels, given as small arrays."""
    image = np.asarray(image)
    image = image[..., None] if image.ndim == 2 else image
    return looked_at(
        image,
        np.asarray(labels, np.uint8),
        default_classes(classes),
        is_overlapping=is_overlapping,
    )


@pytest.mark.parametrize("width", [1, 3, 5, 9, 15])
def test_a_bar_is_as_wide_as_it_is(width):
    """The width of a bar of an odd number of pixels is that number."""
    found = shapes_of(strip(width))
    assert found.width_px == pytest.approx(width, abs=0.5)
    assert (found.pixels, found.pieces) == (60 * width, 1)
    assert found.slenderness == pytest.approx(60 / width, rel=0.25)


def test_a_disc_is_no_line():
    """A disc of radius 20 is about 40 px wide and has less area than the square of that."""
    rows, columns = np.indices((100, 100))
    found = shapes_of((rows - 50) ** 2 + (columns - 50) ** 2 <= 20**2)
    assert found.width_px == pytest.approx(40, abs=2)
    assert found.slenderness < 1


def test_bumps_of_an_outline_do_not_make_a_shape_narrow():
    """A square of 41 px with a fringe of single pixels is still as wide as a square."""
    mask = np.zeros((80, 80), bool)
    mask[20:61, 20:61] = True
    mask[19, 20:61:2] = mask[61, 20:61:2] = True
    assert shapes_of(mask).width_px == pytest.approx(41, abs=3)


def test_pieces_are_counted_and_nothing_has_no_shape():
    """Two bars apart are two pieces; an empty mask has none of it, and the frame is an edge."""
    two = strip(3) | np.roll(strip(3), 20, axis=1)
    assert shapes_of(two).pieces == 2
    assert shapes_of(two).slenderness == pytest.approx(20, rel=0.25)
    assert shapes_of(np.zeros((9, 9), bool)) is None
    assert shapes_of(np.ones((11, 30), bool)).width_px == pytest.approx(11, abs=0.5)


def test_shares_count_only_what_counts():
    """Pixels outside the region belong to no class and to no share."""
    labels = np.zeros((10, 10), np.uint8)
    labels[:, :5] = IGNORE
    labels[:5, 5:] = 1
    image = np.full((10, 10), 7, np.uint8)
    image[:, :5] = 200
    seen = [look(image, labels), look(image, np.zeros((10, 10)))]
    facts = class_facts(seen, "it", 1)
    assert facts.pixel_share == 25 / 150
    assert facts.image_share == 0.5
    assert class_facts(seen, "background", 0).pixel_share == 125 / 150
    assert seen[0].mean == 7
    assert class_facts([seen[1]], "it", 1).width_px == 0


def test_overlapping_classes_are_measured_each():
    """A pixel of two classes counts for both."""
    labels = np.zeros((20, 20), np.uint8)
    labels[5:15, 5:15] = 0b11
    labels[8:11, 5:15] = 0b10
    seen = [look(np.zeros((20, 20), np.uint8), labels, 3, is_overlapping=True)]
    assert class_facts(seen, "a", 1).pixel_share == 70 / 400
    assert class_facts(seen, "b", 2).pixel_share == 100 / 400


def test_tones_are_shares_of_the_range():
    """Of 8-bit images the range is 255, of others what occurs."""
    dark, bright = np.full((8, 8), 51, np.uint8), np.full((8, 8), 102, np.uint8)
    nothing = np.zeros((8, 8))
    tones = tones_of([look(dark, nothing), look(bright, nothing)])
    assert tones.brightness_spread == pytest.approx(0.1)
    assert tones.is_grey
    deep = [look(each.astype(np.uint16) * 100, nothing) for each in (dark, bright)]
    assert tones_of(deep).brightness_spread == pytest.approx(0.5)
    colour = look(np.dstack([dark, dark, bright]), nothing)
    assert not tones_of([look(np.dstack([dark] * 3), nothing), colour]).is_grey


def test_contrast_is_a_factor():
    """Images whose deviations are 10 and 40 spread by log 2 about their geometric mean."""
    pattern = np.indices((8, 8)).sum(axis=0) % 2
    seen = [look((100 + 2 * d * pattern).astype(np.uint8), np.zeros((8, 8))) for d in (10, 40)]
    assert tones_of(seen).contrast_spread == pytest.approx(np.log(2))


def noisy(rng, make):
    """Images of noise with what `make` draws into image and labels."""
    seen = []
    for _ in range(12):
        image, labels = rng.normal(100, 10, (48, 48)), np.zeros((48, 48), np.uint8)
        make(rng, image, labels)
        seen.append(look(np.clip(image, 0, 255).astype(np.uint8), labels, 3))
    return seen


def test_images_with_a_sky_know_what_is_up():
    """What is bright above is seen upside down and turned, and not in the mirror."""

    def sky(rng, image, labels):
        image[:24] += 60
        row, column = rng.integers(0, 40, 2)
        labels[row : row + 8, column : column + 8] = 1

    layouts = layouts_of(noisy(np.random.default_rng(3), sky))
    assert layouts.upside_down > 1
    assert layouts.turned > 0.5
    assert abs(layouts.mirrored) < 0.1
    assert not layouts.swaps_sides


def test_masks_alone_tell_what_is_up():
    """Images of noise in which something always lies below know it too."""

    def below(rng, image, labels):
        column = rng.integers(0, 40)
        labels[38:46, column : column + 8] = 1

    assert layouts_of(noisy(np.random.default_rng(4), below)).upside_down > 0.3


def test_cells_anywhere_know_nothing():
    """Blocks at any place look alike however they are turned."""

    def anywhere(rng, image, labels):
        for _ in range(20):
            row, column = rng.integers(0, 40, 2)
            labels[row : row + 8, column : column + 8] = 1
            image[row : row + 8, column : column + 8] += 50

    layouts = layouts_of(noisy(np.random.default_rng(5), anywhere))
    assert max(layouts.mirrored, layouts.upside_down, layouts.turned) < 0.1


@pytest.mark.parametrize(("other", "swaps"), [(2, True), (1, False)])
def test_left_and_right_are_seen_where_they_are_classes(other, swaps):
    """Two lungs of two classes change places in the mirror; those of one class do not."""

    def lungs(rng, image, labels):
        top = rng.integers(6, 12)
        labels[top : top + 24, 6:18] = 1
        labels[top : top + 24, 30:42] = other

    assert layouts_of(noisy(np.random.default_rng(6), lungs)).swaps_sides is swaps


def test_two_images_tell_nothing():
    """A layout is what several images have in common."""
    one = look(np.arange(64, dtype=np.uint8).reshape(8, 8), np.eye(8))
    assert layouts_of([one, one]).upside_down == 0
