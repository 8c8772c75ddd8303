"""Losses that judge each pixel, or each image, by itself."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from delineate.core.types import IGNORE
from delineate.losses.pixels import mean_of_counted, widened


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy a pixel: binary for one channel, categorical for several.

    A classifier's logits (N, C) with labels (N,) give the mean an image.
    """
    return mean_of_counted(cross_entropy_each(logits, labels), labels)


def cross_entropy_each(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy of each label, in the labels' shape; of ignored ones it means nothing."""
    logits = widened(logits)
    if logits.shape[1] == 1:
        target = (labels == 1).to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
    return F.cross_entropy(logits, labels.long(), ignore_index=IGNORE, reduction="none")
