"""What every loss asks of a batch: which pixels count, and the truth of each class."""

from __future__ import annotations

import torch
from torch import Tensor

from delineate.core.types import IGNORE


def widened(logits: Tensor) -> Tensor:
    """The logits in float32 at least: sums over a million pixels need more than bfloat16."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def mean_of_counted(each: Tensor, labels: Tensor) -> Tensor:
    """Mean of the values (N, ...) whose label counts; 0 where none does."""
    is_counted = labels != IGNORE
    return (each * is_counted).sum() / is_counted.sum().clamp(min=1)


def foreground(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Probability and truth (N, K, H, W) of each foreground class, 0 where ignored.

    K is 1 for one channel, whose probability is the sigmoid, else C - 1, by softmax.
    """
    logits = widened(logits)
    is_counted = (labels != IGNORE).unsqueeze(1)
    if logits.shape[1] == 1:
        probability = torch.sigmoid(logits)
        truth = (labels == 1).unsqueeze(1)
    else:
        probability = torch.softmax(logits, dim=1)[:, 1:]
        classes = torch.arange(1, logits.shape[1], device=labels.device).view(1, -1, 1, 1)
        truth = labels.unsqueeze(1) == classes
    return probability * is_counted, (truth & is_counted).to(probability.dtype)


def mean_of_held(each: Tensor, truth: Tensor) -> Tensor:
    """Mean of the values (K,) of classes that the batch's truth holds; 0 where it holds none."""
    is_held = truth.sum(dim=(0, 2, 3)) > 0
    return (each * is_held).sum() / is_held.sum().clamp(min=1)
