"""The masks of copies, brought to one grid and compared."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.records import Matrix, Pair, TwinGroup
from delineate.auditing.masks.mask_comparison import Comparison, compare
from delineate.auditing.masks.reachable import DICE, IOU, Reachable, reachable
from delineate.auditing.pictures.orientation import oriented
from delineate.core.errors import DelineateError
from delineate.core.geometry import Size
from delineate.core.progress import SILENT, Progress, track
from delineate.core.types import IGNORE, Labels
from delineate.data.parallel import in_threads

ReadLabels = Callable[[int], Labels | None]

MOST_COMPARED = 32
SNAP_PX = 0.05
_KEPT = 64  # label maps kept while pairs are compared


@dataclass(frozen=True)
class GroupMasks:
    """The masks of a group of copies on the grid of its first member, and how they agree.

    `labels` has an entry for each member: None without a usable mask, or beyond the first
    `MOST_COMPARED` different ones; `IGNORE` where a member does not show what the first shows.
    `comparisons` goes from two places in the group, the smaller first, to how their masks
    agree; pairs that know no pixel in common are absent, and of equal masks only the first is
    compared. `left_out` counts masks not compared. `is_whole` says that all masks were, and that
    every member shows all that is labelled in any.
    """

    group: TwinGroup
    size_px: Size
    labels: tuple[Labels | None, ...] = field(repr=False)
    comparisons: Mapping[tuple[int, int], Comparison]
    left_out: int = 0
    is_whole: bool = True
    is_overlapping: bool = False

    @property
    def labelled(self) -> tuple[int, ...]:
        """Places in the group of the members that were compared."""
        return tuple(place for place, each in enumerate(self.labels) if each is not None)

    @property
    def is_contradictory(self) -> bool:
        """Whether any two masks contradict each other."""
        return any(each.is_contradictory for each in self.comparisons.values())

    @property
    def is_minor(self) -> bool:
        """Whether there is a contradiction, and none but minor ones."""
        found = [each for each in self.comparisons.values() if each.is_contradictory]
        return bool(found) and all(each.is_minor for each in found)

    @property
    def worst_first(self) -> tuple[tuple[int, int], ...]:
        """Every two places that were compared, those whose masks agree least first."""

        def agreement(pair: tuple[int, int]) -> tuple[float, float, int]:
            found = self.comparisons[pair]
            return found.least_dice, found.foreground_dice, -found.differing_px

        return tuple(sorted(self.comparisons, key=agreement))

    @cached_property
    def foreground_dice(self) -> NDArray[np.float64]:
        """(n, n) Dice of all foreground of each two members, NaN where not compared."""
        return self._matrix({pair: each.foreground_dice for pair, each in self.comparisons.items()})

    @cached_property
    def mean_dice(self) -> NDArray[np.float64]:
        """(n, n) mean Dice over classes of each two members, NaN where not compared."""
        return self._matrix({pair: each.mean_dice for pair, each in self.comparisons.items()})

    @cached_property
    def dice(self) -> dict[int, NDArray[np.float64]]:
        """(n, n) Dice of each two members by class, NaN where neither of them holds it."""
        classes = sorted({index for each in self.comparisons.values() for index in each.dice})
        return {
            index: self._matrix(
                {p: each.dice[index] for p, each in self.comparisons.items() if index in each.dice}
            )
            for index in classes
        }

    @cached_property
    def reachable(self) -> Mapping[str, Reachable]:
        """Best mean Dice and IoU of any one mask; empty where nothing can be claimed.

        That is with fewer than two masks, with masks that were not compared, and where one
        member does not show what is labelled in another: there a mask may be right for each.
        """
        if not self.is_whole:
            return {}
        known = [self.labels[place] for place in self.labelled]
        usable = [each for each in known if each is not None]
        if len(usable) < 2:
            return {}
        found = {
            score: reachable(usable, score, is_overlapping=self.is_overlapping)
            for score in (DICE, IOU)
        }
        return {score: each for score, each in found.items() if each is not None}

    def _matrix(self, values: Mapping[tuple[int, int], float]) -> NDArray[np.float64]:
        matrix = np.full((len(self.labels), len(self.labels)), np.nan)
        for (first, second), value in values.items():
            matrix[first, second] = matrix[second, first] = value
        return matrix


def group_masks(
    group: TwinGroup, read: ReadLabels, *, size_px: Size, is_overlapping: bool = False
) -> GroupMasks:
    """The group's masks, each laid on the first member's grid of `size_px`, and compared.

    `read` gives the labels at a place in the gallery, None where there are none; a mask that
    it cannot read counts as none, for that is a finding of its own.
    """
    matrices = [snapped(matrix, size_px) for matrix in group.matrices]
    labels: list[Labels | None] = []
    firsts: dict[tuple[bytes, bytes], int] = {}  # mask and map -> the first place that has them
    left_out, is_whole = 0, True
    for place, (position, (matrix, _)) in enumerate(zip(group.members, matrices, strict=True)):
        own = _labels_or_none(read, position)
        there = None if own is None else laid(own, matrix, size_px)
        if own is not None and there is not None:
            key = (_digest(there), matrix.tobytes())
            if key not in firsts and len(firsts) == MOST_COMPARED:
                left_out, there = left_out + 1, None
            else:
                is_whole &= not _hides_foreground(own, matrix, size_px)
                # Equal masks are one array: hundreds of copies need no more room than one.
                there = labels[firsts[key]] if key in firsts else there
                firsts.setdefault(key, place)
        labels.append(there)
    comparisons = {}
    for i, j in _pairs_of(list(firsts.values()), labels):
        first, second = labels[i], labels[j]
        if first is not None and second is not None:
            found = compare(
                first,
                second,
                tolerance_px=_tolerance_px(matrices[i], matrices[j]),
                is_overlapping=is_overlapping,
            )
            if found is not None:
                comparisons[i, j] = found
    is_whole &= not left_out and not _is_partly_hidden(labels)
    return GroupMasks(
        group, size_px, tuple(labels), comparisons, left_out, is_whole, is_overlapping
    )


def _pairs_of(firsts: Sequence[int], labels: Sequence[Labels | None]) -> list[tuple[int, int]]:
    """Every two different masks; where all are equal, the first two that there are."""
    if len(firsts) > 1:
        return list(combinations(firsts, 2))
    known = [place for place, each in enumerate(labels) if each is not None]
    return [(known[0], known[1])] if len(known) > 1 else []


def _digest(labels: Labels) -> bytes:
    return sha256(labels.tobytes()).digest()


def _hides_foreground(own: Labels, matrix: NDArray[np.float64], size_px: Size) -> bool:
    """Whether a member's mask holds something that the first member does not show."""
    if own.shape == size_px and np.array_equal(matrix, np.eye(2, 3)):
        return False
    back = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
    shown = laid(np.zeros(size_px, np.uint8), back, (own.shape[0], own.shape[1])) != IGNORE
    return bool(np.any((own != 0) & (own != IGNORE) & ~shown))


