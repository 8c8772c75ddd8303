"""Masks that belong to other images, or lie otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.auditing.soundness.foretelling import Glance
from delineate.auditing.soundness.pairings import (
    Comparison,
    Pairing,
    compared,
    shifted_pairings,
    turned_pairings,
)
from delineate.auditing.soundness.pixel_features import in_cells, pixel_features

COUNT = 14


def drawn(number: int, *, visible: float = 90) -> tuple[np.ndarray, np.ndarray]:
    """An image with a bright block somewhere, and the mask of the block."""
    rng = np.random.default_rng(number)
    mask = np.zeros((96, 96), np.float32)
    row, column = rng.integers(0, 60, 2)
    mask[row : row + 20, column : column + 34] = 1
    image = rng.normal(90, 25, mask.shape) + visible * mask
    return np.clip(image, 0, 255).astype(np.uint8)[..., None], mask


def glances(order=range(COUNT), turn=lambda mask: mask, **options) -> list[Glance]:
    """Images 0, 1, 2 and so on, with the masks in this order, turned."""
    found = []
    for place, other in enumerate(order):
        mask = np.ascontiguousarray(turn(drawn(other)[1]))
        features = pixel_features(drawn(place, **options)[0])
        found.append(Glance(place, features, in_cells(mask).reshape(-1, 1)))
    return found


NAMES = [f"{number:02d}" for number in range(COUNT)]
EVERY = [*shifted_pairings(NAMES), *turned_pairings()]


def test_the_right_pairing_is_left_alone():
    """No other pairing is better, and none comes near."""
    best = compared(glances(), EVERY)[0]
    assert not best.is_clearly_better
    assert best.given > best.other + 0.2


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (1, "images with the masks of the files before them"),
        (-1, "images with the masks of the files after them"),
        (2, "images with the masks of the files 2 places before them"),
        (-3, "images with the masks of the files 3 places after them"),
    ],
)
def test_shifted_masks_are_found(by, words):
    """Image n has the mask of image n + by: its own is that many files away."""
    best = compared(glances([(place + by) % COUNT for place in range(COUNT)]), EVERY)[0]
    assert best.is_clearly_better
    assert best.pairing.words == words
    assert best.pairing.image_of(5) == 5 + by


def test_reversed_masks_are_found():
    """The first image has the last mask."""
    best = compared(glances(range(COUNT - 1, -1, -1)), EVERY)[0]
    assert best.is_clearly_better
    assert best.pairing.words == "images with the masks in reverse order"


@pytest.mark.parametrize("is_image_lettered", [True, False])
def test_two_ways_of_sorting_are_found(is_image_lettered):
    """Images sorted 1, 10, 11, 2 were given masks sorted 1, 2, 10, 11, or the reverse."""
    names = [str(number) for number in range(1, COUNT + 1)]
    lettered = sorted(range(COUNT), key=lambda place: names[place])
    # The mask that lies beside image `place` is that of image `order[place]`.
    order = lettered if is_image_lettered else list(np.argsort(lettered))
    best = compared(glances(order), shifted_pairings(names))[0]
    assert best.is_clearly_better
    assert [best.pairing.image_of(place) for place in range(COUNT)] == list(order)
    assert "sorted 1, 10, 2" in best.pairing.words


def test_a_shift_in_letters_is_found():
    """Files shifted by one in the order 1, 10, 11, 2 are found although we count 1, 2, 10."""
    names = [str(number) for number in range(1, COUNT + 1)]
    lettered = sorted(range(COUNT), key=lambda place: names[place])
    order = [0] * COUNT
    for number, place in enumerate(lettered):
        order[place] = lettered[(number + 1) % COUNT]
    best = compared(glances(order), shifted_pairings(names))[0]
    assert best.is_clearly_better
    assert best.pairing.words == (
        "images with the masks of the files before them, sorted letter by letter,"
    )


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (np.fliplr, "images with their masks mirrored left to right"),
        (np.flipud, "images with their masks mirrored top to bottom"),
        (np.transpose, "images with rows and columns of their masks exchanged"),
        (np.rot90, "images with their masks turned by 270 degrees"),
    ],
)
def test_turned_masks_are_found(turn, words):
    """What brings the masks back into the pose of their images is named."""
    best = compared(glances(turn=turn), EVERY)[0]
    assert best.is_clearly_better
    assert best.pairing.words == words


def test_what_cannot_be_seen_is_not_judged():
    """Where images show nothing of their masks no pairing is clearly better, right or wrong."""
    for order in (range(COUNT), [(place + 1) % COUNT for place in range(COUNT)]):
        assert not compared(glances(order, visible=0), EVERY)[0].is_clearly_better


def test_empty_masks_count_for_nothing():
    """Only masks with something and nothing in them are compared."""
    some = [Glance(each.place, each.features, each.shares * (each.place % 2)) for each in glances()]
    same = Pairing("the same", lambda place: place)
    assert compared(some, [same])[0].masks == COUNT // 2


def test_too_little_is_no_ground():
    """Few masks, a small gain, an unsteady one, or one for half of the masks stops nothing."""
    pairing = EVERY[0]
    good = {"masks": 8, "given": 0.3, "other": 0.33, "spreads": 3.6, "share": 0.7}
    assert Comparison(pairing, **good).is_clearly_better
    for poor in ({"masks": 7}, {"other": 0.31}, {"spreads": 3.4}, {"share": 0.5}):
        assert not Comparison(pairing, **(good | poor)).is_clearly_better
