"""A network as a pass over arrays."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from delineate.core.errors import SettingsError
from delineate.core.types import Probability
from delineate.inference.tiles import Pass


def chosen_device(asked: str | None = None) -> str:
    """The device asked for, or the GPU where there is one.

    Raises:
        SettingsError: a GPU is asked for and torch sees none.
    """
    has_gpu = torch.cuda.is_available()
    if asked is not None and asked.startswith("cuda") and not has_gpu:
        raise SettingsError(
            f"--device {asked}: torch sees no GPU here; use --device cpu, or install a build of "
            "torch with CUDA where there is one"
        )
    return asked or ("cuda" if has_gpu else "cpu")


def torch_pass(
    network: nn.Module,
    *,
    device: str = "cpu",
    precision: str = "float32",
    is_overlapping: bool = False,
    has_presence_head: bool = False,
) -> Pass:
    """(N, C, H, W) input to (N, K, H, W) float32 probability, of a classifier to (N, K).

    One logit channel becomes the sigmoid's foreground, several the softmax over classes, or a
    sigmoid each where classes overlap; the last one of a network with a head for presence is a
    sigmoid by itself. All are computed in float32 whatever the precision of the network.
    """
    network = channels_last(network.to(device)).eval()

    def of_classes(logits: Tensor) -> Tensor:
        is_each_alone = is_overlapping or logits.shape[1] == 1
        return torch.sigmoid(logits) if is_each_alone else torch.softmax(logits, dim=1)

    def one_pass(images: NDArray[np.float32]) -> Probability:
        batch = torch.from_numpy(images).to(device, memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(device, precision):
            logits = network(batch)
        logits = logits.float()
        if has_presence_head:
            presence = torch.sigmoid(logits[:, -1:])
            probability = torch.cat([of_classes(logits[:, :-1]), presence], dim=1)
        else:
            probability = of_classes(logits)
        result: Probability = probability.cpu().contiguous().numpy()
        return result

    return one_pass


def channels_last(network: nn.Module) -> nn.Module:
    """The network with its kernels laid out as oneDNN and cuDNN like them best."""
    laid_out: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it
    return laid_out


def autocast(device: str, precision: str) -> AbstractContextManager[object]:
    """bfloat16 where the network allows it, or no change for float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)