def _is_partly_hidden(labels: Sequence[Labels | None]) -> bool:
    """Whether any mask holds something, on the first one's grid, that another does not know."""
    different = {id(each): each for each in labels if each is not None}.values()
    drawn = [(each != 0) & (each != IGNORE) for each in different]
    return any(np.any(one & (each == IGNORE)) for one in drawn for each in different)


def masks_of_groups(
    groups: Sequence[TwinGroup],
    read: ReadLabels,
    *,
    size_of: Callable[[int], Size],
    is_overlapping: bool = False,
    progress: Progress = SILENT,
) -> Iterator[GroupMasks]:
    """`group_masks` of each group in turn, read by several threads; few are held at a time.

    `size_of` gives the size of the image at a place in the gallery.
    """

    def work(group: TwinGroup) -> GroupMasks:
        size_px = size_of(group.members[0])
        return group_masks(group, read, size_px=size_px, is_overlapping=is_overlapping)

    for _, found in in_threads(work, groups, label="comparing masks", progress=progress):
        if isinstance(found, DelineateError):
            raise found
        yield found


def compare_pairs(
    pairs: Sequence[Pair],
    read: ReadLabels,
    *,
    is_overlapping: bool = False,
    progress: Progress = SILENT,
) -> tuple[Comparison | None, ...]:
    """For each pair how its masks agree, the second in the pair's orientation, to the pixel.

    None where one of them has no usable mask.
    """
    found: dict[int, Comparison | None] = {}
    kept: OrderedDict[int, tuple[Labels, bytes] | None] = OrderedDict()
    # Frames that are all alike make pairs without number, of few different masks.
    known: dict[tuple[bytes, bytes, str], Comparison | None] = {}

    def labels(position: int) -> tuple[Labels, bytes] | None:
        if position not in kept:
            own = _labels_or_none(read, position)
            kept[position] = None if own is None else (own, _digest(own))
        kept.move_to_end(position)
        if len(kept) > _KEPT:
            kept.popitem(last=False)
        return kept[position]

    places = sorted(range(len(pairs)), key=lambda p: (pairs[p].first, pairs[p].second))
    for place in track(places, "comparing masks of pairs", progress):
        pair = pairs[place]
        first, second = labels(pair.first), labels(pair.second)
        if first is None or second is None:
            found[place] = None
            continue
        key = (first[1], second[1], pair.orientation)
        if key not in known:
            turned = oriented(second[0], pair.orientation)
            known[key] = compare(first[0], turned, is_overlapping=is_overlapping)
        found[place] = known[key]
    return tuple(found[place] for place in range(len(pairs)))


