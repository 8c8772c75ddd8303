"""A second output of a segmenter: is there anything to find in the image at all?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import SettingsError

# Mean and maximum of each deepest channel: an object that fills a corner moves the mean little.
_POOLED = 2


class WithPresence(nn.Module):
    """Logits of (N, classes + 1, H, W): those of a network, and one channel more.

    The last channel is constant over an image: the logit that there is anything to find, from a
    linear layer on mean and maximum of the network's deepest features. Of tiles and patches each
    says it of itself. Everything else the network states of itself stays as it is.

    Raises:
        SettingsError: a network that does not give its deepest features away.
    """

    def __init__(self, network: nn.Module, *, architecture: str, channels: int) -> None:
        super().__init__()
        if not hasattr(network, "with_deepest"):
            raise SettingsError(
                f"model.presence_head: architecture '{architecture}' cannot have one; take unet, "
                "encoder_decoder or uefficientnet, or leave it out"
            )
        self.network = network
        self.presence = nn.Linear(_POOLED * _deepest_channels(network, channels), 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the size of the image."""
        logits, deepest = self.network.with_deepest(image)  # type: ignore[operator] # nn.Module types it Tensor
        # (N, classes, H, W) and (N, deepest channels, h, w)
        pooled = torch.cat([deepest.mean(dim=(2, 3)), deepest.amax(dim=(2, 3))], dim=1)
        presence = self.presence(pooled)[:, :, None, None]
        return torch.cat([logits, presence.expand(-1, -1, *logits.shape[2:])], dim=1)

    def __getattr__(self, name: str) -> Any:
        """What the network says of itself, such as `stride`."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)


def _deepest_channels(network: nn.Module, channels: int) -> int:
    was_training = network.training
    side = 2 * int(network.stride)  # type: ignore[arg-type] # nn.Module types it Tensor
    with torch.no_grad():
        network.eval()
        _, deepest = network.with_deepest(torch.zeros(1, channels, side, side))  # type: ignore[operator] # checked before
    network.train(was_training)
    return int(deepest.shape[1])
