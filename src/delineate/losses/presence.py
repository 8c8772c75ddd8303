"""The loss of a head that says whether there is anything to find."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.core.types import IGNORE
from delineate.losses.pixels import widened


def presence_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy of (N,) logits against whether (N, H, W) labels hold foreground.

    An image of which every pixel is ignored does not count; 0 where none does.
    """
    is_known = (labels != IGNORE).flatten(1).any(dim=1)
    is_present = ((labels != IGNORE) & (labels > 0)).flatten(1).any(dim=1)
    logits = widened(logits)
    each = F.binary_cross_entropy_with_logits(logits, is_present.to(logits.dtype), reduction="none")
    return torch.where(is_known, each, 0.0).sum() / is_known.sum().clamp(min=1)
