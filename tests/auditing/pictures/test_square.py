"""Inner products of grids in all eight orientations from a few."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.auditing.pictures.orientation import ORIENTATIONS, oriented
from delineate.auditing.pictures.square import (
    ORBITS,
    coordinates,
    grid_order,
    parts,
    symmetric_mean,
)

RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.standard_normal((2, 5, 121))


@pytest.mark.parametrize("orbit", ORBITS, ids=lambda orbit: orbit.plus)
def test_products_are_those_of_oriented_grids(orbit: object) -> None:
    """Even plus odd is one orientation of the orbit, even minus odd the other."""
    left, right = parts(coordinates(FIRST)), parts(coordinates(SECOND), orbit)
    even, odd = left.even @ right.even.T, left.odd @ right.odd.T
    for name, products in ((orbit.plus, even + odd), (orbit.minus, even - odd)):
        turned = np.stack([oriented(s.reshape(11, 11), name).ravel() for s in SECOND])
        np.testing.assert_allclose(products, FIRST @ turned.T, atol=1e-5)


def test_orbits_hold_every_orientation_once() -> None:
    """Four orbits of two are the eight."""
    assert sorted(n for o in ORBITS for n in (o.plus, o.minus)) == sorted(ORIENTATIONS)


def test_parts_keep_lengths() -> None:
    """The squared length of a grid is that of its parts."""
    np.testing.assert_allclose(parts(coordinates(FIRST)).squares(), (FIRST**2).sum(axis=1), 1e-6)


@pytest.mark.parametrize("name", list(ORIENTATIONS))
def test_the_symmetric_mean_does_not_change(name: str) -> None:
    """Orienting the mean gives the mean."""
    mean = symmetric_mean(FIRST[0])
    np.testing.assert_allclose(mean[grid_order(name)], mean, atol=1e-12)
    assert mean.mean() == pytest.approx(FIRST[0].mean())
