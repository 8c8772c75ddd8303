"""Eight orientations for the price of few: grids split by their symmetry.

The discrete cosine transform of an 11 x 11 grid takes it apart by symmetry: cosines of even
number are the same when their line is reversed, those of odd number change their sign. Let e
and o stand for even and odd, rows first: `ee` and `oo` keep their sign when the picture is
turned upside down, `eo` and `oe` change it. With the transform orthonormal, for two grids a and b

    <a, b>                      = (ee.ee + oo.oo) + (eo.eo + oe.oe)
    <a, b turned upside down>   = (ee.ee + oo.oo) - (eo.eo + oe.oe)
    <a, b flipped left-right>   = (ee.ee - oo.oo) + (oe.oe - eo.eo)
    <a, b flipped top-bottom>   = (ee.ee - oo.oo) - (oe.oe - eo.eo)

and the same four with b transposed, which changes rows for columns in every part. Two products
of half the length thus give two orientations, and the better of them is `even + |odd|`.
In terms of the square's symmetry group, `ee` holds A1 and B1, `oo` A2 and B2, and `eo` with
`oe` is E.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from delineate.auditing.pictures.orientation import ORIENTATIONS, oriented
from delineate.auditing.pictures.signature import SIDE

_COSINES: NDArray[np.float64] = np.asarray(dct(np.eye(SIDE), norm="ortho", axis=0))
_NAMES = tuple(ORIENTATIONS)


@dataclass(frozen=True)
class Orbit:
    """Two orientations that one even and one odd product tell apart.

    `plus` belongs to even + odd, `minus` to even - odd. What is done to the second grid:
    transposed or not, then `signs` of its parts ee, oo, eo, oe.
    """

    plus: str
    minus: str
    is_transposed: bool
    signs: tuple[int, int, int, int]


_UPRIGHT, _FLIPPED = (1, 1, 1, 1), (1, -1, -1, 1)
ORBITS = (
    Orbit("as it is", "turned upside down", False, _UPRIGHT),
    Orbit("flipped left to right", "flipped top to bottom", False, _FLIPPED),
    Orbit("flipped along the main diagonal", "flipped along the other diagonal", True, _UPRIGHT),
    Orbit("turned right", "turned left", True, _FLIPPED),
)


@dataclass(frozen=True)
class Parts:
    """(n, 61) even and (n, 60) odd coordinates of n grids, float32."""

    even: NDArray[np.float32]
    odd: NDArray[np.float32]

    def squares(self) -> NDArray[np.float64]:
        """(n,): the squared length of each grid."""
        return np.asarray(
            np.square(self.even, dtype=np.float64).sum(axis=1)
            + np.square(self.odd, dtype=np.float64).sum(axis=1)
        )


def coordinates(grids: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, 11, 11): the cosine transform of grids (n, 121); an orthonormal change of basis."""
    cubes = np.asarray(grids, np.float64).reshape(-1, SIDE, SIDE)
    return np.asarray(_COSINES @ cubes @ _COSINES.T)


def parts(grid_coordinates: NDArray[np.float64], orbit: Orbit = ORBITS[0]) -> Parts:
    """The parts of grids, as they are or prepared to be the second of a product.

    With `a = parts(x)` and `b = parts(y, orbit)`, `a.even @ b.even.T + a.odd @ b.odd.T` are the
    inner products of x with y in the orientation `orbit.plus`, and the difference of the two
    products those in `orbit.minus`.
    """
    there = grid_coordinates.swapaxes(1, 2) if orbit.is_transposed else grid_coordinates
    count = len(there)
    even_even, odd_odd, even_odd, odd_even = (
        sign * there[:, rows::2, columns::2].reshape(count, -1)
        for sign, rows, columns in zip(orbit.signs, (0, 1, 0, 1), (0, 1, 1, 0), strict=True)
    )
    even = np.concatenate([even_even, odd_odd], axis=1, dtype=np.float32)
    odd = np.concatenate([even_odd, odd_even], axis=1, dtype=np.float32)
    return Parts(even, odd)


def grid_order(orientation: str) -> NDArray[np.intp]:
    """(121,): `sums[grid_order(g)]` are the block sums of a picture in the orientation g."""
    return oriented(np.arange(SIDE**2).reshape(SIDE, SIDE), orientation).ravel()


def symmetric_mean(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(121,): the mean of a grid over its eight orientations, which no orientation changes."""
    return np.asarray(np.mean([mean[grid_order(name)] for name in _NAMES], axis=0))
