"""A U-Net at half size between a thin stem and a thin head at full size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.models.layers import Normalisation, convolution
from delineate.models.mirror import mirrored_to_multiple
from delineate.models.unet import UNet


class FoldedUNet(nn.Module):
    """Logits of (N, classes, H, W) from images of (N, channels, H, W).

    Convolutions at full size cost most and learn least. Here one of `stem_width` channels
    looks at every pixel, each 2x2 block of its output is folded into channels, a padded U-Net
    of `width` and `depth` works on those at half size, and its output is unfolded and joined
    with the stem's for a last convolution. No pixel is lost on the way: structures one pixel
    wide stay. At equal time a step this sees twice as many patches as the plain network.

    Source: the folding is the sub-pixel convolution of Shi et al. (2016), arXiv:1609.05158,
    and its inverse; the network inside is `delineate.models.unet.UNet`.
    """

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        stem_width: int = 8,
        width: int = 32,
        depth: int = 2,
        normalisation: Normalisation = "batch",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.stem = convolution(channels, stem_width, normalisation)
        self.inner = UNet(
            channels=4 * stem_width,
            classes=4 * stem_width,
            width=width,
            depth=depth,
            normalisation=normalisation,
            dropout=dropout,
        )
        self.last = convolution(2 * stem_width, stem_width, normalisation)
        self.head = nn.Conv2d(stem_width, classes, kernel_size=1)
        self.stride = 2 * self.inner.stride
        # Two 3x3 convolutions at full size, and the block that a pixel is folded into.
        self.context_px = 2 * self.inner.context_px + 3
        self.has_finite_context = self.inner.has_finite_context

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the size of the image."""
        x, (rows, columns) = mirrored_to_multiple(image, self.stride)
        fine = self.stem(x)  # (N, stem_width, H, W)
        folded = F.pixel_unshuffle(fine, 2)  # (N, 4 * stem_width, H / 2, W / 2)
        folded = folded.contiguous(memory_format=torch.channels_last)
        coarse = F.pixel_shuffle(self.inner(folded), 2)  # (N, stem_width, H, W)
        logits: Tensor = self.head(self.last(torch.cat([fine, coarse], dim=1)))
        return logits[:, :, rows, columns]
