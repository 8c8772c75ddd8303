"""The maps that a decoder takes from inside an EfficientNet."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from delineate.core.errors import SettingsError
from delineate.models.encoder_names import TIMM, timm_encoder_name
from delineate.models.torchvision_import import import_timm

_MAPS = 4


class EfficientNetMaps(nn.Module):
    """Expanded maps at strides 2, 4, 8 and 16, shallowest first, with random weights.

    An EfficientNet halves its maps in four blocks after its stem. Each of these blocks first
    expands its channels, by a 1x1 convolution, normalisation and activation, and halves next.
    The expanded map of each block is taken: the last at its stride, and the widest.

    Modules keep timm's names, so that its weights fit. Whatever lies behind the fourth expansion
    is not kept, and named in `removed`. `widths` are the channels of the maps.

    Raises:
        SettingsError: an encoder that timm does not have, or that has no such blocks.
    """

    def __init__(self, encoder: str, *, channels: int) -> None:
        super().__init__()
        name = timm_encoder_name(encoder).removeprefix(TIMM)
        network = import_timm().create_model(
            name, pretrained=False, in_chans=channels, num_classes=0
        )
        stages = list(getattr(network, "blocks", []))
        self._halving = [index for index, stage in enumerate(stages) if _halves(stage)]
        if len(self._halving) != _MAPS:
            raise SettingsError(
                f"encoder '{encoder}': expected {_MAPS} inverted residual blocks that halve, but "
                f"got {len(self._halving)}; take an EfficientNet, such as efficientnet_b4"
            )
        last = self._halving[-1]
        self.widths = [stages[index][0].conv_pw.out_channels for index in self._halving]
        self.conv_stem, self.bn1 = network.conv_stem, network.bn1
        self.blocks = nn.ModuleList(stages[:last])
        self.blocks.append(nn.ModuleList([_Expansion(stages[last][0])]))
        self.removed = sorted(set(network.state_dict()) - set(self.state_dict()))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps of (N, widths[k], H / 2**(k + 1), W / 2**(k + 1)); 16 must divide H and W."""
        x = self.bn1(self.conv_stem(image))
        maps: list[Tensor] = []
        for index, stage in enumerate(self.blocks):
            first, *others = stage.children()
            if index in self._halving:
                x = _expanded(first, x)
                maps.append(x)
                if len(maps) == _MAPS:
                    break
                x = _halved(first, x)
            else:
                x = first(x)
            for block in others:
                x = block(x)
        return maps


class _Expansion(nn.Module):
    """What a block does before it halves, without the rest."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.conv_pw, self.bn1 = block.conv_pw, block.bn1


def _halves(stage: nn.Module) -> bool:
    """Whether a stage begins with an inverted residual block of stride 2."""
    first: Any = next(stage.children(), None)
    if type(first).__name__ != "InvertedResidual" or not isinstance(first.conv_dw, nn.Conv2d):
        return False  # variants that compute something else
    return first.conv_dw.stride == (2, 2)


def _expanded(block: Any, x: Tensor) -> Tensor:
    expanded: Tensor = block.bn1(block.conv_pw(x))
    return expanded


def _halved(block: Any, x: Tensor) -> Tensor:
    """The rest of such a block. One that halves has no connection around it."""
    x = block.bn2(block.conv_dw(x))
    projected: Tensor = block.bn3(block.conv_pwl(block.se(block.aa(x))))
    return projected
