"""All that a training needs to go on, in one safetensors file written atomically."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from delineate.core.errors import UnreadableFileError
from delineate.files.writing import write_bytes

CHECKPOINTS = "checkpoints"
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
    loss_sum: float = 0.0
    loss_steps: int = 0
    is_finished: bool = False
    why_stopped: str = "the budget is used"


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
    facts, tensors = _opened(file)
    with _refusing(file):
        network.load_state_dict(_under("network/", tensors))
        average.load_state_dict(_under("average/", tensors))
        state = _optimiser_state(optimiser, _under("optimiser/", tensors))
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return facts


def load_average(file: Path, network: nn.Module) -> None:
    """Fill a network with the averaged weights of a checkpoint.

    Raises:
        UnreadableFileError: a missing or damaged file, or one of another network.
    """
    _, tensors = _opened(file)
    with _refusing(file):
        network.load_state_dict(_under("average/", tensors))


def newest_checkpoint(folder: Path) -> Path | None:
    """The file that is farthest on: the best one, where no other was written after it.

    Raises:
        UnreadableFileError: a damaged file.
    """
    there = [folder / name for name in (LAST, BEST) if (folder / name).exists()]
    return max(there, key=lambda file: _opened(file)[0].step, default=None)


def _opened(file: Path) -> tuple[Facts, dict[str, Tensor]]:
    if not file.is_file():
        raise UnreadableFileError(
            f"{file}: no checkpoint to resume from; start again with --overwrite"
        )
    with _refusing(file):
        content = file.read_bytes()
        tensors = load(content)
        # The metadata of a safetensors file: eight bytes of length, then JSON.
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        return TypeAdapter(Facts).validate_python(json.loads(metadata[_FACTS])), tensors


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """Anything that does not fit becomes one line that names the file."""
    try:
        yield
    except (SafetensorError, LookupError, ValueError, TypeError, RuntimeError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
        raise UnreadableFileError(
            f"{file}: not a checkpoint of this training ({reason}); start again with --overwrite"
        ) from error


def _optimiser_state(
    optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]
) -> dict[int, dict[str, Tensor]]:
    """The moments of each parameter, in its own memory layout, as they were when saved."""
    parameters = [each for group in optimiser.param_groups for each in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, part = name.partition("/")
        parameter = parameters[int(index)]
        if tensor.ndim > 0:
            tensor = torch.empty_like(parameter, dtype=tensor.dtype).copy_(
                tensor.view_as(parameter)
            )
        state.setdefault(int(index), {})[part] = tensor
    if len(state) != len(parameters):
        raise ValueError(f"the optimiser's state of {len(state)} of {len(parameters)} parameters")
    return state


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = len(prefix)
    return {name[start:]: each for name, each in tensors.items() if name.startswith(prefix)}
