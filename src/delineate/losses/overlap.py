"""Losses that compare areas."""

from __future__ import annotations

from torch import Tensor

from delineate.losses.pixels import foreground, mean_of_held


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the soft Dice of each foreground class over the whole batch, averaged.

    The batch is one region: with many empty masks a Dice per image would jump between
    0 and 1. Classes that the batch does not hold are left out.

    Source: Milletari, Navab and Ahmadi (2016), arXiv:1606.04797, equation 2, without the
    squares in the denominator (as Drozdzal et al. 2016, arXiv:1608.04117, section 3.1).
    """
    probability, truth = foreground(logits, labels)
    overlap = (probability * truth).sum(dim=(0, 2, 3))
    size = probability.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    return mean_of_held(1 - (2 * overlap + 1e-6) / (size + 1e-6), truth)
