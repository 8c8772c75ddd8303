"""Shapes drawn as the tools do that they come from."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.core.errors import UnreadableFileError
from delineate.files.polygons import coco_polygons, drawn_shape, filled_polygon


def test_shapes_counted_by_hand() -> None:
    """A rectangle holds both its corners, in whichever order; a point is a disc of radius 5."""
    for corners in ([(1, 2), (3, 3)], [(3, 3), (1, 2)], [(3, 2), (1, 3)]):
        box = drawn_shape("rectangle", corners, (6, 7), where="x")
        assert box.sum() == 6
        assert box[2:4, 1:4].all()
    assert drawn_shape("rectangle", [(0, 0), (4, 4)], (6, 7), where="x").sum() == 25
    assert drawn_shape("polygon", [(1, 1), (4, 1), (4, 3), (1, 3)], (6, 7), where="x").sum() == 12
    point = drawn_shape("point", [(20, 30)], (60, 60), where="x")
    rows, columns = np.nonzero(point)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (25, 35, 15, 25)
    circle = drawn_shape("circle", [(30, 30), (30, 40)], (60, 60), where="x")
    assert circle.sum() == pytest.approx(np.pi * 10.5**2, rel=0.03)
    line = drawn_shape("line", [(10, 30), (49, 30)], (60, 60), where="x")
    assert line.sum() == pytest.approx(40 * 10, rel=0.05)
    assert (drawn_shape("linestrip", [(10, 30), (49, 30)], (60, 60), where="x") == line).all()


def test_rings_of_one_object_are_united() -> None:
    """Two rings are both covered, also where they overlap; COCO's corners lie between pixels."""
    first, second = [(0, 0), (3, 0), (3, 2), (0, 2)], [(2, 0), (5, 0), (5, 2), (2, 2)]
    mask = coco_polygons([first, second], (4, 6), where="x")
    assert mask.sum() == 10
    assert mask[:2, :5].all()
    assert not coco_polygons([], (4, 6), where="x").any()


@pytest.mark.parametrize(
    ("shape", "points"),
    [("polygon", [(0, 0), (1, 1)]), ("rectangle", [(0, 0)]), ("circle", [(0, 0)] * 3),
     ("point", []), ("line", [(0, 0)] * 3), ("linestrip", [(0, 0)])],
)  # fmt: skip
def test_the_wrong_number_of_points_is_said(shape: str, points: list[tuple[int, int]]) -> None:
    """Each shape says how many points it needs."""
    with pytest.raises(UnreadableFileError, match=rf"s\.json: shape 3: .*for a {shape}, found"):
        drawn_shape(shape, points, (5, 5), where="s.json: shape 3")


def test_rings_and_polygons_need_points() -> None:
    """A ring of two points or a polygon of one draws nothing."""
    with pytest.raises(UnreadableFileError, match="three points or more, found one of 2"):
        coco_polygons([[(0, 0), (1, 1)]], (5, 5), where="x")
    with pytest.raises(UnreadableFileError, match="expected a polygon, found 1 points"):
        filled_polygon([(0, 0)], (5, 5), where="x")


def test_points_far_outside_are_refused_before_anything_is_drawn() -> None:
    """A little outside is cut off; a coordinate that would take memory and time is an error."""
    near, far = [(-3, 0), (4, 0), (4, 9)], [(0, 0), (2e9, 0), (2e9, 2e9)]
    assert drawn_shape("polygon", near, (5, 5), where="x").any()
    assert coco_polygons([near], (5, 5), where="x").any()
    for draw in (
        lambda: drawn_shape("polygon", far, (5, 5), where="x"),
        lambda: filled_polygon(far, (5, 5), where="x"),
        lambda: coco_polygons([far], (5, 5), where="x"),
    ):
        with pytest.raises(UnreadableFileError, match=r"in or near the image.*\(2e\+09, 0\)"):
            draw()
