"""Chest phantoms: seeded, gas beside a lung and nowhere else, not to be had by grey alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from delineate.core.seeds import stream
from delineate.data.phantoms import chest_gas
from delineate.data.phantoms.chest import LEAST_SHARE, Film, film, film_of
from delineate.data.phantoms.chest_anatomy import LEFT, RIGHT, build, chest
from delineate.data.phantoms.chest_gas import KINDS, LEAST, Gas
from delineate.data.phantoms.chest_plate import Plate

SMALL = (128, 128)
STRAIGHT = Gas("lateral", LEFT, 0.4, 0.8, 0.5, wobble=(0.0, 2.0, 0.0), line=0.1)


@pytest.fixture(scope="module")
def films() -> list[Film]:
    """A film with gas of each of some subjects."""
    return [film(5, subject, 1, SMALL, has_gas=True) for subject in range(1, 25)]


@pytest.fixture(scope="module")
def healthy() -> list[Film]:
    """The same films without it."""
    return [film(5, subject, 1, SMALL, has_gas=False) for subject in range(1, 25)]


def test_same_seed_gives_the_same_film() -> None:
    """A film is a function of seed, subject and number."""
    one, two = (film(3, 7, 2, SMALL, has_gas=True) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.mask, two.mask)
    others = (
        film(4, 7, 2, SMALL, has_gas=True),
        film(3, 8, 2, SMALL, has_gas=True),
        film(3, 7, 3, SMALL, has_gas=True),
    )
    for other in others:
        assert np.abs(one.image.astype(int) - other.image).mean() > 3


@pytest.mark.parametrize("size_px", [(64, 64), (96, 160), (520, 512)])
def test_films_come_in_any_size(size_px: tuple[int, int]) -> None:
    """Grey images of 8 bits, drawn finer than they are where they are small."""
    seen = film(1, 1, 1, size_px, has_gas=True)
    assert seen.image.shape == seen.mask.shape == size_px
    assert seen.image.dtype == np.uint8
    assert seen.mask.dtype == np.bool_
    assert seen.mask.any()


def test_films_of_two_sizes_show_the_same(films: list[Film]) -> None:
    """Gas takes the same share of a film, at the same place, whatever the number of its pixels."""
    for subject in (1, 2, 3):
        large = film(5, subject, 1, (512, 512), has_gas=True).mask
        shares = large.reshape(128, 4, 128, 4).mean(axis=(1, 3))
        small = films[subject - 1].mask
        assert np.abs(shares[~ndimage.binary_dilation(small)]).max() < 0.5
        assert small.mean() == pytest.approx(large.mean(), rel=0.12)


def test_without_gas_the_mask_is_empty(healthy: list[Film]) -> None:
    """Nothing is marked where nothing is."""
    assert not any(each.mask.any() for each in healthy)
    assert all(each.gas is None for each in healthy)


def test_gas_is_never_too_small_to_be_seen(films: list[Film]) -> None:
    """Each mask holds some pixels, and by far the most of a film is never gas."""
    shares = [each.mask.mean() for each in films]
    assert min(shares) > 0.6 * LEAST_SHARE
    assert max(shares) < 0.2


def test_gas_changes_nothing_but_its_own_side(films: list[Film], healthy: list[Film]) -> None:
    """Posture, noise and everything else of a film stay; only the half with the gas differs."""
    for ill, well in zip(films, healthy, strict=True):
        assert ill.gas is not None
        changed = np.abs(ill.image.astype(int) - well.image) > 1
        columns = np.nonzero(changed)[1]
        # The spine is within a tenth of the film's middle.
        if ill.gas.side == LEFT:
            assert columns.min() > 0.38 * SMALL[1]
        else:
            assert columns.max() < 0.62 * SMALL[1]
        assert changed[ill.mask].mean() > 0.5


def test_gas_is_darker_than_the_lung_that_was_there(films: list[Film], healthy: list[Film]) -> None:
    """Neither lung nor vessels are left where there is gas, so that more light comes through."""
    for ill, well in zip(films, healthy, strict=True):
        inside = ndimage.binary_erosion(ill.mask)
        if inside.sum() > 8:
            loss = well.image[inside].astype(float) - ill.image[inside]
            assert loss.mean() > 2
            # But for the lung's own skin, which takes a pixel here and there.
            assert (loss > 0).mean() > 0.75


def test_a_fine_line_borders_the_gas(films: list[Film], healthy: list[Film]) -> None:
    """The lung's own skin is brighter than what was there, though the gas beside it is darker."""
    rises = []
    for ill, well in zip(films, healthy, strict=True):
        rim = ndimage.binary_dilation(ill.mask, iterations=2) & ~ill.mask
        change = ill.image.astype(int) - well.image
        rises.append(np.percentile(change[rim], 90))
    assert np.median(rises) > 3


