"""All that is measured of the vessels in one mask."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Mask
from delineate.structure.centreline import PIXELS, Spacing, smoothed
from delineate.structure.skeleton import (
    Chain,
    Graph,
    Points,
    radii_px,
    skeleton_graph,
    without_holes,
)
from delineate.structure.widths import Ground, Values, depth_px, mean_along, widths_across


@dataclass(frozen=True)
class Segment:
    """A vessel between two branch points or free ends.

    `points` are (N, 2) places about a pixel apart along its centre line, each the middle of a
    piece of the same length. Widths are those at the points, NaN where they cannot be measured;
    radii are how far it is to the nearest pixel outside. What is in mm is None where the spacing
    is not known. `start` and `end` say what is there: "branch", "end", or "loop" of a closed line.
    """

    points: Points
    length_px: float
    chord_px: float
    widths_px: Values
    radii_px: Values
    start: str
    end: str
    length_mm: float | None = None
    chord_mm: float | None = None
    widths_mm: Values | None = None

    @property
    def tortuosity(self) -> float | None:
        """Length over chord, 1 of a straight line; None of a loop."""
        return None if self.chord_px < 1 else self.length_px / self.chord_px

    @property
    def step_px(self) -> float:
        """How much of the length each point stands for."""
        return self.length_px / len(self.points)


@dataclass(frozen=True)
class Structure:
    """The vessels of one mask: segments, where they branch and end, and single spots."""

    segments: tuple[Segment, ...]
    branch_points: Points
    end_points: Points
    spots: Points
    area_px: int
    size_px: tuple[int, int]
    spacing_mm: Spacing | None = None


def measure_structure(
    mask: Mask, known: Mask | None = None, *, spacing_mm: Spacing | None = None
) -> Structure:
    """The structure of the vessels in a mask; what is not known belongs to none.

    A mask that is empty has no segment. A hole of at most 4 px counts as vessel, but for its
    area: no two vessels lie about it. `spacing_mm` is the height and width of a pixel.
    """
    known = np.ones(mask.shape, np.bool_) if known is None else known
    vessels = without_holes(mask & known, known)
    radius_px = radii_px(vessels)
    graph = skeleton_graph(vessels, radius_px)
    ground = Ground.of(vessels, known, radius_px)
    segments = tuple(_segment(chain, graph, ground, spacing_mm) for chain in graph.chains)
    return Structure(
        segments,
        _places(graph, is_branch=True),
        _places(graph, is_branch=False),
        graph.spots,
        int((mask & known).sum()),
        (mask.shape[0], mask.shape[1]),
        spacing_mm,
    )


def _places(graph: Graph, *, is_branch: bool) -> Points:
    found = [node.place for node in graph.nodes if node.is_branch == is_branch]
    return np.asarray(found, np.float64).reshape(-1, 2)


def _segment(chain: Chain, graph: Graph, ground: Ground, spacing_mm: Spacing | None) -> Segment:
    is_closed = chain.start is None
    ends = [None if at is None else graph.nodes[at] for at in (chain.start, chain.end)]
    line = smoothed(chain.places, is_closed=is_closed)
    # The centre line of a blunt end stops half a width before it.
    before, after = (
        0.0
        if node is None or node.is_branch
        else depth_px(line.corners[at], line.outwards(at), ground)
        for at, node in zip((0, -1), ends, strict=True)
    )
    line = line.extended(before=before, after=after)
    points, directions = line.sampled()
    way_px = (np.arange(len(points)) + 0.5) / len(points) * line.length()
    is_apart = (way_px >= before) & (way_px <= line.length() - after)
    for node in (node for node in ends if node is not None):
        is_apart &= np.hypot(*(points - node.place).T) >= node.radius_px

    def widths(spacing: Spacing) -> Values:
        across = widths_across(points, directions, ground, spacing=spacing)
        return mean_along(np.where(is_apart, across, np.nan), is_closed=is_closed)

    start, end = ("loop" if node is None else node.kind for node in ends)
    segment = Segment(
        points,
        line.length(),
        line.chord(),
        widths(PIXELS),
        ground.radii_at(points),
        start,
        end,
    )
    if spacing_mm is None:
        return segment
    return replace(
        segment,
        length_mm=line.length(spacing_mm),
        chord_mm=line.chord(spacing_mm),
        widths_mm=widths(spacing_mm),
    )


@dataclass(frozen=True)
class PointTable:
    """The points of all segments below each other, and the length that each stands for."""

    places: Points
    segment: NDArray[np.intp]
    step_px: Values
    widths_px: Values
    radii_px: Values
    widths_mm: Values | None


def point_table(structure: Structure) -> PointTable:
    """Every point of a structure; without segments all columns are empty."""
    segments = structure.segments
    counts = [len(each.points) for each in segments]

    def joined(columns: list[Values]) -> Values:
        return np.concatenate(columns) if columns else np.empty(0)

    has_mm = structure.spacing_mm is not None
    return PointTable(
        np.vstack([np.empty((0, 2)), *(each.points for each in segments)]),
        np.repeat(np.arange(len(segments)), counts),
        np.repeat(np.asarray([each.step_px for each in segments], np.float64), counts),
        joined([each.widths_px for each in segments]),
        joined([each.radii_px for each in segments]),
        joined([each.widths_mm for each in segments if each.widths_mm is not None])
        if has_mm
        else None,
    )
