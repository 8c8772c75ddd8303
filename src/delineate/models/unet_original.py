"""The U-Net of 2015 as it was published: unpadded, so that less comes out than goes in."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.core.geometry import unpadded_output_px


class OriginalUNet(nn.Module):
    """Logits smaller by `lost_px` at each side: (N, classes, 388, 388) of 572x572 images.

    Depth is the number of halvings; `width` channels at full size double with each. The end of
    the contracting path, its last two levels, drops single values with probability `dropout`.
    Kernels start with a deviation of sqrt(2 / N) for N incoming values, biases with 0.

    There are two output channels for a binary mask, as in the paper. Then the logit returned
    is their difference, foreground minus background: its sigmoid is the softmax's foreground
    and its binary cross-entropy the softmax's, at the paper's 31,030,658 parameters.

    Source: Ronneberger, Fischer and Brox (2015), arXiv:1505.04597, figure 1 and section 3. That
    dropout follows the two deepest levels, skip connection included, is said by the authors'
    released network (phseg_v5), which differs from the paper in a ReLU after each
    up-convolution and a last one of 128 channels; both are left out here.
    """

    def __init__(
        self, *, channels: int, classes: int, width: int = 64, depth: int = 4, dropout: float = 0.5
    ) -> None:
        super().__init__()
        if width < 1 or depth < 0:
            raise ValueError(f"width is {width} and depth {depth}; expected from 1 and 0 on")
        widths = [width * 2**level for level in range(depth + 1)]
        self.stride = 2**depth
        self.lost_px = _lost_px(depth)
        # A cell of the deepest level sees lost_px beyond itself; a pixel may lie at its far end.
        self.context_px = self.lost_px + self.stride - 1
        self.has_finite_context = True
        self.is_binary = classes == 1

        self.encoder = nn.ModuleList(
            _double(before, after)
            for before, after in zip([channels, *widths], widths, strict=False)
        )
        self.dropout = nn.Dropout(dropout)
        from_the_bottom = list(pairwise(widths))[::-1]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, level, kernel_size=2, stride=2)
            for level, below in from_the_bottom
        )
        self.decoder = nn.ModuleList(_double(2 * level, level) for level, _ in from_the_bottom)
        self.head = nn.Conv2d(width, 2 if self.is_binary else classes, kernel_size=1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of all but the outer `lost_px` of the image.

        Raises:
            SettingsError: a height or width at which pooling would not fit.
        """
        for length_px in image.shape[-2:]:
            _require_fitting(length_px, self.stride, self.lost_px)
        x = image
        skips: list[Tensor] = []
        for level, convolve in enumerate(self.encoder):
            x = convolve(F.max_pool2d(x, 2) if level else x)
            # (N, width * 2**level, ...), each side 4 smaller than before the level
            if level >= len(self.encoder) - 2:
                x = self.dropout(x)
            skips.append(x)
        x = skips.pop()
        for enlarge, convolve in zip(self.up, self.decoder, strict=True):
            x = enlarge(x)
            x = convolve(torch.cat([_centre(skips.pop(), x), x], dim=1))
        logits: Tensor = self.head(x)
        return logits[:, 1:] - logits[:, :1] if self.is_binary else logits


def _require_fitting(length_px: int, stride_px: int, lost_px: int) -> None:
    smallest = unpadded_output_px(1, stride_px, lost_px) + 2 * lost_px
    above = unpadded_output_px(length_px - 2 * lost_px, stride_px, lost_px) + 2 * lost_px
    if length_px == above:
        return
    nearest = f"{above - stride_px} or {above}" if above > smallest else f"at least {above}"
    raise SettingsError(
        f"an image side of {length_px} px does not fit the unpadded U-Net, which takes "
        f"{lost_px} px and a multiple of {stride_px}; use {nearest} px"
    )


def _lost_px(depth: int) -> int:
    """Border taken from each side: 92 px at depth 4.

    Two 3x3 convolutions a level take 2 * 2**level px, going down and again going up.
    """
    both_ways = 4 * ((1 << depth) - 1)
    bottom = 2 << depth
    return both_ways + bottom


def _double(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, kernel_size=3),
        nn.ReLU(inplace=True),
    )


def _initialise(module: nn.Module) -> None:
    """Kernels from a normal distribution of deviation sqrt(2 / N), from torch's generator."""
    if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        return
    # A 2x2 up-convolution of stride 2 makes each of its outputs of one pixel alone.
    area = math.prod(module.kernel_size) if isinstance(module, nn.Conv2d) else 1
    nn.init.normal_(module.weight, std=math.sqrt(2 / (module.in_channels * area)))
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def _centre(skip: Tensor, like: Tensor) -> Tensor:
    """The middle of a map, as large as another."""
    height, width = like.shape[-2:]
    top, left = (skip.shape[-2] - height) // 2, (skip.shape[-1] - width) // 2
    return skip[..., top : top + height, left : left + width]
