"""From a mask to lines one pixel wide, and from these to chains of pixels between nodes.

Two pixels are neighbours along a side; along a corner only where no third pixel of the skeleton
joins them by sides, so that a staircase is a line and no row of branch points. A pixel with one
neighbour is an end, one with three or more belongs to a branch point, and branch pixels that
touch are one branch point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Mask

# The corners of a blunt end lie 1.41 radii from where thinning lets it fork.
NEAR_RADII = 1.5
# A line would run around both sides of it.
LARGEST_HOLE_PX = 4

Points = NDArray[np.float64]
"""(N, 2) places as (row, column); pixel centres have whole numbers."""


@dataclass(frozen=True)
class Node:
    """Where chains begin and end: a free end, or a branch point with the radius of its disc.

    The disc is the largest one inside the mask around the pixels of the branch point.
    """

    place: tuple[float, float]
    radius_px: float
    is_branch: bool

    @property
    def kind(self) -> str:
        """What is here, as tables say it."""
        return "branch" if self.is_branch else "end"


@dataclass(frozen=True)
class Chain:
    """Pixels from one node to another, both included; a closed loop has no nodes.

    At a branch point the chain ends in the middle of its pixels. `inner` are the pixels that
    belong to this chain alone.
    """

    places: Points
    inner: NDArray[np.intp]
    start: int | None
    end: int | None

    @property
    def length_px(self) -> float:
        """The sum of steps from pixel to pixel."""
        return float(np.hypot(*np.diff(self.places, axis=0).T).sum())


@dataclass(frozen=True)
class Graph:
    """All chains of a skeleton, the nodes that they refer to, and pixels without a neighbour."""

    nodes: tuple[Node, ...]
    chains: tuple[Chain, ...]
    spots: Points


def skeleton_graph(mask: Mask, radius_px: NDArray[np.float64]) -> Graph:
    """The centre lines of a mask, without what its outline alone adds to them.

    A side branch no longer than 1.5 radii of the disc at its branch point and 1 px is a bump of
    the outline, and is removed; two branch points no farther from each other than that are one.
    So lines that cross have one branch point with four chains; where they cross at less than
    about 45 degrees they run together for a while, and have two.

    Source: thinning after Lee, Kashyap and Chu (1994), "Building skeleton models via 3-D medial
    surface/axis thinning algorithms". That of Zhang and Suen (1984), which scikit-image takes
    where it is asked for none, wears some lines of 45 degrees down to half of their length, or
    to a pixel.
    """
    if not mask.any():
        return Graph((), (), np.empty((0, 2)))
    skeleton = thinned(mask)
    while True:
        graph = trace(skeleton, radius_px)
        bumps = [chain.inner for chain in graph.chains if _is_bump(chain, graph.nodes)]
        if not bumps:
            break
        skeleton[tuple(np.concatenate(bumps).T)] = False
        skeleton = thinned(skeleton)
    bridges = [chain.inner for chain in graph.chains if _is_bridge(chain, graph.nodes)]
    if not bridges:
        return graph
    return trace(skeleton, radius_px, branching=np.concatenate(bridges))


def without_holes(mask: Mask, known: Mask) -> Mask:
    """The mask with holes of a few pixels filled, but for what is not known."""
    from scipy.ndimage import label

    holes, _ = label(~mask)  # neighbours by sides: a mask's neighbours touch by corners too
    sizes = np.bincount(holes.ravel())
    is_small = sizes <= LARGEST_HOLE_PX
    is_small[0] = False
    at_border = np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]])
    is_small[at_border] = False
    return np.asarray(mask | (is_small[holes] & known))


def radii_px(mask: Mask) -> NDArray[np.float64]:
    """(H, W) how far it is to the nearest pixel that is not in the mask, or to the border."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1], np.float64)


def thinned(mask: Mask) -> Mask:
    """The mask worn down to lines one pixel wide, as connected as it was."""
    from skimage.morphology import skeletonize

    return np.asarray(skeletonize(mask, method="lee") > 0, np.bool_)  # type: ignore[no-untyped-call]


def trace(
    skeleton: Mask, radius_px: NDArray[np.float64], branching: NDArray[np.intp] | None = None
) -> Graph:
    """The chains of a skeleton; `branching` are pixels that count as branch points too."""
    pixels = np.argwhere(skeleton)
    beside = _neighbours(skeleton, pixels)
    degree = np.asarray([len(each) for each in beside], np.intp)
    is_branch = degree >= 3
    if branching is not None:
        number = np.full(skeleton.shape, -1, np.intp)
        number[tuple(pixels.T)] = np.arange(len(pixels))
        is_branch[number[tuple(branching.T)]] = True
    node_of, nodes = _nodes(pixels, beside, is_branch, degree, radius_px)
    chains = _chains_between(pixels, beside, node_of, nodes)
    on_chains = {at for walk in chains for at in walk}
    loops = _loops(beside, node_of, on_chains)
    found = [_chain(walk, pixels, node_of, nodes) for walk in chains]
    found += [_loop(walk, pixels) for walk in loops]
    return Graph(tuple(nodes), tuple(found), pixels[degree == 0].astype(np.float64))


