"""Every loss on logits by name. Pixels labelled `IGNORE` never count.

Each takes `logits` (N, C, H, W) float and `labels` (N, H, W) integer with values 0..C-1,
or 0 and 1 where C is 1, or `IGNORE`; each returns a scalar, 0 where no pixel counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from delineate.core.errors import unknown_name
from delineate.losses.entropy import cross_entropy
from delineate.losses.overlap import dice

Loss = Callable[[Tensor, Tensor], Tensor]

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
