"""Cross-entropy that insists on the gaps between touching objects."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor

from delineate.losses.border_weights import border_weights
from delineate.losses.entropy import cross_entropy_each
from delineate.losses.pixels import mean_of_counted


def border_weighted_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    w0: NonNegativeFloat = 10.0,
    sigma_px: PositiveFloat = 5.0,
) -> Tensor:
    """Mean a pixel of the cross-entropy times `border_weights` of the batch.

    Objects and distances are those of the labels as they come, after any crop: an object
    beyond the edge of a patch parts nothing in it. Of classes that overlap each has weights of
    its own, and objects of one class part no other.

    Source: Ronneberger, Fischer and Brox (2015), arXiv:1505.04597, equations 1 and 2. Differs:
    they take the sum, here it is the mean; they weigh each image once before training, here
    each patch is weighed as it is augmented.
    """
    weights = _weights(labels.cpu().numpy(), w0, sigma_px)
    each = cross_entropy_each(logits, labels)
    return mean_of_counted(each * torch.from_numpy(weights).to(each.device), labels)


def _weights(labels: NDArray[np.integer], w0: float, sigma_px: float) -> NDArray[np.float32]:
    if labels.ndim == 3:
        return border_weights(labels, w0=w0, sigma_px=sigma_px)
    classes = labels.transpose(1, 0, 2, 3)
    each = [border_weights(own, w0=w0, sigma_px=sigma_px) for own in classes]
    return np.stack(each, axis=1)