def _is_bump(chain: Chain, nodes: tuple[Node, ...]) -> bool:
    if chain.start is None or chain.end is None:
        return False
    ends = nodes[chain.start], nodes[chain.end]
    branches = [node for node in ends if node.is_branch]
    return len(branches) == 1 and chain.length_px <= NEAR_RADII * branches[0].radius_px + 1


def _is_bridge(chain: Chain, nodes: tuple[Node, ...]) -> bool:
    if chain.start is None or chain.end is None or chain.start == chain.end:
        return False
    ends = nodes[chain.start], nodes[chain.end]
    radius_px = max(node.radius_px for node in ends)
    return all(node.is_branch for node in ends) and chain.length_px <= NEAR_RADII * radius_px + 1


def _neighbours(skeleton: Mask, pixels: NDArray[np.intp]) -> list[list[int]]:
    """For each pixel the numbers of those that it is joined with."""
    number = np.full((skeleton.shape[0] + 2, skeleton.shape[1] + 2), -1, np.intp)
    rows, columns = pixels.T + 1
    number[rows, columns] = np.arange(len(pixels))
    beside: list[list[int]] = [[] for _ in range(len(pixels))]
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        others = number[rows + down, columns + right]
        is_joined = others >= 0
        if down and right:
            is_joined &= (number[rows + down, columns] < 0) & (number[rows, columns + right] < 0)
        joined = np.flatnonzero(is_joined).tolist()
        for at, other in zip(joined, others[is_joined].tolist(), strict=True):
            beside[at].append(other)
            beside[other].append(at)
    return beside


def _nodes(
    pixels: NDArray[np.intp],
    beside: list[list[int]],
    is_branch: NDArray[np.bool_],
    degree: NDArray[np.intp],
    radius_px: NDArray[np.float64],
) -> tuple[dict[int, int], list[Node]]:
    """Which node a pixel belongs to, and the nodes."""
    node_of: dict[int, int] = {}
    nodes: list[Node] = []
    for first in np.flatnonzero(is_branch).tolist():
        if first in node_of:
            continue
        node_of[first] = len(nodes)
        group = [first]
        for at in group:  # grows while it is walked
            for other in beside[at]:
                if is_branch[other] and other not in node_of:
                    node_of[other] = len(nodes)
                    group.append(other)
        row, column = pixels[group].mean(axis=0)
        radius = float(radius_px[tuple(pixels[group].T)].max())
        nodes.append(Node((float(row), float(column)), radius, True))
    for at in np.flatnonzero((degree == 1) & ~is_branch).tolist():
        node_of[at] = len(nodes)
        row, column = pixels[at]
        nodes.append(Node((float(row), float(column)), float(radius_px[row, column]), False))
    return node_of, nodes


def _chains_between(
    pixels: NDArray[np.intp],
    beside: list[list[int]],
    node_of: dict[int, int],
    nodes: list[Node],
) -> list[list[int]]:
    """Walks from node to node along pixels of two neighbours, each walked once."""
    walks = []
    done: set[tuple[int, int]] = set()
    for first, node in node_of.items():
        for second in beside[first]:
            is_inside = node_of.get(second) == node and nodes[node].is_branch
            if is_inside or (first, second) in done:
                continue
            walk = [first, second]
            while walk[-1] not in node_of:
                before, here = walk[-2:]
                walk.append(next(other for other in beside[here] if other != before))
            done |= {(walk[0], walk[1]), (walk[-1], walk[-2])}
            walks.append(walk)
    return walks


def _loops(
    beside: list[list[int]], node_of: dict[int, int], on_chains: set[int]
) -> list[list[int]]:
    """Closed walks that meet no node."""
    done = set(on_chains)
    loops = []
    for first, others in enumerate(beside):
        if first in done or first in node_of or not others:
            continue
        walk = [first, others[0]]
        while walk[-1] != first:
            before, here = walk[-2:]
            walk.append(next(other for other in beside[here] if other != before))
        done |= set(walk)
        loops.append(walk)
    return loops


def _chain(
    walk: list[int], pixels: NDArray[np.intp], node_of: dict[int, int], nodes: list[Node]
) -> Chain:
    start, end = node_of[walk[0]], node_of[walk[-1]]
    places = pixels[walk].astype(np.float64)
    places[0], places[-1] = nodes[start].place, nodes[end].place
    inner = [at for at in walk if at not in node_of or not nodes[node_of[at]].is_branch]
    return Chain(places, pixels[inner], start, end)


def _loop(walk: list[int], pixels: NDArray[np.intp]) -> Chain:
    return Chain(pixels[walk].astype(np.float64), pixels[walk[:-1]], None, None)
