"""Losses on logits. Pixels labelled `IGNORE` never count.

Each takes `logits` (N, C, H, W) float and `labels` (N, H, W) integer with values 0..C-1,
or 0 and 1 where C is 1, or `IGNORE`; each returns a scalar, 0 where no pixel counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.core.errors import unknown_name
from delineate.core.types import IGNORE

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy a pixel: binary for one channel, categorical for several."""
    counted = labels != IGNORE
    if logits.shape[1] == 1:
        target = (labels == 1).to(logits.dtype)
        each = F.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
    else:
        each = F.cross_entropy(logits, labels.long(), ignore_index=IGNORE, reduction="none")
    return (each * counted).sum() / counted.sum().clamp(min=1)


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the soft Dice of each foreground class over the whole batch, averaged.

    The batch is one region: with many empty masks a Dice per image would jump between
    0 and 1. Classes that the batch does not hold are left out.

    Source: Milletari, Navab and Ahmadi (2016), arXiv:1606.04797, equation 2, without the
    squares in the denominator (as Drozdzal et al. 2016, arXiv:1608.04117, section 3.1).
    """
    counted = (labels != IGNORE).unsqueeze(1)
    if logits.shape[1] == 1:
        probability = torch.sigmoid(logits)
        truth = (labels == 1).unsqueeze(1)
    else:
        probability = torch.softmax(logits, dim=1)[:, 1:]
        classes = torch.arange(1, logits.shape[1], device=labels.device).view(1, -1, 1, 1)
        truth = labels.unsqueeze(1) == classes
    probability = probability * counted
    truth = (truth & counted).to(probability.dtype)
    overlap = (probability * truth).sum(dim=(0, 2, 3))
    size = probability.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    is_held = truth.sum(dim=(0, 2, 3)) > 0
    each = 1 - (2 * overlap + 1e-6) / (size + 1e-6)
    return (each * is_held).sum() / is_held.sum().clamp(min=1)


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "dice": dice,
}


def weighted_sum(weights: Mapping[str, float]) -> Loss:
    """One loss from several by name, each times its weight.

    Raises:
        SettingsError: a name that is not in `LOSSES`.
    """
    for name in weights:
        if name not in LOSSES:
            raise unknown_name("loss", name, LOSSES)

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        parts = [weight * LOSSES[name](logits, labels) for name, weight in weights.items()]
        return torch.stack(parts).sum()

    return loss
