"""All that a training needs to go on, in one safetensors file written atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from delineate.core.errors import UnreadableFileError
from delineate.files.writing import write_bytes

LAST, BEST = "last.safetensors", "best.safetensors"
_FACTS = "facts"


@dataclass
class Facts:
    """Where a training stands, beside its tensors."""

    step: int = 0
    elapsed_s: float = 0.0
    best_score: float | None = None
    best_step: int = 0
    validations: int = 0
    validations_since_best: int = 0
    slowest_validation_s: float = 0.0
    is_finished: bool = False


def save_checkpoint(
    file: Path,
    facts: Facts,
    *,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write network, averaged weights, optimiser state and facts."""
    tensors = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"average/{name}": tensor for name, tensor in average.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{name}": tensor for name, tensor in state.items()}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(file, save(plain, metadata={_FACTS: json.dumps(asdict(facts))}))


def load_checkpoint(
    file: Path,
    *,
    network: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> Facts:
    """Fill network, averaged weights and optimiser, and return the facts.

    Raises:
        UnreadableFileError: a damaged file, or one of another network.
    """
    content = _read(file)
    try:
        facts = Facts(**json.loads(_header(content)[_FACTS]))
        tensors = load(content)
        network.load_state_dict(_under("network/", tensors))
        average.load_state_dict(_under("average/", tensors))
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise UnreadableFileError(
            f"{file}: not a checkpoint of this training ({str(error).splitlines()[-1].strip()}); "
            "start again with --overwrite"
        ) from error
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimiser/", tensors).items():
        index, _, part = name.partition("/")
        moments.setdefault(int(index), {})[part] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
    return facts


def load_average(file: Path, network: nn.Module) -> None:
    """Fill a network with the averaged weights of a checkpoint."""
    network.load_state_dict(_under("average/", load(_read(file))))


def read_facts(file: Path) -> Facts:
    """Where the training of a checkpoint stood."""
    return Facts(**json.loads(_header(_read(file))[_FACTS]))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableFileError(
            f"{file}: no checkpoint to resume from; start without --resume"
        ) from error


def _header(content: bytes) -> dict[str, Any]:
    """The metadata of a safetensors file: eight bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, Any] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = len(prefix)
    return {name[start:]: each for name, each in tensors.items() if name.startswith(prefix)}
