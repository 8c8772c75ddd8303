"""Borders that a network needs and its caller should not see."""

from __future__ import annotations

import torch
from torch import Tensor

from delineate.core.geometry import border_to_multiple


def mirrored_to_multiple(image: Tensor, multiple: int) -> tuple[Tensor, tuple[slice, slice]]:
    """The (N, C, H, W) batch with mirrored borders, and the slices that undo them.

    Works at every size: an image narrower than its border is reflected back and forth. One
    that fits a single multiple gets a second, for at the bottom of a network it would be a
    single pixel, which instance normalisation refuses, as batch normalisation does in training.
    """
    height, width = image.shape[-2:]
    top, bottom, left, right = border_to_multiple((height, width), multiple)
    if height <= multiple and width <= multiple:
        right += multiple
    if not any((top, bottom, left, right)):
        return image, (slice(None), slice(None))
    rows = _reflected_index(height, top, bottom, image.device)
    columns = _reflected_index(width, left, right, image.device)
    mirrored = image.index_select(-2, rows).index_select(-1, columns)
    return mirrored, (slice(top, top + height), slice(left, left + width))


def _reflected_index(length: int, before: int, after: int, device: torch.device) -> Tensor:
    """Indices 0..length-1 with `before` and `after` more, reflected at the first and last."""
    period = max(2 * (length - 1), 1)
    index = torch.arange(-before, length + after, device=device) % period
    return torch.where(index < length, index, period - index)
