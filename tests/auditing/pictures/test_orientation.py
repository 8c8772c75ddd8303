"""The eight orientations and their maps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.auditing.pictures.orientation import (
    ORIENTATIONS,
    inverse,
    orientation_matrix,
    oriented,
    oriented_size,
    swaps_sides,
)

NAMES = sorted(ORIENTATIONS)
PICTURE = np.random.default_rng(0).integers(0, 255, (5, 8)).astype(np.uint8)


def test_the_eight_are_different() -> None:
    """No two orientations show a picture without symmetry alike."""
    square = PICTURE[:, :5]
    assert len({oriented(square, name).tobytes() for name in NAMES}) == 8


@pytest.mark.parametrize("name", NAMES)
def test_the_inverse_undoes_it(name: str) -> None:
    """An orientation and its inverse give the picture back."""
    np.testing.assert_array_equal(oriented(oriented(PICTURE, name), inverse(name)), PICTURE)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_swap_with_quarter_turns(name: str) -> None:
    """The stated size is that of the oriented picture."""
    assert oriented(PICTURE, name).shape == oriented_size((5, 8), name)
    assert swaps_sides(name) == (oriented(PICTURE, name).shape == (8, 5))


@given(name=st.sampled_from(NAMES), height=st.integers(1, 9), width=st.integers(1, 9))
def test_the_matrix_says_where_pixels_come_from(name: str, height: int, width: int) -> None:
    """Warping by the matrix gives the oriented picture to the pixel."""
    picture = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    turned = np.ascontiguousarray(oriented(picture, name))
    warped = cv2.warpAffine(
        picture,
        orientation_matrix(name, picture.shape),
        turned.shape[::-1],
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    )
    np.testing.assert_array_equal(warped, turned)


def test_names_say_what_is_done() -> None:
    """Left is against the clock, and the main diagonal runs from the top left corner."""
    corner = np.array([[1, 2], [3, 4]])
    assert oriented(corner, "turned left").tolist() == [[2, 4], [1, 3]]
    assert oriented(corner, "turned right").tolist() == [[3, 1], [4, 2]]
    assert oriented(corner, "turned upside down").tolist() == [[4, 3], [2, 1]]
    assert oriented(corner, "flipped left to right").tolist() == [[2, 1], [4, 3]]
    assert oriented(corner, "flipped top to bottom").tolist() == [[3, 4], [1, 2]]
    assert oriented(corner, "flipped along the main diagonal").tolist() == [[1, 3], [2, 4]]
    assert oriented(corner, "flipped along the other diagonal").tolist() == [[4, 2], [3, 1]]
