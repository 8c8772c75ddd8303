"""One verdict for an image: an encoder of timm, pooled, with a small head."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from delineate.core.errors import SettingsError, unknown_name
from delineate.models.batch_norm import with_patient_batch_norm
from delineate.models.encoder_names import (
    TIMM,
    Grey,
    encoder_channels,
    grey_rule,
    timm_encoder_name,
)
from delineate.models.encoder_state import load_encoder_state
from delineate.models.mirror import mirrored_to_multiple
from delineate.models.torchvision_import import import_timm
from delineate.models.unreached import remove_unreached

Head = Literal["plain", "pneumothorax"]

_HEADS = ("plain", "pneumothorax")
_HIDDEN = 1024


class Classifier(nn.Module):
    """Logits of (N, classes) from images of (N, channels, H, W).

    `encoder` is any model of timm that keeps maps: convolutional ones, and transformers whose
    tokens lie on a grid. Its last maps are averaged over the image. The head "plain" is one
    linear layer; "pneumothorax" has 1,024 units with ReLU before it. `dropout` lies before the
    last layer. The softmax is outside, as everywhere. Weights are random; `load_encoder` fills
    the encoder. `grey` is that of `EncoderDecoder`.

    Images are mirrored at their borders to a multiple of `stride`, and the maps are those of the
    mirrored image.

    Raises:
        SettingsError: an encoder that timm does not know, or that takes images of one size only,
            or a head that does not exist.

    Source: the second head is that of the pneumothorax work, on DenseNet-121.
    """

    has_finite_context = False
    context_px = 0
    whole_encoder_name = staticmethod(timm_encoder_name)

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        encoder: str = "densenet121",
        head: Head = "plain",
        dropout: float = 0.0,
        grey: Grey = "adapted",
    ) -> None:
        super().__init__()
        if head not in _HEADS:
            raise unknown_name("head", head, _HEADS)
        self.encoder_name = self.whole_encoder_name(encoder)
        self.encoder_channels = encoder_channels(channels, grey)
        self.grey_rule = grey_rule(channels, grey)
        self.encoder, self.stride = _encoder_of_any_size(
            import_timm(), self.encoder_name.removeprefix(TIMM), self.encoder_channels
        )
        with_patient_batch_norm(self.encoder)
        example = torch.zeros(1, self.encoder_channels, 2 * self.stride, 2 * self.stride)
        self.removed = remove_unreached(self.encoder, self._maps, example)
        with torch.no_grad():
            width = self._maps(example).shape[1]
        self.head = _head(head, width, classes, dropout)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of each image."""
        return self.verdict(self.feature_maps(image))

    def feature_maps(self, image: Tensor) -> Tensor:
        """The encoder's last maps: (N, C, h, w), one cell for `stride` pixels a side.

        They lie over the image with its mirrored border, as `mirrored_to_multiple` makes it.
        """
        x, _ = mirrored_to_multiple(image, self.stride)
        if x.shape[1] != self.encoder_channels:
            x = x.expand(-1, self.encoder_channels, -1, -1)
        return self._maps(x)

    def verdict(self, features: Tensor) -> Tensor:
        """Logits from maps of (N, C, h, w)."""
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits

    def load_encoder(self, state: Mapping[str, Tensor]) -> bool:
        """Fill the encoder, and say whether kernels were adapted; see `load_encoder_state`.

        Raises:
            SettingsError: weights that are not those of this encoder.
        """
        return load_encoder_state(self.encoder, state, removed=self.removed)

    def _maps(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2] // self.stride, x.shape[-1] // self.stride
        return _as_maps(self.encoder, x, (height, width))


def _head(name: Head, width: int, classes: int, dropout: float) -> nn.Sequential:
    if name == "plain":
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))
    return nn.Sequential(
        nn.Linear(width, _HIDDEN), nn.ReLU(), nn.Dropout(dropout), nn.Linear(_HIDDEN, classes)
    )


def _encoder_of_any_size(timm: ModuleType, name: str, channels: int) -> tuple[nn.Module, int]:
    """A network of timm without head that takes any multiple of its stride, and the stride."""
    for flexible in ({}, {"dynamic_img_size": True}, {"strict_img_size": False}):
        try:
            encoder: Any = timm.create_model(name, in_chans=channels, num_classes=0, **flexible)
        except TypeError:  # an option of other families
            continue
        stride: int = encoder.feature_info[-1]["reduction"]
        if _takes_any_size(encoder, channels, stride):
            return encoder, stride
    raise SettingsError(
        f"encoder '{name}' cannot be a classifier here: expected one that takes images of any "
        "size and keeps its maps, such as densenet121, resnet50, efficientnet_b4 or convnext_tiny"
    )


def _takes_any_size(encoder: nn.Module, channels: int, stride: int) -> bool:
    encoder.eval()
    try:
        for cells in [(2, 1), (3, 5)]:
            image = torch.zeros(1, channels, cells[0] * stride, cells[1] * stride)
            with torch.no_grad():
                maps = _as_maps(encoder, image, cells)
            if maps.shape[-2:] != cells:
                return False
    except (AssertionError, RuntimeError, ValueError, TypeError):
        return False
    finally:
        encoder.train()
    return True


def _as_maps(encoder: Any, x: Tensor, cells: tuple[int, int]) -> Tensor:
    """The last (N, C, h, w) maps of a network whose features are maps, or tokens of a grid."""
    features: Tensor = encoder.forward_features(x)
    if features.ndim == 3:
        tokens: Tensor = features[:, getattr(encoder, "num_prefix_tokens", 0) :]  # (N, h * w, C)
        return tokens.transpose(1, 2).reshape(len(x), -1, *cells)
    if getattr(encoder, "output_fmt", None) == "NHWC":
        return features.permute(0, 3, 1, 2).contiguous()
    return features
