"""Encoders by name with decoders by name: what segmentation-models-pytorch and timm build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from delineate.core.errors import unknown_name
from delineate.models.batch_norm import with_patient_batch_norm
from delineate.models.context import walked_context_px
from delineate.models.encoder_names import (
    TIMM,
    Grey,
    encoder_channels,
    full_encoder_name,
    grey_rule,
    timm_tensor_names,
)
from delineate.models.encoder_state import load_encoder_state
from delineate.models.mirror import mirrored_to_multiple
from delineate.models.torchvision_import import import_smp
from delineate.models.unreached import remove_unreached

DECODERS = {
    "unet": "Unet",
    "unetpp": "UnetPlusPlus",
    "fpn": "FPN",
    "deeplabv3plus": "DeepLabV3Plus",
    "upernet": "UPerNet",
    "segformer": "Segformer",
    "linknet": "Linknet",
    "manet": "MAnet",
}

_LOCAL_ENCODERS = ("vgg", "resnet", "resnext", "densenet", "mobilenet_v2")
"""Beginnings of names: convolutions, pooling windows and batch normalisation only."""


class EncoderDecoder(nn.Module):
    """Logits of (N, classes, H, W) from images of (N, channels, H, W).

    `encoder` is a name of segmentation-models-pytorch (vgg16, vgg16_bn, densenet121,
    efficientnet-b4, resnet18, mit_b0, ...) or any of timm with four or five halvings
    (convnext_tiny, mobilenetv3_small_050, tu-resnet18, ...); `decoder` is one of unet, unetpp,
    fpn, deeplabv3plus, upernet, segformer, linknet and manet. Weights are random; `load_encoder`
    fills the encoder. Images are mirrored at their borders to a multiple of `stride` and the
    logits are cropped back.

    `grey` says how one channel enters an encoder made for three colours: "adapted" makes the
    first convolution take one channel, and `load_encoder` sums kernels over the colours;
    "repeated" gives the channel three times. `grey_rule` says in words how channels enter. Three
    enter as they are.

    Where a decoder pools the whole image to one cell (deeplabv3plus, upernet), a batch of one
    image is normalised there by the running statistics (`PatientBatchNorm`).

    `context_px` is known for the decoder unet on VGG, ResNet, ResNeXt, DenseNet and MobileNetV2;
    elsewhere squeeze-and-excitation, pooling pyramids, attention or group normalisation see the
    whole image, or nobody has measured, and `has_finite_context` is false.

    Raises:
        SettingsError: an encoder or decoder that does not exist.
        ValueError: two that do not go together, as VGG with deeplabv3plus.

    Source: the decoders are those of segmentation-models-pytorch with its defaults.
    """

    whole_encoder_name = staticmethod(full_encoder_name)

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        encoder: str,
        decoder: str = "unet",
        grey: Grey = "adapted",
    ) -> None:
        super().__init__()
        if decoder not in DECODERS:
            raise unknown_name("decoder", decoder, DECODERS)
        self.encoder_name = self.whole_encoder_name(encoder)
        self.encoder_channels = encoder_channels(channels, grey)
        self.grey_rule = grey_rule(channels, grey)
        whole = _of_any_size(
            getattr(import_smp(), DECODERS[decoder]),
            encoder_name=self.encoder_name,
            in_channels=self.encoder_channels,
            classes=classes,
        )
        self.encoder: nn.Module = whole.encoder
        self.decoder: nn.Module = whole.decoder
        self.head: nn.Module = whole.segmentation_head
        self.stride: int = whole.encoder.output_stride
        with_patient_batch_norm(self)
        example = torch.zeros(1, self.encoder_channels, 2 * self.stride, 2 * self.stride)
        self.removed = remove_unreached(self, self._logits, example)
        self.has_finite_context = decoder == "unet" and self.encoder_name.startswith(
            _LOCAL_ENCODERS
        )
        self.context_px = 0
        if self.has_finite_context:
            self.context_px = walked_context_px(self, self._logits, example, stride=self.stride)

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the size of the image."""
        return self.with_deepest(image)[0]

    def with_deepest(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits at the size of the image, and the last features of the encoder."""
        x, (rows, columns) = mirrored_to_multiple(image, self.stride)
        if x.shape[1] != self.encoder_channels:
            x = x.expand(-1, self.encoder_channels, -1, -1)
        features = self.encoder(x)
        logits: Tensor = self.head(self.decoder(features))
        return logits[:, :, rows, columns], features[-1]

    def load_encoder(self, state: Mapping[str, Tensor]) -> bool:
        """Fill the encoder, and say whether kernels were adapted; see `load_encoder_state`.

        Raises:
            SettingsError: weights that are not those of this encoder.
        """
        if self.encoder_name.startswith(TIMM):
            removed = timm_tensor_names(self.encoder_name)
        else:
            removed = {name.removeprefix("encoder.") for name in self.removed}
        return load_encoder_state(self.encoder, state, removed=removed)

    def _logits(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.decoder(self.encoder(x)))
        return logits


def _of_any_size(build: Callable[..., Any], **arguments: Any) -> Any:
    """The network of segmentation-models-pytorch, by an encoder that insists on no size."""
    refusal: Exception | None = None
    for flexible in ({}, {"strict_img_size": False}):
        try:
            whole = build(encoder_weights=None, **arguments, **flexible)
            side = 2 * whole.encoder.output_stride
            with torch.no_grad():
                whole.eval()(torch.zeros(1, arguments["in_channels"], side, 2 * side))
            return whole.train()
        except (AssertionError, TypeError) as error:
            refusal = refusal or error
    raise ValueError(
        f"encoder '{arguments['encoder_name']}' takes images of one size only ({refusal})"
    )
