"""The way down of a U-Net, with a verdict in the place of the way up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from delineate.models.encoder_state import load_encoder_state
from delineate.models.encoder_weights import UNET
from delineate.models.layers import Normalisation, double_convolution
from delineate.models.mirror import mirrored_to_multiple
from delineate.models.unet import level_widths

# Mean and maximum of each deepest channel: a rim in a corner moves the mean little.
_POOLED = 2


class UNetClassifier(nn.Module):
    """Logits of (N, classes) from images of (N, channels, H, W).

    The levels of `UNet`, with its `width`, `depth`, `widths` and `normalisation`; mean and maximum
    of the deepest maps over the image; `dropout` and one linear layer. Weights are random;
    `load_encoder` takes those of the levels from a `UNet` of the same, which has learnt where
    things are and not only whether. Images are mirrored at their borders to a multiple of
    2**depth, and the maps are those of the mirrored image.
    """

    has_finite_context = False
    context_px = 0
    encoder_name = UNET

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
        encoder: str = UNET,
    ) -> None:
        super().__init__()
        if encoder != UNET:
            raise ValueError(f"its encoder is '{UNET}', found '{encoder}'")
        widths = level_widths(width, depth, widths)
        self.stride = 2 ** (len(widths) - 1)
        self.grey_rule = "channels enter as they are"
        self.encoder = nn.ModuleList(
            double_convolution(before, after, normalisation)
            for before, after in zip([channels, *widths], widths, strict=False)
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(_POOLED * widths[-1], classes))

    @staticmethod
    def whole_encoder_name(encoder: str) -> str:
        """There is one."""
        return encoder

    def forward(self, image: Tensor) -> Tensor:
        """Logits of each image."""
        return self.verdict(self.feature_maps(image))

    def feature_maps(self, image: Tensor) -> Tensor:
        """The deepest maps: (N, C, h, w), one cell for `stride` pixels a side."""
        x, _ = mirrored_to_multiple(image, self.stride)
        for level, convolve in enumerate(self.encoder):
            x = convolve(F.max_pool2d(x, 2) if level else x)
        return x

    def verdict(self, features: Tensor) -> Tensor:
        """Logits from maps of (N, C, h, w)."""
        pooled = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        logits: Tensor = self.head(pooled)
        return logits

    def load_encoder(self, state: Mapping[str, Tensor]) -> bool:
        """Fill the levels from a U-Net's, and say whether kernels were adapted.

        Raises:
            SettingsError: weights that are not those of these levels.
        """
        levels = {name: value for name, value in state.items() if "encoder." in name}
        return load_encoder_state(self.encoder, levels)
