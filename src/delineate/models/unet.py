"""The padded U-Net: same size out as in, at any size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.models.layers import Normalisation, double_convolution
from delineate.models.mirror import mirrored_to_multiple

_WIDTH, _DEPTH, _WIDTH_LIMIT = 32, 4, 512


class UNet(nn.Module):
    """Logits of (N, classes, H, W) from images of (N, channels, H, W).

    Depth is the number of halvings (4); `width` channels (32) at full size double with each,
    up to 512. `widths`, one number a level and the first at full size, replaces both. Every image
    is mirrored at its borders to a multiple of 2**depth and the logits are cropped back.

    Source: Ronneberger, Fischer and Brox (2015), arXiv:1505.04597. Differs in padded
    convolutions, normalisation after each, and half the width by default.
    """

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        width: int | None = None,
        depth: int | None = None,
        widths: Sequence[int] | None = None,
        normalisation: Normalisation = "batch",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = level_widths(width, depth, widths)
        depth = len(widths) - 1
        self.stride = 2**depth
        self.context_px = context_px(depth)
        self.has_finite_context = normalisation in ("batch", "none")

        self.encoder = nn.ModuleList(
            double_convolution(before, after, normalisation)
            for before, after in zip([channels, *widths], widths, strict=False)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, level, kernel_size=2, stride=2)
            for level, below in _from_the_bottom(widths)
        )
        self.decoder = nn.ModuleList(
            double_convolution(2 * level, level, normalisation)
            for level, _ in _from_the_bottom(widths)
        )
        self.head = nn.Conv2d(widths[0], classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the size of the image."""
        return self.with_deepest(image)[0]

    def with_deepest(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits at the size of the image, and the features of the deepest level."""
        x, (rows, columns) = mirrored_to_multiple(image, self.stride)
        skips: list[Tensor] = []
        for level, convolve in enumerate(self.encoder):
            x = convolve(F.max_pool2d(x, 2) if level else x)
            # (N, widths[level], H / 2**level, W / 2**level)
            skips.append(x)
        x = deepest = self.dropout(skips.pop())
        for enlarge, convolve in zip(self.up, self.decoder, strict=True):
            x = convolve(torch.cat([skips.pop(), enlarge(x)], dim=1))
        logits: Tensor = self.head(x)
        return logits[:, :, rows, columns], deepest


def level_widths(
    width: int | None, depth: int | None, widths: Sequence[int] | None
) -> Sequence[int]:
    """Channels of each level, the first at full size, as the networks' docstrings describe them."""
    if widths is None:
        width = _WIDTH if width is None else width
        depth = _DEPTH if depth is None else depth
        return [min(width * 2**level, _WIDTH_LIMIT) for level in range(depth + 1)]
    if width is not None or depth is not None:
        raise ValueError("`widths` replaces `width` and `depth`; give one or the other")
    return widths


def _from_the_bottom(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Width of each level with that of the level below it, deepest first."""
    return list(pairwise(widths))[::-1]


def context_px(depth: int) -> int:
    """How far, in pixels, an output looks to each side.

    Two 3x3 convolutions a level see 2 * 2**level px to a side, going down and again going
    up; pooling and 2x2 up-convolution add the pixels of their own cell, 2**level - 1.
    """
    both_ways = 4 * ((1 << depth) - 1)
    bottom, cells = 2 << depth, (1 << depth) - 1
    return both_ways + bottom + cells
