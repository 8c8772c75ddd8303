"""Losses that judge each pixel, or each image of a classifier, by itself."""

from __future__ import annotations

import torch
from pydantic import NonNegativeFloat
from torch import Tensor
from torch.nn import functional as F

from delineate.core.types import IGNORE
from delineate.losses.pixels import mean_of_counted, widened
from delineate.losses.settings import Share


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy a pixel: binary for one channel, categorical for several.

    A classifier's logits (N, C) with labels (N,) give the mean an image.
    """
    return mean_of_counted(cross_entropy_each(logits, labels), labels)


def cross_entropy_each(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy at each label, in the labels' shape; at ignored ones it means nothing."""
    logits = widened(logits)
    if logits.shape[1] == 1:
        target = (labels == 1).to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
    return F.cross_entropy(logits, labels.long(), ignore_index=IGNORE, reduction="none")


def focal(
    logits: Tensor,
    labels: Tensor,
    *,
    gamma: NonNegativeFloat = 2.0,
    alpha: Share | None = None,
) -> Tensor:
    """Mean of -alpha_t (1 - p_t)^gamma log p_t, p_t the probability of the true class.

    With `gamma` 0 it is the cross-entropy; the larger, the less those pixels count that are
    right already. `alpha` weighs foreground classes and 1 - `alpha` the background; None
    weighs neither. A classifier's logits (N, C) with labels (N,) give the mean an image.

    Source: Lin et al. (2017), arXiv:1708.02002, equation 5; they found 2 and 0.25 best for
    detection. Differs: they divide the sum by the number of boxes that hold an object, here it
    is the mean, so that an image without foreground has a loss too; and several classes go
    through one softmax, where they have a sigmoid each.
    """
    logits = widened(logits)
    if logits.shape[1] == 1:  # the sigmoid of x is the softmax of (0, x)
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    truth = torch.where(labels == IGNORE, 0, labels).long().unsqueeze(1)
    every = F.log_softmax(logits, dim=1)
    log_right = every.gather(1, truth).squeeze(1)
    # The logarithm of 1 - p_t by itself: a power of 1 - p_t has no slope that is finite at 0
    # for gamma below 1, and no digits near it.
    log_wrong = every.scatter(1, truth, -torch.inf).logsumexp(dim=1)
    each = -torch.exp(gamma * log_wrong) * log_right
    if alpha is not None:
        each = each * torch.where(truth.squeeze(1) == 0, 1 - alpha, alpha)
    return mean_of_counted(each, labels)
