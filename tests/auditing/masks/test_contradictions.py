"""Masks of copies on one grid."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from delineate.auditing.copies.records import Matrix, Pair, TwinGroup
from delineate.auditing.masks import contradictions
from delineate.auditing.masks.contradictions import (
    compare_pairs,
    group_masks,
    laid,
    masks_of_groups,
)
from delineate.auditing.pictures.orientation import (
    ORIENTATIONS,
    inverse,
    orientation_matrix,
    oriented,
    oriented_size,
)
from delineate.core.errors import UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import IGNORE, Labels

NAMES = sorted(ORIENTATIONS)
SAME: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def ellipse(size_px: Size = (60, 80)) -> Labels:
    """A mask of one object that has no symmetry."""
    labels = np.zeros(size_px, np.uint8)
    cv2.ellipse(labels, (30, 25), (18, 9), 20, 0, 300, 1, -1)
    return labels


def as_matrix(array: np.ndarray) -> Matrix:
    """Row by row."""
    a, b, c, d, e, f = map(float, np.asarray(array).ravel())
    return (a, b, c, d, e, f)


def group(*matrices: Matrix) -> TwinGroup:
    """A group of as many members, the first mapped on itself."""
    return TwinGroup(tuple(range(len(matrices) + 1)), (), (SAME, *matrices))


@given(
    name=st.sampled_from(NAMES),
    labels=hnp.arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7))),
)
def test_turned_masks_are_laid_to_the_pixel(name: str, labels: Labels) -> None:
    """A mask whose picture was flipped or turned comes back as it was, each pixel known."""
    copy = np.ascontiguousarray(oriented(labels, name))
    matrix = orientation_matrix(inverse(name), oriented_size(labels.shape, name))
    np.testing.assert_array_equal(laid(copy, matrix, labels.shape), labels)


@pytest.mark.parametrize("name", NAMES)
def test_a_turned_copy_differs_by_one_pixel(name: str) -> None:
    """One changed pixel of a turned copy is one differing pixel, and a minor contradiction."""
    first = ellipse()
    second = oriented(first, name).copy()
    matrix = as_matrix(orientation_matrix(inverse(name), second.shape))
    clean = group_masks(group(matrix), [first, second].__getitem__, size_px=first.shape)
    assert not clean.is_contradictory
    second[0, 0] = 1
    found = group_masks(group(matrix), [first, second].__getitem__, size_px=first.shape)
    assert found.comparisons[0, 1].differing_px == 1
    assert found.is_contradictory
    assert found.is_minor


def test_maps_that_nearly_take_pixels_to_pixels_count_as_exact() -> None:
    """An estimated shift that misses whole pixels by a hundredth leaves no tolerance."""
    first = ellipse()
    second = np.roll(first, (3, -5), axis=(0, 1))
    second[28, 25] = 0  # row 28 - 3, column 25 + 5 of the first
    matrix = (1.0, 0.0, -5.01, 0.0001, 1.0, 3.01)
    found = group_masks(group(matrix), [first, second].__getitem__, size_px=first.shape)
    (only,) = found.comparisons.values()
    assert only.differing_px == only.unexplained_px == 1
    assert found.is_contradictory
    laid_second = found.labels[1]
    assert laid_second is not None
    assert (laid_second[-3:] == IGNORE).all()
    assert (laid_second[:, :5] == IGNORE).all()
    assert only.compared_px == 57 * 75


@pytest.mark.parametrize("scale", [0.5, 0.73, 2.0])
def test_resized_masks_agree(scale: float) -> None:
    """A copy whose mask was resized with its image does not contradict the first one."""
    first = ellipse()
    size = (round(60 * scale), round(80 * scale))
    second = cv2.resize(first, size[::-1], interpolation=cv2.INTER_NEAREST)
    down, right = size[0] / 60, size[1] / 80
    matrix = (right, 0.0, (right - 1) / 2, 0.0, down, (down - 1) / 2)
    found = group_masks(group(matrix), [first, second].__getitem__, size_px=first.shape)
    assert not found.is_contradictory
    assert found.mean_dice[0, 1] > 0.85
    shifted = np.roll(second, round(9 * scale), axis=1)
    other = group_masks(group(matrix), [first, shifted].__getitem__, size_px=first.shape)
    assert other.is_contradictory
    assert not other.is_minor


def test_copies_of_a_resampled_copy_are_compared_to_the_pixel() -> None:
    """Two members that lie on each other have no tolerance, though both were resampled."""
    first = ellipse()
    second = cv2.resize(first, (40, 30), interpolation=cv2.INTER_NEAREST)
    third = second.copy()
    third[12, 15] = 0
    half = (0.5, 0.0, -0.25, 0.0, 0.5, -0.25)
    found = group_masks(group(half, half), [first, second, third].__getitem__, size_px=(60, 80))
    assert not found.comparisons[0, 1].is_contradictory
    assert found.comparisons[1, 2].is_contradictory
    assert found.comparisons[1, 2].unexplained_px == found.comparisons[1, 2].differing_px == 4


def test_members_without_a_usable_mask_are_left_out() -> None:
    """A member without a mask or with an unreadable one is not compared, the others are."""
    first = ellipse()

    def read(position: int) -> Labels | None:
        if position == 1:
            raise UnreadableFileError("broken.tif: not an image")
        return None if position == 2 else first

    found = group_masks(group(SAME, SAME, SAME), read, size_px=first.shape)
    assert found.labelled == (0, 3)
    assert list(found.comparisons) == [(0, 3)]
    assert not found.is_contradictory
    assert not found.is_minor
    assert np.isnan(found.mean_dice[0, 1])
    alone = group_masks(group(SAME), lambda p: first if p == 0 else None, size_px=first.shape)
    assert alone.comparisons == {}
    assert alone.reachable == {}
    assert alone.worst_first == ()


def test_matrices_of_agreement_and_the_worst_two() -> None:
    """Dice by class, over classes and of the foreground; the worst pair is the least alike."""
    first = np.array([[1, 1, 2, 0]], np.uint8)
    second = np.array([[1, 1, 0, 0]], np.uint8)
    third = np.array([[0, 0, 1, 1]], np.uint8)
    read = [first, second, third].__getitem__
    found = group_masks(group(SAME, SAME), read, size_px=(1, 4))
    assert found.dice[1][0, 1] == 1.0
    assert found.dice[2][0, 1] == 0.0
    assert np.isnan(found.dice[2][1, 2])
    assert found.mean_dice[1, 0] == 0.5
    assert found.foreground_dice[0, 1] == pytest.approx(0.8)
    assert found.worst_first == ((1, 2), (0, 2), (0, 1))
    assert found.reachable["dice"].lower <= found.reachable["dice"].upper < 1


def test_large_groups_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first different masks of a large group are compared; the others are counted."""
    monkeypatch.setattr(contradictions, "MOST_COMPARED", 2)
    masks = [np.full((6, 6), 0, np.uint8) for _ in range(5)]
    for place, mask in enumerate(masks[:4]):
        mask[place] = 1
    masks[4][:] = masks[0]
    many = TwinGroup(tuple(range(5)), (), (SAME,) * 5)
    found = group_masks(many, masks.__getitem__, size_px=(6, 6))
    assert found.labelled == (0, 1, 4)
    assert found.left_out == 2
    assert found.reachable == {}


