"""Shapes and regions that the editor fills, in a real browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page
from scipy import ndimage

Points = list[tuple[float, float]]
Grid = NDArray[np.uint8]


def run(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """What a function body returns; `m` is the module, `a` the argument."""
    script = f"async (a) => {{ const m = await import('/static/review/{module}.js'); {body} }}"
    return page.evaluate(script, argument)


def points(places: Points) -> list[dict[str, float]]:
    """As the modules have them."""
    return [{"row": row, "column": column} for row, column in places]


RUNS = """
const labels = new Uint8Array(a.width * a.height);
const paint = (row, from, to) => {
  for (let x = from; x < to; x += 1) labels[row * a.width + x] += 1;
};
"""


def polygon(page: Page, places: Points, shape: tuple[int, int]) -> Grid:
    """(H, W) how often the polygon paints each pixel."""
    body = RUNS + "m.polygonRuns(a.points, a, paint); return [...labels];"
    size = {"height": shape[0], "width": shape[1]}
    painted = run(page, "raster", body, {"points": points(places), **size})
    return np.array(painted, np.uint8).reshape(shape)


def stroke(page: Page, start: Any, end: Any, diameter: float, shape: tuple[int, int]) -> Grid:
    """(H, W) how often a stroke paints each pixel."""
    body = RUNS + "m.strokeRuns(...a.points, a.diameter, a, paint); return [...labels];"
    argument = {"points": points([start, end]), "diameter": diameter}
    size = {"height": shape[0], "width": shape[1]}
    painted = run(page, "raster", body, {**argument, **size})
    return np.array(painted, np.uint8).reshape(shape)


def centres(shape: tuple[int, int]) -> tuple[Any, Any]:
    """Rows and columns of the pixels' centres."""
    rows, columns = np.indices(shape)
    return rows + 0.5, columns + 0.5


