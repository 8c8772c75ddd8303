"""How far a network of convolutions and pooling windows sees."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

_Window = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d


def walked_context_px(
    network: nn.Module, forward: Callable[[Tensor], Tensor], example: Tensor, *, stride: int
) -> int:
    """How far, in pixels, an output looks to each side: a bound, by one walk along all windows.

    A cell is placed at its first pixel. A window of k cells of s pixels with padding p then
    reaches p*s before and (k-1-p)*s after; windows one after another add up. Nearest
    enlargement back to full size looks back by at most stride - 1. Parallel branches are added as
    if they were one after another, so the bound is tight only where the shorter reach nothing.
    """
    before, after = [stride - 1], [0]
    width = example.shape[-1]

    def add(module: nn.Module, inputs: tuple[Tensor, ...], _: object) -> None:
        assert isinstance(module, _Window)
        cell = width // inputs[0].shape[-1]
        padding = _across(module.padding)
        dilation = 1 if isinstance(module, nn.AvgPool2d) else _across(module.dilation)
        before.append(padding * cell)
        after.append((dilation * (_across(module.kernel_size) - 1) - padding) * cell)

    windows = [module for module in network.modules() if isinstance(module, _Window)]
    hooks = [module.register_forward_hook(add) for module in windows]
    was_training = network.training
    network.eval()
    with torch.no_grad():
        forward(example)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return max(sum(before), sum(after))


def _across(size: int | str | tuple[int, ...]) -> int:
    """The size along columns; networks here have square windows and padding in numbers."""
    if isinstance(size, str):
        raise ValueError(f"expected padding in numbers, but got '{size}'")
    return size if isinstance(size, int) else size[-1]
