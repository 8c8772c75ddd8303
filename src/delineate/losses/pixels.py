"""What every loss asks of a batch: which pixels count, and the truth of each class."""

from __future__ import annotations

import torch
from torch import Tensor

from delineate.core.overlapping import code
from delineate.core.types import IGNORE


def widened(logits: Tensor) -> Tensor:
    """The logits in float32 at least: sums over a million pixels need more than bfloat16."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def masks_of_codes(codes: Tensor, classes: int) -> Tensor:
    """(N, K, H, W) from codes (N, H, W) of classes that overlap: 1 where a pixel is of the class.

    Elsewhere 0, and `IGNORE` in every channel where nothing is known.
    """
    bits = torch.tensor([code(index) for index in range(1, classes + 1)], device=codes.device)
    masks = (codes.unsqueeze(1) & bits.to(codes.dtype).view(1, -1, 1, 1)) != 0
    return torch.where(codes.unsqueeze(1) == IGNORE, IGNORE, masks.to(codes.dtype))


def are_masks(logits: Tensor, labels: Tensor) -> bool:
    """Whether labels are masks (N, K, H, W), one a channel of the logits: classes that overlap."""
    return labels.ndim == logits.ndim == 4


def counted(labels: Tensor) -> Tensor:
    """(N, 1, H, W), or (N, K, H, W) of masks: where a label counts."""
    return (labels if labels.ndim == 4 else labels.unsqueeze(1)) != IGNORE


def mean_of_counted(each: Tensor, labels: Tensor) -> Tensor:
    """Mean of the values (N, ...) whose label counts; 0 where none does."""
    is_counted = labels != IGNORE
    return (each * is_counted).sum() / is_counted.sum().clamp(min=1)


def foreground(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Probability and truth (N, K, H, W) of each foreground class, 0 where ignored.

    K is 1 for one channel, whose probability is the sigmoid, C by a sigmoid each where classes
    overlap, else C - 1, by softmax.
    """
    logits = widened(logits)
    is_counted = counted(labels)
    if are_masks(logits, labels):
        probability = torch.sigmoid(logits)
        truth = labels == 1
    elif logits.shape[1] == 1:
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
