"""What is kept of one picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.auditing.pictures.orientation import ORIENTATIONS, oriented
from delineate.auditing.pictures.signature import (
    ContentBox,
    block_sums,
    content_box,
    cut_lines,
    grey_levels,
    look,
)

RNG = np.random.default_rng(0)


def smooth(size: tuple[int, int], seed: int = 0) -> np.ndarray[Any, Any]:
    """A picture of soft blobs that fills its range, as real ones do."""
    noise = np.random.default_rng(seed).random(size).astype(np.float32)
    blobs = cv2.GaussianBlur(noise, (0, 0), max(size) / 15)
    return (cv2.normalize(blobs, None, 0, 255, cv2.NORM_MINMAX)).astype(np.uint8)


@given(st.integers(0, 5000))
def test_cut_lines_are_symmetric(length: int) -> None:
    """Parts are as wide from the left as from the right, and cover the side."""
    lines = cut_lines(length)
    assert (lines == length - lines[::-1]).all()
    assert (lines[0], lines[-1]) == (0, length)
    assert (np.diff(lines) >= 0).all()
    assert np.ptp(np.diff(lines)) <= 11


@settings(deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from(list(ORIENTATIONS)),
    st.sampled_from([np.uint8, np.uint16, np.float32]),
)  # fmt: skip
def test_orienting_a_picture_orients_its_sums(
    height: int, width: int, name: str, dtype: type
) -> None:
    """The sums of a turned picture are its turned sums, and add up to the whole."""
    grey = (np.random.default_rng(height).random((height, width)) * 255).astype(dtype)
    grid = block_sums(grey).reshape(11, 11)
    turned = block_sums(np.ascontiguousarray(oriented(grey, name))).reshape(11, 11)
    np.testing.assert_allclose(turned, oriented(grid, name), rtol=1e-6)
    assert grid.sum(dtype=np.float64) == pytest.approx(grey.sum(dtype=np.float64), rel=1e-5)


def test_sums_of_large_pictures_are_those_of_small_ones() -> None:
    """A side above 2,048 px is summed block by block, to the same sums."""
    grey = RNG.integers(0, 255, (30, 3000)).astype(np.uint8)
    expected = [
        [grey[a:b, c:d].sum() for c, d in zip(cut_lines(3000), cut_lines(3000)[1:], strict=False)]
        for a, b in zip(cut_lines(30), cut_lines(30)[1:], strict=False)
    ]
    np.testing.assert_array_equal(block_sums(grey).reshape(11, 11), np.float32(expected))


def test_large_pictures_look_as_small_ones() -> None:
    """Shape and thumbnail of a large picture are those of the same picture at a smaller size."""
    small = smooth((600, 500))
    large = cv2.resize(small, (2500, 3000), interpolation=cv2.INTER_LINEAR)
    one, other = look(small[..., np.newaxis]), look(large[..., np.newaxis])
    assert np.abs(one.thumb.astype(int) - other.thumb).max() <= 3
    assert float(one.shape.astype(float) @ other.shape.astype(float)) > 0.999


def test_facts_are_those_of_the_pixels() -> None:
    """Mean, deviation, range and shares, counted by hand."""
    grey = np.zeros((10, 20), np.uint8)
    grey[:, 10:] = 255
    grey[0, 0] = 5
    grey[1, 1] = 6
    facts = look(grey[..., np.newaxis]).facts
    assert (facts["height"], facts["width"], facts["channels"], facts["dtype"]) == (10, 20, 1, 0)
    assert facts["mean"] == pytest.approx(grey.mean())
    assert facts["deviation"] == pytest.approx(grey.std())
    assert (facts["minimum"], facts["maximum"]) == (0, 255)
    assert facts["dark_share"] == pytest.approx(99 / 200)
    assert facts["saturated_share"] == 0.5


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_pictures_saturate_at_their_own_largest_value(dtype: type) -> None:
    """Twelve bits in sixteen: what is cut off at 4,095 counts as saturated."""
    grey = np.linspace(0, 4095, 400).reshape(20, 20).astype(dtype)
    grey[:5] = 4095
    facts = look(grey[..., np.newaxis]).facts
    assert facts["saturated_share"] == pytest.approx(0.25, abs=0.01)


def test_8_bit_pictures_saturate_at_255() -> None:
    """A dark picture's largest value is not saturation."""
    assert look(np.full((9, 9, 1), 80, np.uint8)).facts["saturated_share"] == 0


