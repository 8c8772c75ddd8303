"""Where in an image the verdict of a classifier comes from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from delineate.core.types import HeatMap, Image, Probability
from delineate.inference.model_card import PRESENT
from delineate.inference.preparation import Preparation, resize_probability
from delineate.inference.repeats import view_average
from delineate.inference.settings import PredictSettings
from delineate.inference.tiles import Pass
from delineate.inference.torch_segmenter import channels_last
from delineate.models.mirror import mirrored_to_multiple


def grad_cam_pass(network: nn.Module, *, device: str = "cpu") -> Pass:
    """(N, C, H, W) input to (N, 1, H, W) maps, in the unit of the logit.

    They are the network's last features weighted by the mean slope of the logit of "present",
    where that is above nothing, brought to the size of the input linearly; what lies over a
    mirrored border is left out. The network gives `feature_maps(images)`, and the logits (N, 2)
    by `verdict(features)`. Computed in float32 whatever the network's precision.

    Source: Selvaraju et al. (2017), arXiv:1610.02391, equations 1 and 2; the logit is the class
    score before the softmax, as there.
    """
    network = channels_last(network.to(device)).eval()

    def heat(images: NDArray[np.float32]) -> Probability:
        batch = torch.from_numpy(images).to(device, memory_format=torch.channels_last)
        with torch.no_grad():
            features = network.feature_maps(batch)  # type: ignore[operator] # nn.Module types it Tensor
        features = features.detach().requires_grad_()
        with torch.enable_grad():
            logits = network.verdict(features)  # type: ignore[operator] # nn.Module types it Tensor
            (slope,) = torch.autograd.grad(logits[:, PRESENT].sum(), features)
        weights = slope.mean(dim=(2, 3), keepdim=True)  # (N, K, 1, 1)
        weighted = (weights * features.detach()).sum(dim=1, keepdim=True).relu()
        # The features lie over the image with the border that the network gave it.
        mirrored, (rows, columns) = mirrored_to_multiple(batch, int(network.stride))  # type: ignore[arg-type] # nn.Module types it Tensor
        enlarged = F.interpolate(weighted, mirrored.shape[2:], mode="bilinear")
        result: Probability = enlarged[..., rows, columns].cpu().contiguous().numpy()
        return result

    return heat


def heat_mapper(
    cam_pass: Pass, preparation: Preparation, settings: PredictSettings
) -> Callable[[Image], HeatMap]:
    """The heat map of an image at its own size: the mean over views, as a share of its maximum.

    Brought to the size of the image linearly; all 0 where nothing speaks for "present".
    """
    views = view_average(cam_pass, settings.repeats)

    def heat_map(image: Image) -> HeatMap:
        image = image[..., None] if image.ndim == 2 else image
        heat = resize_probability(views(preparation(image)[None])[0], image.shape[:2])[0]
        highest = float(heat.max())
        return heat / np.float32(highest) if highest > 0 else np.zeros_like(heat)

    return heat_map
