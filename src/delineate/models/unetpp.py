"""UNet++: nested dense skip pathways, each depth of which is a usable output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.models.layers import Normalisation, double_convolution
from delineate.models.mirror import mirrored_to_multiple
from delineate.models.unet import context_px, level_widths


class UNetPlusPlus(nn.Module):
    """Logits of (N, classes, H, W) from images of (N, channels, H, W).

    Node X(i, j) lies at level i (2**i times smaller) and column j. Column 0 is the encoder of a
    U-Net; every other node convolves all nodes to its left, X(i, 0..j-1), joined with the
    enlarged X(i+1, j-1). `width`, `depth`, `widths` and `dropout` are those of `UNet`.

    With deep supervision each X(0, 1..depth) has a 1x1 head. In training the forward is then a
    tuple of logits, shallowest first; in evaluation it is the logits of the deepest alone.
    `pruned` makes a network of any other head. Without, X(0, depth) has the only head.

    Source: Zhou, Siddiquee, Tajbakhsh and Liang (2018), arXiv:1807.10165. Differs in
    normalisation after each convolution (`normalisation="none"` has the paper's 9.04 million
    parameters), in dropout on the deepest map only, in heads of logits, and in evaluation by one
    head (the paper's fast mode) rather than the mean of all.
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
        deep_supervision: bool = True,
    ) -> None:
        super().__init__()
        widths = level_widths(width, depth, widths)
        depth = len(widths) - 1
        self.stride = 2**depth
        self.context_px = context_px(depth)
        self.has_finite_context = normalisation in ("batch", "none")
        self.has_deep_supervision = deep_supervision
        if deep_supervision:
            self.depths = depth
        self._build_pruned = partial(
            UNetPlusPlus,
            channels=channels,
            classes=classes,
            normalisation=normalisation,
            dropout=dropout,
            deep_supervision=False,
        )
        self._widths = list(widths)

        self.nodes = nn.ModuleDict()
        self.up = nn.ModuleDict()
        for level, (before, here) in enumerate(zip([channels, *widths], widths, strict=False)):
            self.nodes[_name(level, 0)] = double_convolution(before, here, normalisation)
        for level, column in _nested(depth):
            here, below = widths[level], widths[level + 1]
            self.up[_name(level, column)] = nn.ConvTranspose2d(below, here, kernel_size=2, stride=2)
            self.nodes[_name(level, column)] = double_convolution(
                (column + 1) * here, here, normalisation
            )
        self.dropout = nn.Dropout2d(dropout)
        supervised = list(range(1, depth + 1)) if deep_supervision else []
        self.heads = nn.ModuleDict(
            {str(column): nn.Conv2d(widths[0], classes, 1) for column in supervised or [depth]}
        )

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits at the size of the image: the deepest, or in training those of every head."""
        x, (rows, columns) = mirrored_to_multiple(image, self.stride)
        top = self._top_row(x)
        if self.training and self.has_deep_supervision:
            return tuple(
                head(top[int(column)])[:, :, rows, columns] for column, head in self.heads.items()
            )
        logits: Tensor = self.heads[str(len(top) - 1)](top[-1])
        return logits[:, :, rows, columns]

    def pruned(self, depth: int) -> UNetPlusPlus:
        """The network of the head at a depth, without the nodes that this head does not need.

        Shares the weights, and in evaluation gives the logits of that head: at every size, for it
        keeps the stride and so mirrors borders alike. It has no deep supervision itself.

        Raises:
            SettingsError: a depth that there is no head for.
        """
        if not self.has_deep_supervision:
            raise SettingsError(
                f"depth {depth}: this UNet++ was built without deep supervision and has one output "
                "only; train with deep_supervision = true to choose a depth"
            )
        if not 1 <= depth <= self.depths:
            raise SettingsError(f"depth {depth}: expected 1 to {self.depths}, as the model has")
        with torch.device("meta"):  # no weights of its own
            shallower = self._build_pruned(widths=self._widths[: depth + 1])
        for own, shared in [
            (shallower.nodes, self.nodes),
            (shallower.up, self.up),
            (shallower.heads, self.heads),
        ]:
            for name in own:
                own[name] = shared[name]
        shallower.stride = self.stride
        return shallower.train(self.training)

    def _top_row(self, x: Tensor) -> list[Tensor]:
        """X(0, 0..depth), from images of a size that the stride divides."""
        depth = len(self._widths) - 1
        pathways: list[list[Tensor]] = []  # X(i, 0), X(i, 1), ... of each level i
        for level in range(depth + 1):
            x = self.nodes[_name(level, 0)](F.max_pool2d(x, 2) if level else x)
            # (N, widths[level], H / 2**level, W / 2**level)
            pathways.append([x])
        pathways[-1] = [self.dropout(x)]
        for level, column in _nested(depth):
            enlarged = self.up[_name(level, column)](pathways[level + 1][column - 1])
            joined = torch.cat([*pathways[level], enlarged], dim=1)
            pathways[level].append(self.nodes[_name(level, column)](joined))
        return pathways[0]


def _nested(depth: int) -> list[tuple[int, int]]:
    """Level and column of every node but the encoder's, each after those that it needs."""
    return [
        (level, column) for column in range(1, depth + 1) for level in range(depth + 1 - column)
    ]


def _name(level: int, column: int) -> str:
    return f"{level}_{column}"