def laid(labels: Labels, matrix: NDArray[np.float64], size_px: Size) -> Labels:
    """The labels on a grid of `size_px` whose pixel centres `matrix` takes to theirs.

    Each pixel takes the nearest label; `IGNORE` where the labels show nothing of it.
    """
    if labels.shape == size_px and np.array_equal(matrix, np.eye(2, 3)):
        return labels
    warped = cv2.warpAffine(
        labels,
        matrix,
        size_px[::-1],
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=IGNORE,
    )
    return np.asarray(warped, dtype=np.uint8)


def _labels_or_none(read: ReadLabels, position: int) -> Labels | None:
    try:
        return read(position)
    except DelineateError:
        return None


def snapped(
    matrix: Matrix | NDArray[np.float64], size_px: Size
) -> tuple[NDArray[np.float64], bool]:
    """The (2, 3) map, and whether it takes pixels to pixels: then it is in whole numbers.

    Estimated maps that miss whole numbers by less than `SNAP_PX` anywhere are taken for them.
    """
    own = np.array(matrix, dtype=np.float64).reshape(2, 3)
    whole = np.rint(own)
    is_turn = np.array_equal(np.abs(whole[:, :2]).sum(axis=0), [1, 1]) and np.array_equal(
        np.abs(whole[:, :2]).sum(axis=1), [1, 1]
    )
    height, width = size_px
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    if is_turn and np.abs((own - whole) @ corners).max() < SNAP_PX:
        return whole, True
    return own, False


def _tolerance_px(
    first: tuple[NDArray[np.float64], bool], second: tuple[NDArray[np.float64], bool]
) -> float:
    """How far edges of a class may lie apart for no other reason than resampling.

    On each side that was resampled one pixel for the fit, and one of the coarser grid for
    taking the nearest label. None where both sides were read off in the same way.
    """
    if np.allclose(first[0], second[0], rtol=0, atol=1e-9):
        return 0.0
    return sum(
        0.0 if is_exact else 1 + max(1.0, _step_px(own)) for own, is_exact in (first, second)
    )


def _step_px(matrix: NDArray[np.float64]) -> float:
    """How many pixels of the first member's grid one of this member's is wide."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    return 1 / scale if scale > 0 else np.inf
