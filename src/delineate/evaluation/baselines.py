"""What any model must beat: the mean of the training masks, which sees no image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, Labels, Probability
from delineate.metrics.thresholds import Cut

GRID_PX: Size = (256, 256)


@dataclass(frozen=True)
class MeanTrainingMask:
    """How often each place was foreground in training, with the threshold of best Dice there.

    Call it with a (height, width) to have the probability (C, H, W) at that size.
    """

    probability: Probability
    threshold: Cut
    rule: str

    def __call__(self, size_px: Size) -> Probability:
        """The mean mask stretched to the size of a case."""
        return resized(self.probability, size_px)


def mean_training_mask(
    labels: Iterable[Labels],
    *,
    class_count: int = 2,
    is_overlapping: bool = False,
    grid_px: Size = GRID_PX,
) -> MeanTrainingMask:
    """The baseline of these training masks, for `score_cases`.

    Its threshold is the one of highest Dice over all pixels of the training masks pooled,
    as they are on the grid; with several classes each pixel takes the most frequent class, or
    where they overlap each has a threshold of its own.

    Raises:
        ValueError: There is no mask.
    """
    probability = mean_mask(labels, grid_px, class_count=class_count, is_overlapping=is_overlapping)
    if is_overlapping:
        thresholds = tuple(_best_threshold_of_mean(channel) for channel in probability)
        rule = "for each class the highest Dice of all training pixels pooled"
        return MeanTrainingMask(probability, thresholds, rule)
    if class_count > 2:
        return MeanTrainingMask(
            probability, None, "each place takes the class that is most frequent in training"
        )
    threshold = _best_threshold_of_mean(probability[0])
    return MeanTrainingMask(
        probability, threshold, "the highest Dice of all training pixels pooled"
    )


def mean_mask(
    labels: Iterable[Labels],
    size_px: Size,
    *,
    class_count: int = 2,
    is_overlapping: bool = False,
) -> Probability:
    """(C, H, W) shares of the masks, each stretched to one size, that hold a class there.

    C = 1 with two classes, one channel a foreground class where they overlap, else one channel a
    class, background first. Pixels of the ignore
    label do not count; a place where none counts is background.

    Raises:
        ValueError: There is no mask.
    """
    has_background = class_count > 2 and not is_overlapping
    wanted = range(0 if has_background else 1, class_count)
    total = np.zeros((len(wanted), *size_px), np.float64)
    known = np.zeros(size_px, np.float64)
    masks = 0
    for one in labels:
        masks += 1
        known += _stretched((one != IGNORE).astype(np.float32), size_px)
        for channel, index in enumerate(wanted):
            belongs = is_class(one, index, is_overlapping=is_overlapping)
            total[channel] += _stretched(belongs.astype(np.float32), size_px)
    if masks == 0:
        raise ValueError("labels: expected at least one training mask, found none")
    shares = np.divide(total, known, out=np.zeros_like(total), where=known > 1e-6)
    if has_background:
        shares[0][known <= 1e-6] = 1.0
    return np.clip(shares, 0.0, 1.0).astype(np.float32)


def resized(probability: Probability, size_px: Size) -> Probability:
    """(C, H, W) probabilities at another size; channels that sum to 1 still do."""
    return np.stack([_stretched(channel, size_px) for channel in probability])


def _stretched(channel: NDArray[np.float32], size_px: Size) -> NDArray[np.float32]:
    """Averaged over areas when both sides shrink, else linear; never sharpened."""
    height, width = size_px
    shrinks = channel.shape[0] >= height and channel.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    stretched = cv2.resize(np.ascontiguousarray(channel), (width, height), interpolation=how)
    return np.asarray(stretched, dtype=np.float32)


def _best_threshold_of_mean(mean: NDArray[np.float32]) -> float:
    """The threshold of highest pooled Dice of the very masks that made the mean.

    A place of mean m holds the share m of true foreground, so that with n masks
    tp = n sum(m), tp + fp = n places, tp + fn = n sum of all m: the masks are not needed.
    """
    values = np.sort(mean.ravel())[::-1].astype(np.float64)
    if values[0] <= 0:
        return 0.5  # no training mask holds foreground: predict none
    hits = np.cumsum(values)
    dice = 2 * hits / (np.arange(1, values.size + 1) + hits[-1])
    # Along places of equal mean the Dice only rises or only falls: no need to join them.
    best = int(np.argmax(dice))
    below = values[best + 1] if best + 1 < values.size else 0.0
    return float(np.float32((values[best] + below) / 2)) or float(values[best])
