"""Losses that judge each pixel, or each image of a classifier, by itself."""

from __future__ import annotations

import torch
from pydantic import NonNegativeFloat
from torch import Tensor
from torch.nn import functional as F

from delineate.core.types import IGNORE
from delineate.losses.pixels import are_masks, mean_of_counted, widened
from delineate.losses.settings import Share


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy a pixel: binary for one channel, categorical for several.

    Of classes that overlap the mean a pixel and class, each by itself.

    A classifier's logits (N, C) with labels (N,) give the mean an image.
    """
    return mean_of_counted(cross_entropy_each(logits, labels), labels)


def cross_entropy_each(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy at each label, in the labels' shape; at ignored ones it means nothing."""
    logits = widened(logits)
    if are_masks(logits, labels):
        target = (labels == 1).to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none")
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
    through one softmax, where they have a sigmoid each, as classes that overlap have here.
    """
    truth = torch.where(labels == IGNORE, 0, labels).long()
    log_right, log_wrong = _log_right_and_wrong(widened(logits), truth)
    each = -torch.exp(gamma * log_wrong) * log_right
    if alpha is not None:
        each = each * torch.where(truth == 0, 1 - alpha, alpha)
    return mean_of_counted(each, labels)


def _log_right_and_wrong(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of p_t and of 1 - p_t, each by itself.

    A power of 1 - p_t has no finite slope at 0 for exponents below 1, and few digits near it.
    """
    if are_masks(logits, truth) or logits.shape[1] == 1:
        own = logits if are_masks(logits, truth) else logits[:, 0]
        for_truth = torch.where(truth == 1, own, -own)
        return F.logsigmoid(for_truth), F.logsigmoid(-for_truth)
    every = F.log_softmax(logits, dim=1)
    index = truth.unsqueeze(1)
    others = every.scatter(1, index, -torch.inf)
    return every.gather(1, index).squeeze(1), others.logsumexp(dim=1)
