"""Where a model is sure, where it is not, and where it is sure of something else than the label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, Labels, Mask, Probability

SURE = 0.9
LEAST_SHARE = 1000  # what is marked counts as at least one pixel in so many of the image
CONTRADICTION_RULE = (
    f"pixels whose label has a probability below {1 - SURE:.1f}, as a share of those that the "
    f"label or the model marks, and of at least 1/{LEAST_SHARE} of the image"
)
UNCERTAINTY_RULE = (
    f"pixels without a class of at least {SURE:.1f} probability, as a share of those and of all "
    f"that the model marks, and of at least 1/{LEAST_SHARE} of the image"
)


@dataclass(frozen=True)
class Share:
    """So many pixels of so many others, in an image of `image_px`."""

    px: int
    of_px: int
    image_px: int

    @property
    def value(self) -> float:
        """From 0 to 1; a few pixels in an image where nothing is marked weigh little.

        Examples:
            >>> Share(5, 20, 400).value, Share(5, 5, 100_000).value
            (0.25, 0.05)
        """
        return self.px / max(self.of_px, self.image_px / LEAST_SHARE)


def contradiction(
    probability: Probability, labels: Labels, predicted: Labels, *, is_overlapping: bool = False
) -> Share:
    """How much of what label or model marks the model is sure that it is something else.

    Args:
        probability: (C, H, W), as `delineate.core.types` has it.
        labels: (H, W) of a person; `IGNORE` counts for nothing.
        predicted: (H, W) labels of the model.
        is_overlapping: Whether labels are codes, and channels classes without a background.
    """
    is_known = labels != IGNORE
    if is_overlapping:
        own = np.min(
            [
                _of_two(channel, is_class(labels, index, is_overlapping=True))
                for index, channel in enumerate(probability, start=1)
            ],
            axis=0,
        )
    elif len(probability) == 1:
        own = _of_two(probability[0], labels == 1)
    else:
        places = np.where(is_known, labels, 0)[None].astype(np.intp)
        own = np.take_along_axis(probability, places, axis=0)[0]
    is_marked = is_known & ((labels != 0) | (predicted != 0))
    is_against = is_known & (own < np.float32(1 - SURE))
    return _share(is_against, is_against | is_marked)


def uncertainty(
    probability: Probability, predicted: Labels, *, is_overlapping: bool = False
) -> Share:
    """How much of what the model marks, or might, it is not sure of; shapes as `contradiction`."""
    if is_overlapping or len(probability) == 1:
        sureness = np.maximum(probability, 1 - probability).min(axis=0)
    else:
        sureness = probability.max(axis=0)
    is_unsure = sureness < np.float32(SURE)
    return _share(is_unsure, is_unsure | (predicted != 0))


def _of_two(channel: NDArray[np.float32], is_held: Mask) -> NDArray[np.float32]:
    """The probability of what is said of a pixel, that it belongs to a class or does not."""
    return np.where(is_held, channel, 1 - channel)


def _share(part: Mask, whole: Mask) -> Share:
    return Share(int(np.count_nonzero(part)), int(np.count_nonzero(whole)), part.size)
