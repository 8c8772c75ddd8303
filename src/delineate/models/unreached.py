"""Parameters that no output depends on: of heads cut off, of stages not used."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def remove_unreached(
    network: nn.Module, forward: Callable[[Tensor], Tensor], example: Tensor
) -> tuple[str, ...]:
    """The names of parameters that `forward` never reached, now removed from the network.

    Foreign encoders bring parts along that a decoder does not read. They would cost memory
    and be written with every model, and no training would change them.

    Raises:
        ValueError: the output would no longer be the same.
    """
    was_training = network.training
    network.eval()
    parameters = dict(network.named_parameters())
    with torch.enable_grad():
        before = forward(example)
        gradients = torch.autograd.grad(before.sum(), list(parameters.values()), allow_unused=True)
    unreached = {
        name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None
    }
    _remove(network, unreached)
    with torch.no_grad():
        if unreached and not torch.equal(before, forward(example)):
            raise ValueError(f"the output depends on {min(unreached)} though no gradient does")
    network.train(was_training)
    return tuple(sorted(unreached))


def _remove(network: nn.Module, unreached: set[str]) -> None:
    """A module all of whose own and inner parameters go, goes with its buffers."""
    for path, module in list(network.named_modules()):
        names = [f"{path}.{name}".lstrip(".") for name, _ in module.named_parameters()]
        if (
            path
            and any(True for _ in module.parameters(recurse=False))
            and unreached.issuperset(names)
        ):
            parent, _, name = path.rpartition(".")
            setattr(network.get_submodule(parent), name, nn.Identity())
            continue
        for name, _ in list(module.named_parameters(recurse=False)):
            if f"{path}.{name}".lstrip(".") in unreached:
                setattr(module, name, None)
