"""Losses that compare areas: the mean over foreground classes, the whole batch one region.

A Dice per image would jump between 0 and 1 where many masks are empty. Classes that the batch
does not hold are left out: what is found of them costs nothing, and only a loss of single
pixels beside this one unlearns it.
"""

from __future__ import annotations

from pydantic import PositiveFloat
from torch import Tensor

from delineate.losses.pixels import foreground, mean_of_held

# Above and below the line, for areas of nothing.
_EPSILON = 5e-7


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the soft Dice of each foreground class over the whole batch, averaged.

    Source: Milletari, Navab and Ahmadi (2016), arXiv:1606.04797, equation 2, without the
    squares in the denominator (as Drozdzal et al. 2016, arXiv:1608.04117, section 3.1).
    """
    return tversky(logits, labels, alpha=0.5, beta=0.5)


def tversky(
    logits: Tensor, labels: Tensor, *, alpha: PositiveFloat = 0.3, beta: PositiveFloat = 0.7
) -> Tensor:
    """One minus TP / (TP + `alpha` FP + `beta` FN) of each foreground class, averaged.

    TP, FP and FN are sums of probability over the whole batch. `alpha` weighs false positives,
    `beta` false negatives, so that a larger `beta` finds more. One half each is Dice, one each
    the Jaccard index. A class that the batch does not hold is left out.

    Source: Salehi, Erdogmus and Gholipour (2017), arXiv:1706.05721, equations 3 and 4; 0.3 and
    0.7 found most lesions there. Differs: several foreground classes, of which the mean is taken.
    """
    probability, truth = foreground(logits, labels)
    overlap = (probability * truth).sum(dim=(0, 2, 3))
    false_positive = probability.sum(dim=(0, 2, 3)) - overlap
    false_negative = truth.sum(dim=(0, 2, 3)) - overlap
    below = overlap + alpha * false_positive + beta * false_negative
    return mean_of_held(1 - (overlap + _EPSILON) / (below + _EPSILON), truth)
