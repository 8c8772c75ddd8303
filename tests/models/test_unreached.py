"""Parameters that nothing depends on are removed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from delineate.models.unreached import remove_unreached


class Wasteful(nn.Module):
    """A network with a layer that is never called, one inside another, and a loose number."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Conv2d(1, 2, 1)
        self.cut = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))
        self.loose = nn.Parameter(torch.ones(3))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """The used layer, scaled."""
        return self.used(x) * self.scale


def test_what_is_not_reached_goes():
    """Layers that no output needs go with their buffers; what is needed stays, as does the mode."""
    network = Wasteful().train()
    image = torch.rand(1, 1, 4, 4)
    before = network(image)
    removed = remove_unreached(network, network, image)
    assert removed == ("cut.0.bias", "cut.0.weight", "cut.1.bias", "cut.1.weight", "loose")
    assert set(network.state_dict()) == {"used.weight", "used.bias", "scale"}
    assert torch.equal(network(image), before)
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_nothing_goes_where_all_is_reached():
    """A network without waste stays as it is."""
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
    assert remove_unreached(network, network, torch.rand(1, 1, 2, 2)) == ()
    assert len(list(network.parameters())) == 2


def test_what_matters_without_a_gradient_is_not_taken_away():
    """A layer whose output counts though no gradient goes through it makes an error."""

    class Detached(Wasteful):
        def forward(self, x: Tensor) -> Tensor:
            """The cut layers count, but only by value."""
            return super().forward(x) + self.cut(self.used(x)).detach()

    network = Detached()
    with pytest.raises(ValueError, match=r"depends on cut\.0\.bias"):
        remove_unreached(network, network, torch.rand(1, 1, 4, 4))
