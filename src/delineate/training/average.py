"""The running mean of a network's weights."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class AveragedWeights:
    """An exponential mean over steps; it generalises better than the last step does.

    Early steps weigh less: at step t the decay is at most (1 + t) / (10 + t). Running
    statistics of normalisations are averaged like weights; counters are copied.

    Source: Tarvainen and Valpola (2017), arXiv:1703.01780, section 2, the teacher.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(requires_grad=False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the mean towards the network as it is after a step."""
        decay = min(self._decay, (1 + step) / (10 + step)) if self._decay else 0.0
        pairs = zip(self.network.state_dict().values(), network.state_dict().values(), strict=True)
        means, fresh = [], []
        for mean, now in pairs:
            if mean.is_floating_point():
                means.append(mean)
                fresh.append(now)
            else:
                mean.copy_(now)
        move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call] # torch leaves it untyped
        move(means, fresh, step)  # all tensors in one call
