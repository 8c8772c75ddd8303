"""Shapes of masks: places, parts, holes, forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.spatial import ConvexHull

from delineate.auditing.masks.mask_shapes import RASTER, SHAPE_FIELDS, Shape, shape_of, shapes_of
from delineate.core.types import IGNORE

EIGHT = np.ones((3, 3))


def numbers(shape: Shape) -> dict[str, float]:
    """The numbers of a shape by name."""
    return dict(zip((name for name, _ in SHAPE_FIELDS), shape.numbers, strict=True))


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))
)
def test_numbers_agree_with_plain_counting(mask: np.ndarray) -> None:
    """Area, centre, box and parts are those that SciPy and NumPy count."""
    if not mask.any():
        return
    found = numbers(shape_of(mask, 1))
    rows, columns = np.nonzero(mask)
    parts, count = ndimage.label(mask, EIGHT)
    assert found["area_px"] == len(rows)
    assert found["row"] == pytest.approx((rows.mean() + 0.5) / mask.shape[0])
    assert found["column"] == pytest.approx((columns.mean() + 0.5) / mask.shape[1])
    assert found["parts"] == count
    assert found["largest_share"] == np.bincount(parts[parts > 0]).max() / len(rows)
    box = tuple(found[side] for side in ("top", "left", "bottom", "right"))
    assert box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))
)
def test_form_agrees_with_plain_geometry(mask: np.ndarray) -> None:
    """The largest part's hull is that of its pixels' corners, its inertia that of squares."""
    if not mask.any():
        return
    found = numbers(shape_of(mask, 1))
    parts, _ = ndimage.label(mask, EIGHT)
    areas = np.bincount(parts[parts > 0])
    forms = [plain_form(parts == part) for part in np.flatnonzero(areas == areas.max())]
    assert any(
        (found["elongation"], found["solidity"]) == pytest.approx(form, rel=1e-4) for form in forms
    )


def plain_form(part: np.ndarray) -> tuple[float, float]:
    """Elongation and solidity, by eigenvalues and by the hull of all corners."""
    pixels = np.argwhere(part)
    spread = np.cov(pixels.T, bias=True).reshape(2, 2) + np.eye(2) / 12
    low, high = np.linalg.eigvalsh(spread)
    corners = np.concatenate([pixels + step for step in ((0, 0), (0, 1), (1, 0), (1, 1))])
    return float(np.sqrt(high / low)), len(pixels) / float(ConvexHull(corners).volume)


def test_a_rectangle_fills_its_hull_and_an_l_does_not() -> None:
    """Solidity counts whole pixels: 12 of an L's 12 + 4.5 pixels of hull."""
    assert numbers(shape_of(np.ones((3, 7), np.uint8), 1))["solidity"] == 1
    corner = np.zeros((4, 4), np.uint8)
    corner[:, 0] = corner[3] = 1
    # The hull is the square less the triangle of legs 3 beyond the diagonal.
    assert numbers(shape_of(corner, 1))["solidity"] == pytest.approx(7 / (16 - 4.5))


def test_holes_are_counted_and_parts_within_them_too() -> None:
    """A ring with a dot in it is two parts and one hole."""
    mask = np.zeros((9, 9), np.uint8)
    mask[1:8, 1:8] = 1
    mask[2:7, 2:7] = 0
    mask[4, 4] = 1
    found = numbers(shape_of(mask, 1))
    assert (found["parts"], found["holes"]) == (2, 1)
    assert found["largest_share"] == 24 / 25


def test_each_class_is_measured_by_itself() -> None:
    """Background and unknown pixels have no shape."""
    labels = np.array([[0, 1, 2, 2, IGNORE]], np.uint8)
    shapes = shapes_of(labels, [0, 1, 2, IGNORE])
    assert [(s.numbers[0], s.numbers[1]) for s in shapes] == [(1, 1), (2, 2)]


def test_one_class_beside_unknown_pixels_is_not_spread_over_them() -> None:
    """Unknown pixels are not taken for the single class."""
    labels = np.array([[0, 1, 1, IGNORE]], np.uint8)
    (shape,) = shapes_of(labels, [0, 1, IGNORE])
    assert numbers(shape)["area_px"] == 2


def test_the_raster_shows_where_a_mask_lies() -> None:
    """Put at its corner, the raster of the left half covers the left half."""
    mask = np.zeros((300, 200), np.uint8)
    mask[:, :100] = 1
    shape = shape_of(mask, 1)
    assert shape.corner == (0, 0)
    assert shape.raster.shape == (RASTER, RASTER // 2)
    assert shape.raster.all()
