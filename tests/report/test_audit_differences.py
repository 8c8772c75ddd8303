"""What two copies do not share."""

from __future__ import annotations

import re

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
)
from delineate.core.errors import SettingsError
from delineate.core.types import IGNORE
from delineate.report.audit_content import SAME_PLACE, CopyView, Matrix
from delineate.report.audit_differences import (
    LONGEST_LAID_PX,
    agreement,
    agreement_words,
    amplified,
    grey_difference,
    laid_on,
)


def speckle(height: int = 30, width: int = 44) -> np.ndarray:
    """A picture in which no two rows are alike."""
    return np.random.default_rng(3).integers(0, 200, (height, width, 1), dtype=np.uint8)


def as_matrix(array: np.ndarray) -> Matrix:
    """A (2, 3) array as the page takes it."""
    a, b, c, d, e, f = (float(value) for value in array.ravel())
    return (a, b, c, d, e, f)


@given(st.sampled_from(sorted(ORIENTATIONS)), st.integers(2, 9), st.integers(2, 9))
def test_every_orientation_is_undone_exactly(orientation: str, height: int, width: int) -> None:
    """A flipped or turned copy, laid on the first picture, differs in no pixel."""
    first = speckle(height, width)
    copy = np.ascontiguousarray(oriented(first, orientation))
    matrix = orientation_matrix(inverse(orientation), (copy.shape[0], copy.shape[1]))
    view = CopyView("b", as_matrix(matrix))
    found = grey_difference(first, copy, view)
    assert found.words == "no pixel differs"
    assert found.is_known.all()
    assert not found.shown.any()
    labels = laid_on(copy[..., 0], view, size_px=first.shape[:2], is_labels=True)
    assert np.array_equal(labels, first[..., 0])


def test_tone_is_taken_off_before_pictures_are_compared() -> None:
    """A copy of other brightness and contrast differs by its rounding alone."""
    first = speckle()
    copy = np.rint(first * 0.5 + 40).astype(np.uint8)
    assert grey_difference(first, copy, CopyView("b")).shown.mean() > 20
    found = grey_difference(first, copy, CopyView("b", gain=0.5, offset=40))
    assert found.shown.max() <= 1
    assert re.fullmatch(r"on average 0\.\d+ grey levels a pixel", found.words)


def test_what_a_crop_does_not_show_is_unknown() -> None:
    """Outside of the copy nothing is claimed, of grey levels or of labels."""
    first = speckle()
    copy = first[5:25, 4:40]
    view = CopyView("b", (1, 0, -4, 0, 1, -5))
    found = grey_difference(first, copy, view)
    assert found.is_known.sum() == copy.size
    assert not found.shown.any()
    assert found.words == "no pixel differs"
    labels = laid_on(copy[..., 0] * 0 + 1, view, size_px=(30, 44), is_labels=True)
    assert (labels == IGNORE).sum() == first.size - copy.size


def test_copies_without_a_common_area_are_said_to_have_none() -> None:
    """Pictures that do not overlap are not called equal."""
    found = grey_difference(speckle(), speckle(), CopyView("b", (1, 0, 500, 0, 1, 0)))
    assert found.words == "the two show no common area"


def test_a_larger_copy_is_averaged_down_without_a_shift() -> None:
    """A copy of twice the size differs from a smooth picture by little, and stays in place."""
    rows, columns = np.mgrid[:40, :60]
    first = (90 + 60 * np.sin(rows / 6) * np.cos(columns / 8)).astype(np.uint8)[..., None]
    copy = cv2.resize(first, (120, 80), interpolation=cv2.INTER_CUBIC)[..., None]
    placed = CopyView("b", (2, 0, 0.5, 0, 2, 0.5))
    moved = CopyView("b", (2, 0, 2.5, 0, 2, 0.5))
    assert grey_difference(first, copy, placed).shown.mean() < 0.5
    assert grey_difference(first, copy, moved).shown.mean() > 2


def test_differences_of_deep_images_are_shown_on_the_scale_of_the_eye() -> None:
    """In 16 bits the words speak of stored levels and the picture of shown ones."""
    first = np.linspace(0, 60000, 1200).astype(np.uint16).reshape(30, 40, 1)
    found = grey_difference(first, first + np.uint16(1000), CopyView("b"))
    assert found.words == "on average 1,000 grey levels a pixel"
    assert found.shown.max() == pytest.approx(1000 * 255 / 59400, rel=0.01)


def test_amplifying_shows_faint_differences_and_states_the_factor() -> None:
    """The factor is the largest power of two that clips next to nothing, within bounds."""
    faint = np.full((10, 10), 3.0, np.float32)
    assert amplified(faint)[0] == 64
    strong = np.full((10, 10), 40.0, np.float32)
    factor, shown = amplified(strong)
    assert factor == 4
    assert (shown == 160).all()
    assert amplified(np.zeros((4, 4), np.float32))[0] == 1


def test_agreement_counts_each_outcome() -> None:
    """Both, either, another class and unknown are told apart, counted by hand."""
    first = np.array([[0, 1, 1, 0, 1, IGNORE, 1]], np.uint8)
    other = np.array([[0, 1, 0, 2, 2, 1, IGNORE]], np.uint8)
    outcome = agreement(first, other)
    assert outcome.tolist() == [[0, 1, 2, 3, 4, IGNORE, IGNORE]]
    assert agreement_words(outcome) == (
        "both 1 px, only the first 1 px, only the other 1 px, another class 1 px"
    )


def test_agreement_in_words_of_equal_and_empty_masks() -> None:
    """Nothing is counted where there is nothing to tell apart."""
    labels = np.eye(4, dtype=np.uint8)
    assert agreement_words(agreement(labels, labels)) == "the masks agree (4 px)"
    assert agreement_words(agreement(labels * 0, labels * 0)) == "no foreground in either mask"


def test_pictures_too_large_for_the_map_are_refused() -> None:
    """A picture beyond OpenCV's maps is an error that names it, not a crash."""
    long = np.zeros((1, LONGEST_LAID_PX + 1), np.uint8)
    with pytest.raises(SettingsError, match=r"b: expected pictures of at most 32,766 px a side"):
        laid_on(long, CopyView("b", (1, 0, 1, 0, 1, 0)), size_px=(1, 5))


def test_an_array_in_its_place_is_not_touched() -> None:
    """The same place and size give the same array."""
    array = speckle()[..., 0]
    assert laid_on(array, CopyView("b", SAME_PLACE), size_px=(30, 44)) is array
