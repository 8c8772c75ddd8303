"""A loss that asks whether centre lines are held: for vessels, roads and membranes."""

from __future__ import annotations

from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional as F

from delineate.losses.overlap import dice
from delineate.losses.pixels import counted, foreground, mean_of_held
from delineate.losses.settings import Share

# Pixels of centre line, above and below the line, as in the authors' code.
_EPSILON = 1.0


def cldice(
    logits: Tensor, labels: Tensor, *, iterations: PositiveInt = 3, alpha: Share = 0.5
) -> Tensor:
    """(1 - `alpha`) times the Dice loss plus `alpha` times one minus the soft clDice.

    clDice is the harmonic mean of how much of the predicted centre line lies in the truth and
    how much of the true one in the prediction; here of each foreground class over the whole
    batch, averaged. `iterations` is the radius in pixels to which lines are thinned; of
    wider things little but corners remains. A class that the batch does not hold is left out.

    Source: Shit et al. (2021), arXiv:2003.07311, algorithms 1 and 2 and equation 3, where
    `alpha` is at most 0.5. Differs: the batch is one region, and ignored pixels are like what
    lies beyond the edge of the image.
    """
    probability, truth = foreground(logits, labels)
    is_counted = counted(labels)
    found_line = soft_skeleton(probability, is_counted, iterations=iterations)
    true_line = soft_skeleton(truth, is_counted, iterations=iterations)
    precision = _share_inside(found_line, truth)
    sensitivity = _share_inside(true_line, probability)
    lines = mean_of_held(1 - 2 * precision * sensitivity / (precision + sensitivity), truth)
    return (1 - alpha) * dice(logits, labels) + alpha * lines


def soft_skeleton(image: Tensor, is_counted: Tensor, *, iterations: int) -> Tensor:
    """What an opening takes away from (N, K, H, W) in 0..1 at each of `iterations` + 1 erosions.

    `is_counted` (N, 1 or K, H, W): pixels that do not count neither erode nor dilate others.

    Source: Shit et al. (2021), algorithm 1. The paper leaves the windows open; as in the authors'
    code the erosion is over a cross and the dilation over a square of 3.
    """

    def eroded(image: Tensor) -> Tensor:
        outside = (~is_counted).to(image.dtype)
        inverse = -(image * is_counted + outside)
        upright = F.max_pool2d(inverse, (3, 1), stride=1, padding=(1, 0))
        level = F.max_pool2d(inverse, (1, 3), stride=1, padding=(0, 1))
        return -upright.maximum(level)

    def edge(image: Tensor, smaller: Tensor) -> Tensor:
        opened = F.max_pool2d(smaller * is_counted, 3, stride=1, padding=1)
        return F.relu(image - opened) * is_counted

    smaller = eroded(image)
    skeleton = edge(image, smaller)
    for _ in range(iterations):
        image, smaller = smaller, eroded(smaller)
        # Only what is not on the line yet.
        skeleton = skeleton + (1 - skeleton) * edge(image, smaller)
    return skeleton


def _share_inside(line: Tensor, area: Tensor) -> Tensor:
    """Share (K,) of each line that lies in its area; one where there is no line."""
    inside = (line * area).sum(dim=(0, 2, 3))
    return (inside + _EPSILON) / (line.sum(dim=(0, 2, 3)) + _EPSILON)
