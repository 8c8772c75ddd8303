"""Two masks of one picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from delineate.auditing.masks.mask_comparison import compare, nerve_tool_difference
from delineate.core.errors import SizeMismatchError
from delineate.core.types import IGNORE, Labels


def disc(radius: float, *, middle: tuple[int, int] = (32, 32), label: int = 1) -> Labels:
    """A disc on 64x64."""
    rows, columns = np.indices((64, 64))
    inside = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 <= radius**2
    return np.where(inside, label, 0).astype(np.uint8)


def test_agreement_counted_by_hand() -> None:
    """Two of three foreground pixels in common give a Dice of four sixths."""
    first = np.array([[1, 1, 1, 0]], dtype=np.uint8)
    second = np.array([[0, 1, 1, 1]], dtype=np.uint8)
    found = compare(first, second)
    assert found is not None
    assert found.dice == {1: pytest.approx(4 / 6)}
    assert found.foreground_dice == found.mean_dice == pytest.approx(4 / 6)
    assert (found.differing_px, found.unexplained_px, found.foreground_px) == (2, 2, 4)
    assert found.is_contradictory
    assert not found.is_minor
    assert found.nerve_difference == 768


def test_equal_masks_agree() -> None:
    """Equal masks do not contradict each other, empty ones neither."""
    for labels in (disc(9), np.zeros((4, 4), np.uint8)):
        found = compare(labels, labels.copy())
        assert found is not None
        assert (found.mean_dice, found.foreground_dice) == (1.0, 1.0)
        assert not found.is_contradictory
        assert not found.is_minor


def test_one_pixel_is_a_minor_contradiction() -> None:
    """Where no pixel was resampled a single one counts, and is called minor."""
    first, second = disc(9), disc(9)
    second[32, 32] = 0
    found = compare(first, second)
    assert found is not None
    assert found.is_contradictory
    assert found.is_minor


def test_empty_against_a_single_pixel_is_never_minor() -> None:
    """An empty mask contradicts one that is not, however small."""
    first = np.zeros((64, 64), np.uint8)
    second = first.copy()
    second[5, 5] = 1
    for tolerance_px in (0.0, 3.0):
        found = compare(first, second, tolerance_px=tolerance_px)
        assert found is not None
        assert found.is_one_empty
        assert found.is_contradictory
        assert not found.is_minor


def test_classes_are_told_apart() -> None:
    """The same outline under two classes agrees as foreground and in no class."""
    found = compare(disc(9), disc(9, label=2))
    assert found is not None
    assert found.foreground_dice == 1.0
    assert found.dice == {1: 0.0, 2: 0.0}
    assert found.is_contradictory
    assert not found.is_minor


def test_unknown_pixels_do_not_count() -> None:
    """What either mask ignores is left out, and a class that lies only there as well."""
    first, second = disc(9), disc(9)
    first[:10] = IGNORE
    second[:10] = 2
    found = compare(first, second)
    assert found is not None
    assert found.compared_px == 54 * 64
    assert found.dice == {1: 1.0}
    assert not found.is_contradictory


def test_nothing_known_in_common_is_no_comparison() -> None:
    """Masks that know no pixel in common are not compared."""
    unknown = np.full((4, 4), IGNORE, np.uint8)
    assert compare(unknown, np.ones((4, 4), np.uint8)) is None


def test_resampling_explains_an_edge() -> None:
    """A mask that went through half its size contradicts itself only to the pixel."""
    first = disc(20)
    small = cv2.resize(first, (32, 32), interpolation=cv2.INTER_NEAREST)
    second = cv2.resize(small, (64, 64), interpolation=cv2.INTER_NEAREST)
    strict, lenient = compare(first, second), compare(first, second, tolerance_px=3.0)
    assert strict is not None
    assert lenient is not None
    assert strict.is_contradictory
    assert lenient.differing_px == strict.differing_px > 0
    assert lenient.unexplained_px == 0
    assert not lenient.is_contradictory


def test_resampling_does_not_explain_another_outline() -> None:
    """A disc of another size or at another place is a contradiction after resampling too."""
    for other in (disc(26), disc(20, middle=(32, 38)), disc(20, label=2)):
        for first, second in ((disc(20), other), (other, disc(20))):
            found = compare(first, second, tolerance_px=3.0)
            assert found is not None
            assert 0 < found.unexplained_px <= 2 * found.differing_px
            assert found.is_contradictory


def test_the_edge_of_what_is_shown_explains_a_cut_object() -> None:
    """After resampling, pixels beside the unknown may belong to what lies there."""
    first, second = disc(9), np.zeros((64, 64), np.uint8)
    first[:, :40] = IGNORE
    first[:, 40:42] = disc(9)[:, 40:42]
    second[:, :40] = IGNORE
    found = compare(first, second, tolerance_px=2.0)
    assert found is not None
    assert found.differing_px > 0
    assert not found.is_contradictory


def test_masks_of_two_sizes_are_refused() -> None:
    """The error names both sizes."""
    with pytest.raises(SizeMismatchError, match="found 4x5 and 5x4 px"):
        compare(np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8))


PAIRS = hnp.arrays(np.bool_, st.tuples(st.just(2), st.integers(1, 6), st.integers(1, 6)))


@given(masks=PAIRS)
def test_the_nerve_tool_wraps_around(masks: np.ndarray) -> None:
    """The count equals that of masks of 0 and 255 subtracted in 8 bits over three channels."""
    first, second = (np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 255 for mask in masks)
    assert nerve_tool_difference(*masks) == int((first - second).sum(dtype=np.int64))


def test_the_limit_of_the_nerve_tool() -> None:
    """Thirty-three pixels that only the second has stay under 100; one of the first does not."""
    many = np.zeros((8, 8), np.uint8)
    many.ravel()[:33] = 1
    one = np.zeros((8, 8), np.uint8)
    one[0, 0] = 1
    none = np.zeros((8, 8), np.uint8)
    under, over = compare(none, many), compare(one, none)
    assert under is not None
    assert over is not None
    assert not under.is_nerve_contradiction
    assert over.is_nerve_contradiction


LABELS = hnp.arrays(
    np.uint8,
    st.tuples(st.just(2), st.just(5), st.just(6)),
    elements=st.sampled_from([0, 1, 2, 255]),
)


@given(pair=LABELS, tolerance_px=st.sampled_from([0.0, 1.5]))
def test_comparing_is_symmetric(pair: np.ndarray, tolerance_px: float) -> None:
    """But for the nerve tool's count, either order and a flip of both give the same."""
    one, other = (compare(*each, tolerance_px=tolerance_px) for each in (pair, pair[::-1]))
    flipped = compare(*pair[:, :, ::-1], tolerance_px=tolerance_px)
    if one is None or other is None or flipped is None:
        assert one is other is flipped is None
        return
    assert one == flipped
    assert one.dice == other.dice
    assert one.unexplained_px == other.unexplained_px
    assert one.is_contradictory == other.is_contradictory
    assert 0 <= one.mean_dice <= 1
