"""Weights on disk, as safetensors, in and out of networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from delineate.core.errors import UnreadableFileError
from delineate.files.writing import write_bytes
from delineate.inference.model_card import ModelCard
from delineate.inference.tiles import Pass
from delineate.inference.torch_segmenter import chosen_device, torch_pass
from delineate.models.catalogue import build_classifier, build_model


def load_network(
    file: Path,
    card: ModelCard,
    *,
    device: str | None,
    threads: int | None = None,
    depth: int | None = None,
) -> Pass:
    """The network of a card with its weights, pruned to a depth, as a pass over arrays.

    Raises:
        UnreadableFileError: a damaged file, or weights of another network.
    """
    network = read_network(file, card, threads=threads)
    if depth is not None and depth < len(card.depths):
        network = network.pruned(depth)  # type: ignore[operator] # a card with depths is of such a network
    return torch_pass(
        network,
        device=chosen_device(device),
        precision=card.precision,
        is_overlapping=card.is_overlapping,
        has_presence_head=card.has_presence_head,
    )


def read_network(file: Path, card: ModelCard, *, threads: int | None = None) -> nn.Module:
    """The network of a card with its weights, for masks or for verdicts as the card says.

    Raises:
        UnreadableFileError: a damaged file, or weights of another network.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    shape: dict[str, Any] = {
        "channels": card.preparation.channels,
        "classes": card.output_channels,
        "arguments": card.arguments,
    }
    network = (
        build_classifier(card.architecture, **shape)
        if card.task == "classify"
        else build_model(card.architecture, **shape, presence_head=card.has_presence_head)
    )
    try:
        network.load_state_dict(load(file.read_bytes()))
    except SafetensorError as error:
        raise UnreadableFileError(
            f"{file}: not a whole safetensors file ({error}); copy it again"
        ) from error
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise UnreadableFileError(
            f"{file}: weights of another network than '{card.architecture}' ({reason}); "
            "use the model.json that came with them"
        ) from error
    return network


def save_network(file: Path, network: nn.Module) -> None:
    """Write a network's weights, atomically."""
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    write_bytes(file, save(state))
