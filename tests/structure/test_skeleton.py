"""Skeletons keep what the mask joins, and the graph counts what a person would count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import label

from delineate.structure.skeleton import radii_px, skeleton_graph, thinned, without_holes

SIDES_AND_CORNERS = np.ones((3, 3))


def graph_of(mask):
    """The graph of a mask."""
    return skeleton_graph(mask, radii_px(mask))


def counts(mask):
    """Chains, branch points, free ends and spots of a mask."""
    graph = graph_of(mask)
    branches = sum(node.is_branch for node in graph.nodes)
    return len(graph.chains), branches, len(graph.nodes) - branches, len(graph.spots)


def drawn(*rows):
    """A mask from text: # is vessel."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_an_empty_mask_has_no_graph():
    """Nothing comes of nothing."""
    assert counts(np.zeros((7, 9), bool)) == (0, 0, 0, 0)


def test_a_staircase_is_one_line():
    """Corners of a thin line are no branch points."""
    mask = drawn("##.....", ".##....", "..###..", "....##.", ".....##")
    assert counts(np.pad(mask, 3)) == (1, 0, 2, 0)


def test_a_pixel_alone_is_a_spot():
    """A line of no length has no segment, and is counted apart."""
    assert counts(np.pad(np.ones((1, 1), bool), 4)) == (0, 0, 0, 1)


@pytest.mark.parametrize("width_px", [1, 2, 3, 5, 6])
def test_a_fork_has_one_branch_point(width_px):
    """Three arms of any width meet in one point."""
    mask = np.zeros((80, 80), bool)
    mask[40 : 40 + width_px, 5:75] = True
    mask[5:41, 30 : 30 + width_px] = True
    assert counts(mask) == (3, 1, 3, 0)


@pytest.mark.parametrize("width_px", [1, 3, 4, 7])
def test_a_crossing_is_one_branch_point(line, width_px):
    """Four arms meet in one point, though thinning lets two and two of them meet."""
    assert counts(line(90, 20, width_px, 70) | line(90, 80, width_px, 70)) == (4, 1, 4, 0)


def test_lines_that_cross_at_a_sharp_angle_run_together(line):
    """At 30 degrees two lines are one for a while, between two branch points."""
    assert counts(line(90, 10, 5, 80) | line(90, 40, 5, 80)) == (5, 2, 4, 0)


def test_a_ring_is_a_loop(ring):
    """A closed line has neither ends nor branch points, and comes back to where it began."""
    mask = ring(60, 20, 3)
    assert counts(mask) == (1, 0, 0, 0)
    (chain,) = graph_of(mask).chains
    assert chain.start is None
    assert (chain.places[0] == chain.places[-1]).all()


def test_a_ring_on_a_stem_is_a_chain_from_a_point_to_itself(ring):
    """A loop that meets a line begins and ends at one branch point."""
    mask = ring(80, 15, 3)
    mask[40:42, 54:78] = True
    graph = graph_of(mask)
    assert counts(mask) == (2, 1, 1, 0)
    assert any(chain.start == chain.end for chain in graph.chains)


@given(
    width_px=st.sampled_from([1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6]),
    degrees=st.sampled_from([0, 22.5, 44, 45, 46, 90, 135]) | st.floats(0, 180),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
)
@settings(max_examples=60, deadline=None)
def test_no_line_is_worn_away(line, width_px, degrees, shift):
    """Lines of any slope keep their length; the thinning that most programs use loses some."""
    mask = line(90, degrees, width_px, 60, shift=shift)
    if label(mask, SIDES_AND_CORNERS)[1] != 1:
        return  # thinner than the pixels are apart
    (chain,) = graph_of(mask).chains
    assert 60 - width_px - 5 < np.hypot(*(chain.places[-1] - chain.places[0])) < 62


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
@settings(max_examples=200, deadline=None)
def test_thinning_joins_and_parts_nothing(mask):
    """A skeleton lies in its mask and has as many pieces."""
    skeleton = thinned(mask)
    assert not (skeleton & ~mask).any()
    assert label(skeleton, SIDES_AND_CORNERS)[1] == label(mask, SIDES_AND_CORNERS)[1]


@given(arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14))))
@settings(max_examples=200, deadline=None)
def test_every_piece_is_a_chain_or_a_spot(mask):
    """Whatever the mask, no piece of it is lost, and chains name nodes that are there."""
    graph = graph_of(mask)
    pieces, _ = label(mask, SIDES_AND_CORNERS)
    found = {pieces[tuple(np.rint(chain.places[0]).astype(int))] for chain in graph.chains}
    found |= {pieces[tuple(place.astype(int))] for place in graph.spots}
    assert len(found - {0}) <= pieces.max() <= len(graph.chains) + len(graph.spots)
    for chain in graph.chains:
        assert {chain.start, chain.end} <= {None, *range(len(graph.nodes))}


def test_a_bump_of_the_outline_is_no_branch():
    """What juts out by a pixel is left out; what juts out by more than a width is a vessel."""
    mask = np.zeros((60, 90), bool)
    mask[30:37, 5:85] = True
    mask[28:30, 45:47] = True
    assert counts(mask) == (1, 0, 2, 0)
    mask[18:30, 45:47] = True
    assert counts(mask) == (3, 1, 3, 0)


def test_small_holes_are_filled_and_larger_ones_are_not():
    """A hole of 4 px is filled, one of 6 px is not, nor one where nothing is known."""
    mask = np.ones((20, 30), bool)
    mask[5:7, 5:7] = False
    mask[5:7, 12:15] = False
    mask[15, 15] = False
    known = np.ones(mask.shape, bool)
    known[15, 15] = False
    filled = without_holes(mask, known)
    assert filled[5:7, 5:7].all()
    assert not filled[5:7, 12:15].any()
    assert not filled[15, 15]
    assert without_holes(np.pad(mask, 1)[1:], np.ones((21, 32), bool))[5, 6]


def test_what_is_open_to_the_border_is_no_hole():
    """A notch at the edge of the image stays."""
    mask = np.ones((9, 9), bool)
    mask[0, 4] = False
    assert not without_holes(mask, np.ones_like(mask))[0, 4]