def test_all_kinds_and_sides_occur() -> None:
    """From a thin rim to a collapsed lung, right and left, as often as they should."""
    gases = [chest_gas.sampled(stream(1, "gas", number)) for number in range(600)]
    for kind, share in KINDS.items():
        assert sum(gas.kind == kind for gas in gases) / 600 == pytest.approx(share, abs=0.06)
    assert {gas.side for gas in gases} == {LEFT, RIGHT}
    depth = {kind: np.mean([g.depth for g in gases if g.kind == kind]) for kind in KINDS}
    assert depth["rim"] < depth["lateral"] < depth["large"] < depth["collapse"]


def test_a_lung_collapses_by_its_depth_and_only_there() -> None:
    """Within the spread all of the depth, a little beyond it less, far beyond nothing."""
    angles = np.array([0.8, 0.3, 1.3, 1.3 + 0.45, 0.8 + np.pi, -2.5])
    share = STRAIGHT.collapse(angles)
    # exp(-1) of the depth one fall beyond, less what counts as none.
    fallen = 0.4 * np.exp(-1) - LEAST
    assert share == pytest.approx([0.4, 0.4, 0.4, fallen, 0, 0])


def test_more_depth_leaves_more_gas() -> None:
    """The room between lung and wall grows with the collapse."""
    lung = chest(build(2, 1), breath=0.0).lungs[1]
    plate = Plate(SMALL)

    def room(depth: float) -> float:
        edge, wall = replace(STRAIGHT, depth=depth).edge(lung)
        between = plate.area(np.concatenate([edge, wall[::-1]]))
        return float((plate.area(lung.outline) * between).mean())

    rooms = [room(depth) for depth in (0.1, 0.2, 0.4, 0.7)]
    assert np.all(np.diff(rooms) > 0.003)


def test_lungs_lie_on_their_sides_of_the_spine() -> None:
    """The left lung is on the right of the film, and the dome of the right lung is the higher."""
    shapes = chest(build(6, 3), breath=0.0)
    right, left = shapes.lungs
    assert right.outline[:, 0].max() < 0 < left.outline[:, 0].min()
    assert shapes.domes[0][:, 1].min() < shapes.domes[1][:, 1].min()
    assert np.abs(shapes.heart[:, 0][shapes.heart[:, 0] > 0]).max() > np.abs(
        shapes.heart[:, 0].min()
    )


def test_breathing_in_lowers_the_domes() -> None:
    """Lungs hold more after breathing in."""
    person = build(6, 3)
    out, in_ = (chest(person, breath).domes[0][:, 1].mean() for breath in (-1.0, 1.0))
    assert in_ - out > 0.03


def test_points_are_seen_from_the_hilum() -> None:
    """Share 1 is the lung's edge in every direction, share 0 the hilum."""
    lung = chest(build(1, 1), breath=0.0).lungs[0]
    angles = np.linspace(-np.pi, np.pi, 40)
    nearest = [
        np.hypot(*(lung.outline - place).T).min() for place in lung.placed(angles, np.ones(40))
    ]
    assert max(nearest) < 0.02
    assert lung.placed(angles, np.zeros(40)) == pytest.approx(np.tile(lung.hilum, (40, 1)))


def test_a_film_of_a_build_is_that_of_its_subject() -> None:
    """Drawing a subject's build once or anew makes no difference."""
    one = film_of(build(3, 2), 1, SMALL, has_gas=False)
    assert np.array_equal(one.image, film(3, 2, 1, SMALL, has_gas=False).image)


def test_neither_place_nor_grey_alone_gives_the_gas(films: list[Film]) -> None:
    """The mean mask, and the best range of greys there is for all films, find it poorly."""
    images = np.stack([each.image for each in films])
    masks = np.stack([each.mask for each in films])
    half = len(films) // 2
    mean = masks[:half].mean(axis=0)
    by_place = max(_dice(masks[half:], mean >= level) for level in np.unique(mean)[1:])
    inside, outside = (np.bincount(images[where], minlength=256) for where in (masks, ~masks))
    # Greys in the order of how often they are gas: no other choice of greys has a better Dice.
    order = np.argsort(-inside / np.maximum(inside + outside, 1))
    hits, marked = np.cumsum(inside[order]), np.cumsum((inside + outside)[order])
    by_grey = float(np.max(2 * hits / (marked + masks.sum())))
    assert by_place < 0.45
    assert by_grey < 0.3


def _dice(truth: np.ndarray, prediction: np.ndarray) -> float:
    predicted = np.broadcast_to(prediction, truth.shape)
    return float(2 * (truth & predicted).sum() / (truth.sum() + predicted.sum()))