def even_odd(places: Points, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether a ray from each centre to the right crosses the polygon an odd number of times."""
    rows, columns = centres(shape)
    inside = np.zeros(shape, bool)
    for (r0, c0), (r1, c1) in zip(places, [*places[1:], places[0]], strict=True):
        between = (rows < r0) != (rows < r1)
        at = c0 + (rows - r0) * (c1 - c0) / ((r1 - r0) or 1)
        inside ^= between & (columns < at)
    return inside


def to_segment(start: Any, end: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The distance of each centre from a segment."""
    rows, columns = centres(shape)
    along = np.subtract(end, start)
    place = (rows - start[0]) * along[0] + (columns - start[1]) * along[1]
    place = np.clip(place / max(float(along @ along), 1e-12), 0, 1)
    down, right = rows - start[0] - place * along[0], columns - start[1] - place * along[1]
    return np.asarray(np.hypot(down, right))


def test_a_polygon_holds_the_centres_inside_of_it(modules: Page) -> None:
    """A square from 1 to 3 has the four pixels whose centres lie at 1.5 and 2.5."""
    painted = polygon(modules, [(1, 1), (1, 3), (3, 3), (3, 1)], (4, 5))
    assert painted.tolist() == [[0] * 5, [0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0] * 5]


@pytest.mark.parametrize("seed", range(8))
def test_polygons_follow_the_even_odd_rule(modules: Page, seed: int) -> None:
    """Any polygon, crossing itself or the border, marks what a count of crossings says."""
    rng = np.random.default_rng(seed)
    places = [(float(r), float(c)) for r, c in rng.uniform(-8, 40, (rng.integers(3, 12), 2))]
    painted = polygon(modules, places, (30, 34))
    assert painted.max() == 1
    np.testing.assert_array_equal(painted > 0, even_odd(places, (30, 34)))


@pytest.mark.parametrize("seed", range(4))
def test_corners_on_rows_of_centres_are_counted_once(modules: Page, seed: int) -> None:
    """Corners and edges that lie exactly on centres follow the same rule."""
    rng = np.random.default_rng(50 + seed)
    places = [(float(r), float(c)) for r, c in rng.integers(0, 12, (6, 2)) + 0.5]
    painted = polygon(modules, places, (13, 13))
    np.testing.assert_array_equal(painted, even_odd(places, (13, 13)))


def test_polygons_that_share_an_edge_share_no_pixel(modules: Page) -> None:
    """Two halves of a square along a diagonal through centres cover each pixel once."""
    corners = [(0.0, 0.0), (0.0, 9.0), (9.0, 9.0), (9.0, 0.0)]
    upper = polygon(modules, [corners[0], corners[1], corners[2]], (9, 9))
    lower = polygon(modules, [corners[0], corners[2], corners[3]], (9, 9))
    assert (upper + lower).tolist() == np.ones((9, 9)).tolist()


@pytest.mark.parametrize("seed", range(8))
def test_a_stroke_holds_the_centres_near_its_way(modules: Page, seed: int) -> None:
    """Pixels within half the diameter of the segment, and those below its ends, once each."""
    rng = np.random.default_rng(100 + seed)
    start, end = rng.uniform(-4, 30, (2, 2)).tolist()
    diameter = float(rng.uniform(0.4, 14))
    painted = stroke(modules, start, end, diameter, (26, 28))
    near = to_segment(start, end, (26, 28)) <= diameter / 2
    for row, column in (np.floor(start).astype(int), np.floor(end).astype(int)):
        if 0 <= row < 26 and 0 <= column < 28:
            near[row, column] = True
    assert painted.max(initial=0) <= 1
    np.testing.assert_array_equal(painted > 0, near)


def test_the_thinnest_brush_draws_one_pixel_and_lines_without_gaps(modules: Page) -> None:
    """A click marks the pixel below it; a line hangs together, one pixel wide."""
    assert stroke(modules, (2.9, 3.1), (2.9, 3.1), 1, (6, 6)).nonzero() == ([2], [3])
    line = stroke(modules, (1.2, 1.7), (17.9, 28.3), 1, (20, 30))
    assert ndimage.label(line, np.ones((3, 3)))[1] == 1
    assert line.sum(axis=0).max() <= 2


FILL = """
const size = { width: a.width, height: a.height };
const given = (x) => (x === "size" ? size : Array.isArray(x) ? Uint8Array.from(x) : x);
const region = m[a.name](...a.arguments.map(given));
return { marked: [...region.marked], count: region.count, touchesBorder: region.touchesBorder };
"""


def filled(page: Page, name: str, shape: tuple[int, int], *arguments: Any) -> tuple[Grid, Any]:
    """(H, W) what a fill marks, and what it says of it."""
    argument = {"name": name, "arguments": arguments, "height": shape[0], "width": shape[1]}
    result = run(page, "fill", FILL, argument)
    return np.array(result["marked"], np.uint8).reshape(shape), result


@pytest.mark.parametrize("seed", range(6))
def test_a_contour_is_filled_up_to_its_label(modules: Page, seed: int) -> None:
    """The region is what SciPy finds with four neighbours around the pixel."""
    rng = np.random.default_rng(seed)
    labels = (ndimage.gaussian_filter(rng.normal(size=(40, 50)), 2) > 0.02).astype(np.uint8)
    start = int(rng.integers(labels.size))
    value = labels.flat[start]
    regions, _ = ndimage.label(labels == value)
    expected = regions == regions.flat[start]
    marked, said = filled(
        modules, "regionOfLabel", labels.shape, labels.ravel().tolist(), start, "size"
    )
    np.testing.assert_array_equal(marked > 0, expected)
    edge = np.ones(labels.shape, bool)
    edge[1:-1, 1:-1] = False
    assert said["count"] == expected.sum()
    assert said["touchesBorder"] == bool((expected & edge).any())


def test_a_contour_of_pixels_that_touch_at_corners_is_closed(modules: Page) -> None:
    """A fill does not leak between two pixels that meet at a corner."""
    ring = np.zeros((7, 7), np.uint8)
    for row, column in ((1, 3), (2, 2), (2, 4), (3, 1), (3, 5), (4, 2), (4, 4), (5, 3)):
        ring[row, column] = 1
    marked, said = filled(modules, "regionOfLabel", ring.shape, ring.ravel().tolist(), 24, "size")
    assert said == {"marked": marked.ravel().tolist(), "count": 5, "touchesBorder": False}


def test_alike_grey_is_within_the_tolerance_of_the_first_pixel(modules: Page) -> None:
    """In a ramp of steps of 10 a tolerance of 20 takes two neighbours on each side."""
    ramp = np.tile(np.arange(0, 100, 10, dtype=np.uint8), (3, 1))
    marked, _ = filled(
        modules, "regionOfGrey", ramp.shape, ramp.ravel().tolist(), 1, 15, "size", 20
    )
    assert np.flatnonzero(marked[0]).tolist() == [3, 4, 5, 6, 7]


def test_alike_colours_are_alike_in_every_channel(modules: Page) -> None:
    """A pixel whose blue alone is far off is not taken."""
    colours = np.full((1, 4, 3), 90, np.uint8)
    colours[0, 2, 2] = 140
    argument = colours.ravel().tolist()
    marked, _ = filled(modules, "regionOfGrey", (1, 4), argument, 3, 0, "size", 20)
    assert marked.tolist() == [[1, 1, 0, 0]]


@pytest.mark.parametrize("seed", range(4))
def test_holes_are_the_background_that_a_class_encloses(modules: Page, seed: int) -> None:
    """The same pixels as SciPy's filling of holes, but for those that other classes hold."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(48, 40)), 1.5)
    labels = np.digitize(noise, [0.03, 0.3]).astype(np.uint8)[:, ::-1] % 3
    expected = ndimage.binary_fill_holes(labels == 1) & (labels == 0)
    marked, said = filled(modules, "holesOf", labels.shape, labels.ravel().tolist(), 1, "size")
    np.testing.assert_array_equal(marked > 0, expected)
    assert said["count"] == expected.sum() > 0