def test_blur_takes_sharpness() -> None:
    """A blurred picture is less sharp; brightness and contrast do not matter."""
    grey = RNG.integers(50, 150, (600, 400)).astype(np.uint8)
    sharp = look(grey[..., np.newaxis]).facts["sharpness"]
    blurred = look(cv2.GaussianBlur(grey, (0, 0), 2)[..., np.newaxis]).facts["sharpness"]
    toned = look((grey // 2 + 20)[..., np.newaxis]).facts["sharpness"]
    assert blurred < 0.5 * sharp
    assert toned == pytest.approx(sharp, rel=0.02)


@pytest.mark.parametrize("name", list(ORIENTATIONS))
def test_even_bars_are_no_content(name: str) -> None:
    """Bars of any level are left out, with a little noise in them, however the picture lies."""
    grey = np.full((60, 90), 12, np.uint8)
    grey[10:55, 20:80] = RNG.integers(0, 255, (45, 60))
    grey[:10] = RNG.integers(8, 16, (10, 90))
    turned = np.ascontiguousarray(oriented(grey, name))
    inside = np.zeros(grey.shape, np.uint8)
    inside[10:55, 20:80] = 1
    rows, columns = np.nonzero(oriented(inside, name))
    expected = ContentBox(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    assert content_box(turned) == expected


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_blank_picture_is_all_content(level: int) -> None:
    """Where nothing but bars is there, the picture is its own content, and has no shape."""
    seen = look(np.full((6, 8, 1), level, np.uint8))
    box = [int(seen.facts[name]) for name in ("top", "left", "bottom", "right")]
    assert box == [0, 0, 6, 8]
    assert not seen.shape.any()
    assert (seen.thumb == level).all()


def test_shape_forgets_brightness_contrast_and_bars() -> None:
    """Mean 0, norm 1; a brighter copy between bars has the same shape."""
    grey = smooth((200, 300))
    framed = np.zeros((260, 300), np.uint8)
    framed[30:230] = (grey * 0.5 + 60).astype(np.uint8)
    shapes = [look(g[..., np.newaxis]).shape.astype(float) for g in (grey, framed)]
    assert [s.sum() for s in shapes] == pytest.approx([0, 0], abs=0.02)
    assert float(shapes[0] @ shapes[1]) > 0.999


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 3), (10, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiny_pictures_have_a_look(size: tuple[int, int], dtype: type) -> None:
    """Fewer pixels than blocks is no failure."""
    picture = (RNG.random((*size, 3)) * 200).astype(dtype)
    seen = look(picture)
    assert seen.thumb.shape == (64, 64)
    assert np.isfinite(seen.shape).all()


def test_colours_become_luminance() -> None:
    """BT.601 weights; three equal channels give that channel."""
    pure = np.eye(3, dtype=np.uint8)[np.newaxis] * 200
    assert grey_levels(pure).tolist() == [[60, 117, 23]]
    same = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    np.testing.assert_array_equal(grey_levels(same), same[..., 0])


def test_deep_thumbnails_span_the_range() -> None:
    """A 16-bit picture's thumbnail goes from its darkest to its brightest."""
    board = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((40, 40))) * 2000 + 1000
    thumb = look(board.astype(np.uint16)[..., np.newaxis]).thumb
    assert (thumb.min(), thumb.max()) == (0, 255)