def test_groups_come_in_their_order() -> None:
    """Many groups are read side by side and handed on one after the other."""
    masks = [np.full((2, 3), k % 2, np.uint8) for k in range(40)]
    groups = [TwinGroup((k, k + 1), (), (SAME, SAME)) for k in range(0, 40, 2)]
    found = list(masks_of_groups(groups, masks.__getitem__, size_of=lambda _: (2, 3)))
    assert [each.group for each in found] == groups
    assert all(each.is_contradictory for each in found)


@given(
    masks=hnp.arrays(np.uint8, (5, 4, 4), elements=st.integers(0, 1)),
    links=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from(NAMES)), max_size=12
    ),
)
def test_pairs_are_compared_in_their_orientation(
    masks: np.ndarray, links: list[tuple[int, int, str]]
) -> None:
    """Each pair differs by as many pixels as its first mask and its second one turned."""
    pairs = [Pair(i, j, name, 0.0, 16) for i, j, name in links]
    found = compare_pairs(pairs, masks.__getitem__)
    for pair, each in zip(pairs, found, strict=True):
        turned = oriented(masks[pair.second], pair.orientation)
        assert each is not None
        assert each.differing_px == np.count_nonzero(masks[pair.first] != turned)


def test_pairs_without_masks_have_no_comparison() -> None:
    """A pair of which one has no mask is None in its place; each mask is read once."""
    masks: Mapping[int, Labels | None] = {0: ellipse(), 1: None, 2: ellipse()}
    asked = []

    def read(position: int) -> Labels | None:
        asked.append(position)
        return masks[position]

    pairs = [Pair(*ends, "as it is", 0.0, 4800) for ends in ((1, 2), (0, 2), (0, 1))]
    found = compare_pairs(pairs, read)
    assert [each is None for each in found] == [True, False, True]
    assert sorted(asked) == [0, 1, 2]


def test_many_copies_of_few_masks_are_all_compared() -> None:
    """However many copies agree, masks that contradict them are told and count in the bound."""
    square, other = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    square[2:8, 2:8], other[12:18, 12:18] = 1, 1
    masks = [square] * 40 + [other] * 10
    same = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    group = TwinGroup(tuple(range(50)), (), (same,) * 50)
    found = group_masks(group, lambda position: masks[position].copy(), size_px=(20, 20))
    assert found.is_contradictory
    assert found.left_out == 0
    assert len(found.labelled) == 50
    assert found.reachable["dice"].upper == pytest.approx(0.8)


def test_nothing_is_claimed_of_what_a_crop_hides() -> None:
    """Where a copy does not show what another has labelled, a mask may be right for both."""
    whole = np.zeros((40, 40), np.uint8)
    whole[:, :6] = 1  # lies outside of the crop
    whole[20:24, 20:24] = 1
    empty = np.zeros((30, 30), np.uint8)
    crop = (1.0, 0.0, -10.0, 0.0, 1.0, -10.0)
    group = TwinGroup((0, 1), (), ((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), crop))
    found = group_masks(group, lambda position: (whole, empty)[position], size_px=(40, 40))
    assert found.is_contradictory
    assert not found.is_whole
    assert found.reachable == {}
    inside = np.zeros((40, 40), np.uint8)
    inside[20:24, 20:24] = 1
    found = group_masks(group, lambda position: (inside, empty)[position], size_px=(40, 40))
    assert found.is_whole
    assert found.reachable["dice"].upper == 0.5
