"""The padded U-Net: same size out as in, at any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.models.mirror import mirrored_to_multiple

Normalisation = Literal["batch", "instance", "group", "none"]

_NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "group": lambda channels: nn.GroupNorm(min(8, channels), channels),
    "none": lambda channels: nn.Identity(),
}


class UNet(nn.Module):
    """Logits of (N, classes, H, W) from images of (N, channels, H, W).

    Depth is the number of halvings; `width` channels at full size double with each, up to
    `width_limit`. Every image is mirrored at its borders to a multiple of 2**depth and the
    logits are cropped back.

    Source: Ronneberger, Fischer and Brox (2015), arXiv:1505.04597. Differs in padded
    convolutions, normalisation after each, and half the width by default.
    """

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        width: int = 32,
        depth: int = 4,
        width_limit: int = 512,
        normalisation: Normalisation = "batch",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [min(width * 2**level, width_limit) for level in range(depth + 1)]
        normalise = _NORMALISATIONS[normalisation]
        self.stride = 2**depth
        self.context_px = _context_px(depth)
        self.has_finite_context = normalisation in ("batch", "none")

        self.encoder = nn.ModuleList(
            _double_convolution(before, after, normalise)
            for before, after in zip([channels, *widths], widths, strict=False)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, level, kernel_size=2, stride=2)
            for level, below in _from_the_bottom(widths)
        )
        self.decoder = nn.ModuleList(
            _double_convolution(2 * level, level, normalise)
            for level, _ in _from_the_bottom(widths)
        )
        self.head = nn.Conv2d(widths[0], classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the size of the image."""
        x, (rows, columns) = mirrored_to_multiple(image, self.stride)
        skips: list[Tensor] = []
        for level, convolve in enumerate(self.encoder):
            x = convolve(
                F.max_pool2d(x, 2) if level else x
            )  # (N, width * 2**level, H / 2**level, ...)
            skips.append(x)
        x = self.dropout(skips.pop())
        for enlarge, convolve in zip(self.up, self.decoder, strict=True):
            x = convolve(torch.cat([skips.pop(), enlarge(x)], dim=1))
        logits: Tensor = self.head(x)
        return logits[:, :, rows, columns]


def _double_convolution(
    before: int, after: int, normalise: Callable[[int], nn.Module]
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        # A normalisation right behind takes the mean away, so a bias would have no effect.
        has_bias = isinstance(normalise(after), nn.Identity)
        layers += [
            nn.Conv2d(channels, after, kernel_size=3, padding=1, bias=has_bias),
            normalise(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _from_the_bottom(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Width of each level with that of the level below it, deepest first."""
    return list(zip(widths, widths[1:], strict=False))[::-1]


def _context_px(depth: int) -> int:
    """How far, in pixels, an output looks to each side.

    Two 3x3 convolutions a level see 2 * 2**level px to a side, going down and again going
    up; pooling and 2x2 up-convolution add the pixels of their own cell, 2**level - 1.
    """
    both_ways = 4 * ((1 << depth) - 1)
    bottom, cells = 2 << depth, (1 << depth) - 1
    return both_ways + bottom + cells
