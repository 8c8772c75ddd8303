"""EfficientNet with a residual decoder, each stage of which sees all deeper ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.models.efficientnet_maps import EfficientNetMaps
from delineate.models.encoder_names import Grey, encoder_channels, grey_rule, timm_encoder_name
from delineate.models.encoder_state import load_encoder_state
from delineate.models.mirror import mirrored_to_multiple

_SLOPE = 0.1
_SHALLOW_DROPOUT = 0.1


class UEfficientNet(nn.Module):
    """Logits of (N, classes, H, W) from images of (N, channels, H, W).

    Its listing is called UNet++ with an EfficientNet-B4 encoder, but has neither nested nodes nor
    deep supervision: each decoder stage joins the encoder's map, at stride 16, 8, 4 and 2, with
    up-sampled maps of every deeper stage. For the network of the paper see `UNetPlusPlus`.

    As in the listing: expanded encoder maps (`EfficientNetMaps`), LeakyReLU(0.1) on the deepest,
    max-pooling, dropout and a middle of 32 * `start_neurons` channels with two residual blocks;
    decoder stages of 16, 8, 4 and 2 times `start_neurons`, each of a 3x3 up-convolution that goes
    on being up-sampled for all shallower stages, joined maps, dropout, a 3x3 convolution, one
    residual block and LeakyReLU; the same once more at full size, with 1 * `start_neurons` and
    nothing joined; half the dropout and a 1x1 head. The three shallowest stages drop 0.1 at most.

    Differs in: images of any number of channels and any size (mirrored to a multiple of 32);
    logits instead of a sigmoid; no bias where a normalisation takes it away; torch's constants of
    batch normalisation and first weights instead of those of Keras; timm's EfficientNet, which
    pads alike on both sides (`tf_efficientnet_b4` pads and normalises as in the listing) and drops
    no whole blocks in training.

    `encoder` may be any network of timm whose inverted residual blocks halve four times, as those
    of EfficientNets and MnasNets do. Its weights are random; `load_encoder` fills it. `grey` is
    that of `EncoderDecoder`.

    Source: kaggle.com/meaninglesslives/unet-plus-plus-with-efficientnet-encoder (2019).
    """

    whole_encoder_name = staticmethod(timm_encoder_name)

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        encoder: str = "efficientnet_b4",
        start_neurons: int = 8,
        dropout: float = 0.3,
        grey: Grey = "adapted",
    ) -> None:
        super().__init__()
        if start_neurons < 1:
            raise SettingsError(f"start_neurons: expected 1 or more, but got {start_neurons}")
        self.stride = 32
        self.context_px = 0
        self.has_finite_context = False  # squeeze-and-excitation averages over the image
        self.encoder_name = self.whole_encoder_name(encoder)
        self.encoder_channels = encoder_channels(channels, grey)
        self.grey_rule = grey_rule(channels, grey)
        self.encoder = EfficientNetMaps(encoder, channels=self.encoder_channels)

        bottom, *widths, full = [start_neurons * times for times in (32, 16, 8, 4, 2, 1)]
        drops = [dropout, dropout, *[min(_SHALLOW_DROPOUT, dropout)] * 3]
        skips = self.encoder.widths[::-1]
        self.middle = nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv2d(skips[0], bottom, kernel_size=3, padding=1),
            _Residual(bottom),
            _Residual(bottom),
            nn.LeakyReLU(_SLOPE),
        )
        self.up = nn.ModuleList(
            _up_chain(before, here, len(widths) - stage)
            for stage, (before, here) in enumerate(zip([bottom, *widths], widths, strict=False))
        )
        self.stages = nn.ModuleList(
            _stage(skip + deeper, here, drop)
            for skip, deeper, here, drop in zip(
                skips, accumulate(widths), widths, drops, strict=False
            )
        )
        self.up_to_full = _up(widths[-1], full)
        self.full = _stage(full, full, drops[-1])
        self.head = nn.Sequential(nn.Dropout(dropout / 2), nn.Conv2d(full, classes, kernel_size=1))

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the size of the image."""
        return self.with_deepest(image)[0]

    def with_deepest(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits at the size of the image, and the features of the middle."""
        x, (rows, columns) = mirrored_to_multiple(image, self.stride)
        if x.shape[1] != self.encoder_channels:
            x = x.expand(-1, self.encoder_channels, -1, -1)
        *shallow, deepest = self.encoder(x)
        deepest = F.leaky_relu(deepest, _SLOPE)
        x = middle = self.middle(F.max_pool2d(deepest, 2))
        # (N, 32 * start_neurons, H / 32, W / 32)
        trails: list[list[Tensor]] = []  # of each stage, its map at its size, and at all larger
        for skip, chain, stage in zip([deepest, *shallow[::-1]], self.up, self.stages, strict=True):
            trails.append(_enlarged(chain, x))
            joined = [trail[larger] for larger, trail in enumerate(reversed(trails))]
            x = stage(torch.cat([*joined, skip], dim=1))
        logits: Tensor = self.head(self.full(self.up_to_full(x)))
        return logits[:, :, rows, columns], middle

    def load_encoder(self, state: Mapping[str, Tensor]) -> bool:
        """Fill the encoder, and say whether kernels were adapted; see `load_encoder_state`.

        Raises:
            SettingsError: weights that are not those of this encoder.
        """
        return load_encoder_state(self.encoder, state, removed=self.encoder.removed)


class _Residual(nn.Module):
    """Activation, normalisation and two 3x3 convolutions, added to the normalised input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolved = nn.Sequential(
            nn.LeakyReLU(_SLOPE),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.direct = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        added: Tensor = self.convolved(x) + self.direct(x)
        return added


def _stage(before: int, width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Conv2d(before, width, kernel_size=3, padding=1),
        _Residual(width),
        nn.LeakyReLU(_SLOPE),
    )


def _up(before: int, width: int) -> nn.ConvTranspose2d:
    """Twice the size, exactly."""
    return nn.ConvTranspose2d(before, width, kernel_size=3, stride=2, padding=1, output_padding=1)


def _up_chain(before: int, width: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(_up(width if step else before, width) for step in range(count))


def _enlarged(chain: nn.Module, x: Tensor) -> list[Tensor]:
    """The map after each of a chain of up-convolutions."""
    maps: list[Tensor] = []
    for enlarge in chain.children():
        x = enlarge(x)
        maps.append(x)
    return maps
