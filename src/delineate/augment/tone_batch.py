"""The changes of tone for a whole batch on an accelerator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.augment.tone import SMALLEST_BLUR_PX, Tone


def apply_tone_batch(tones: Sequence[Tone], patches: Tensor) -> Tensor:
    """The (N, C, H, W) unit patches, each in its tone, as `apply_tone` does one by one.

    Equal but for the grains: noise and speckle are drawn by the device's own generator.
    """
    patches = patches.clamp(0, 1) ** _column([tone.gamma for tone in tones], patches)
    mean = patches.mean(dim=(2, 3), keepdim=True)
    channels = patches.shape[1]
    brightness = torch.tensor(
        [(tone.brightness * channels)[:channels] for tone in tones], device=patches.device
    )
    contrast = _column([tone.contrast for tone in tones], patches)
    patches = (patches - mean) * contrast + mean + brightness[:, :, None, None]
    patches = torch.stack(
        [
            _blurred(patch, tone.blur_px) if tone.blur_px > SMALLEST_BLUR_PX else patch
            for patch, tone in zip(patches, tones, strict=True)
        ]
    )
    if any(tone.speckle or tone.noise for tone in tones):
        grains = torch.Generator(patches.device).manual_seed(tones[0].noise_seed)
        speckle = _column([tone.speckle for tone in tones], patches)
        noise = _column([tone.noise for tone in tones], patches)
        patches = patches * (1 + speckle * _grains(patches, grains))
        patches = patches + noise * _grains(patches, grains)
    return patches.clamp(0, 1)


def _column(values: Sequence[float], patches: Tensor) -> Tensor:
    return torch.tensor(values, device=patches.device, dtype=patches.dtype).view(-1, 1, 1, 1)


def _grains(patches: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(patches.shape, generator=generator, device=patches.device)


def _blurred(patch: Tensor, blur_px: float) -> Tensor:
    """A (C, H, W) patch under a Gaussian, mirrored at its border, along rows then columns."""
    # As wide as OpenCV takes it, but no mirror is wider than the patch.
    radius = max(1, min(round(4 * blur_px), min(patch.shape[1:]) - 1))
    x = torch.arange(-radius, radius + 1, device=patch.device, dtype=patch.dtype)
    kernel = torch.exp(-(x**2) / (2 * blur_px**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    each = patch.unsqueeze(1)  # (C, 1, H, W)
    each = F.conv2d(F.pad(each, (radius, radius, 0, 0), mode="reflect"), kernel)
    each = F.conv2d(F.pad(each, (0, 0, radius, radius), mode="reflect"), kernel.transpose(2, 3))
    return each.squeeze(1)
