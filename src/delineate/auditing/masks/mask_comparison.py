"""Two masks of one picture: how far they agree, and whether they contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.masks.joint_labels import box_of, joint_labels
from delineate.core.overlapping import classes_in, is_class
from delineate.core.types import IGNORE, Labels, Mask

MINOR_DICE = 0.95
EXPLAINED_SHARE = 0.01
NERVE_TOOL_LIMIT = 100
RULE = (
    "Masks contradict each other where any pixel differs, if the pictures lie on each other "
    "pixel by pixel. If one of them was resampled, pixels count that lie further from their "
    "class in the other mask than resampling can move it, once they are more than "
    f"{EXPLAINED_SHARE:.0%} of both masks together. From a Dice of {MINOR_DICE} on, of the "
    "foreground and in the mean over classes, a contradiction is minor; that of an empty mask "
    "and one that is not never is."
)
"""When masks contradict each other, as a reader is told."""


@dataclass(frozen=True)
class Comparison:
    """What two label maps on one grid have in common, on the pixels that both know.

    `dice` goes from each class that either of them holds to its Dice, and is empty where both
    are; `foreground_dice` takes all classes for one. `unexplained_px` are the differing pixels
    that resampling does not explain; where nothing was resampled, all of them.
    `nerve_difference` is the count of the nerve tool.
    """

    dice: Mapping[int, float]
    foreground_dice: float
    compared_px: int
    differing_px: int
    unexplained_px: int
    foreground_px: int  # of either
    is_one_empty: bool
    nerve_difference: int
    is_contradictory: bool

    @property
    def mean_dice(self) -> float:
        """Mean over the classes that either holds; 1 where both are empty."""
        return float(np.mean(list(self.dice.values()))) if self.dice else 1.0

    @property
    def least_dice(self) -> float:
        """The lower one of the foreground's Dice and the mean over classes."""
        return min(self.foreground_dice, self.mean_dice)

    @property
    def is_minor(self) -> bool:
        """Whether the contradiction is a matter of a few pixels, by `MINOR_DICE`."""
        return self.is_contradictory and not self.is_one_empty and self.least_dice >= MINOR_DICE

    @property
    def is_nerve_contradiction(self) -> bool:
        """Whether the nerve tool called the pair contradictory. For comparison only."""
        return self.nerve_difference > NERVE_TOOL_LIMIT


def compare(
    first: Labels, second: Labels, *, tolerance_px: float = 0.0, is_overlapping: bool = False
) -> Comparison | None:
    """How two label maps of one grid agree; None where they know no pixel in common.

    Pixels that either map ignores do not count. `tolerance_px` is how far resampling may have
    moved the edge of a class; 0 where no pixel was resampled. `RULE` says what is
    contradictory.

    Raises:
        SizeMismatchError: label maps of different shapes.
    """
    joint = joint_labels([first, second], is_overlapping=is_overlapping)
    if not joint.compared_px:
        return None
    pixels, (own, other) = joint.pixels, joint.labels.T
    differing_px = unexplained_px = int(pixels[own != other].sum())
    if differing_px and tolerance_px > 0:
        unexplained_px = sum(
            _far_px(here, there, tolerance_px, is_overlapping)
            for here, there in ((first, second), (second, first))
        )
    foreground_px = int(pixels[(own != 0) | (other != 0)].sum())
    allowed_px = EXPLAINED_SHARE * foreground_px if tolerance_px > 0 else 0
    return Comparison(
        dice={
            index: _dice(joint.holds(index)[:, 0], joint.holds(index)[:, 1], pixels)
            for index in joint.classes
        },
        foreground_dice=_dice(own != 0, other != 0, pixels),
        compared_px=joint.compared_px,
        differing_px=differing_px,
        unexplained_px=unexplained_px,
        foreground_px=foreground_px,
        is_one_empty=bool(own.any() != other.any()),
        nerve_difference=nerve_tool_difference(own != 0, other != 0, pixels),
        is_contradictory=unexplained_px > allowed_px,
    )


def nerve_tool_difference(
    first: Mask, second: Mask, pixels: NDArray[np.int64] | None = None
) -> int:
    """The mask difference as the nerve tool counted it, for comparison with its figures only.

    It held masks as 0 and 255 in three 8-bit channels, subtracted the second from the first
    without widening, and added up: 255 - 0 is 255, but 0 - 255 wraps around to 1. So a pixel
    that only the first has counts 765, and one that only the second has counts 3. `pixels`
    says how many pixels each entry stands for; one where it is not given.

    Examples:
        >>> large, small = np.array([[True, True]]), np.array([[True, False]])
        >>> nerve_tool_difference(large, small), nerve_tool_difference(small, large)
        (765, 3)
    """
    wrapped = 255 * (first & ~second).astype(np.int64) + (second & ~first)
    return int(3 * (wrapped if pixels is None else wrapped * pixels).sum())


def _dice(first: Mask, second: Mask, pixels: NDArray[np.int64]) -> float:
    """Dice of two masks whose entries stand for so many pixels; 1 where both are empty."""
    total = int(pixels[first].sum() + pixels[second].sum())
    return 2 * int(pixels[first & second].sum()) / total if total else 1.0


def _far_px(here: Labels, there: Labels, tolerance_px: float, is_overlapping: bool) -> int:
    """Pixels of a class that lie further than allowed from this class, or unknown, there."""
    total = 0
    for index in classes_in(here[here != there], is_overlapping=is_overlapping):
        near = is_class(there, index, is_overlapping=is_overlapping) | (there == IGNORE)
        lone = is_class(here, index, is_overlapping=is_overlapping) & ~near
        box = box_of(lone.view(np.uint8), ceil(tolerance_px))  # what is further off is too far
        near, lone = near[box], lone[box]
        if near.any():
            distance = cv2.distanceTransform(
                (~near).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
            )
            lone = lone & (distance > tolerance_px)
        total += int(np.count_nonzero(lone))
    return total
