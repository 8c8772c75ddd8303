"""How much memory a training will take, and how much there is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch import Tensor, nn

from delineate.auditing.soundness.case_facts import CaseFacts
from delineate.core.geometry import Size
from delineate.inference.preparation import Preparation
from delineate.recipe.recipe import Recipe
from delineate.workflows.preflight_findings import Finding
from delineate.workflows.training_data import lost_px

# Copies of every weight: itself, its gradient, the average over steps; and what optimisers keep.
_COPIES = 3
_KEPT_BY = {"adamw": 2, "sgd": 1}
# What a step takes at its peak, as a multiple of what it keeps for the gradients.
_PEAK = 1.5
_CGROUP = Path("/sys/fs/cgroup")
_OLD_CGROUP = _CGROUP / "memory"
_GIB = 2**30
# A pass that counts what is kept looks at patches of at most so many pixels.
_MOST_PROBE_PX = 2**20


@dataclass(frozen=True)
class Memory:
    """Bytes that a training needs, by what for, and that are free; None where nobody says."""

    weights: int
    activations: int
    images: int
    free: int | None
    free_images: int | None

    @property
    def needed(self) -> int:
        """Bytes where the network is: on the processor with the images kept for it."""
        return self.weights + self.activations

    @property
    def document(self) -> dict[str, int | None]:
        """Plain JSON values."""
        return {
            "weights_bytes": self.weights,
            "activations_bytes": self.activations,
            "images_bytes": self.images,
            "free_bytes": self.free,
        }


def memory_of(
    network: nn.Module,
    plan: Recipe,
    preparation: Preparation,
    facts: Iterable[CaseFacts],
    *,
    device: str,
    precision: str,
) -> Memory:
    """What training this network by this recipe takes.

    What a step keeps for its gradients is counted in a pass over two patches, and multiplied.
    The network is used as it is: its running statistics may change, so that a copy is wanted.
    """
    weights = sum(each.numel() * each.element_size() for each in network.parameters())
    patches = min(2, plan.train.batch)
    kept = _kept_bytes(network, plan, preparation, patches, device=device, precision=precision)
    place = torch.device(device)
    free = torch.cuda.mem_get_info(place)[0] if place.type == "cuda" else free_bytes()
    return Memory(
        weights=weights * (_COPIES + _KEPT_BY[plan.train.optimiser]),
        activations=int(_PEAK * kept * plan.train.batch / patches),
        images=_images_bytes(plan, preparation, facts),
        free=free,
        free_images=None if place.type == "cuda" else free,
    )


def too_much(memory: Memory, plan: Recipe) -> Finding | None:
    """The finding of a training that needs more than is free, with what to change."""
    if memory.free is None:
        return None
    images = memory.images if memory.free_images is not None else 0
    needed = memory.needed + images
    if needed <= memory.free:
        return None
    told = (
        f"this training needs about {needed / _GIB:.1f} GiB of memory "
        f"({memory.activations / _GIB:.1f} for a batch of {plan.train.batch} patches, "
        f"{memory.weights / _GIB:.1f} for weights and optimiser, {images / _GIB:.1f} for images "
        f"kept), and {memory.free / _GIB:.1f} GiB are free"
    )
    return Finding("memory", f"{told}; {_remedy(memory, images, plan)}")


def free_bytes() -> int | None:
    """Memory that is free for this process: of the machine, or of the group it is held to."""
    known = [each for each in (_of_machine(), _of_group()) if each is not None]
    return min(known) if known else None


def _remedy(memory: Memory, images: int, plan: Recipe) -> str:
    free = memory.free or 0
    if memory.needed <= free:
        return f"--set patches.cache_gb={max((free - memory.needed) / _GIB / 2, 0.01):.2g}"
    one = memory.activations / plan.train.batch
    batch = int((free - memory.weights - min(images, free // 4)) / one)
    if batch >= 1:
        return f"--set train.batch={batch}"
    return "take smaller patches with --set patches.size_px, or a narrower network"


def _kept_bytes(
    network: nn.Module,
    plan: Recipe,
    preparation: Preparation,
    patches: int,
    *,
    device: str,
    precision: str,
) -> int:
    """Bytes that one pass keeps for the gradients, weights left out."""
    place = torch.device(device)
    own = {each.data_ptr() for each in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if tensor.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    size_px = _probe_px(plan.patches.size_px, network)
    scale = prod(plan.patches.size_px) / prod(size_px)
    images = torch.zeros(patches, preparation.channels, *size_px, device=place)
    is_half = precision == "bfloat16"
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast(place.type, torch.bfloat16, enabled=is_half),
    ):
        outputs = network.to(place).train()(images)
    del outputs
    return int(scale * sum(kept.values()))


def _probe_px(size_px: Size, network: nn.Module) -> Size:
    """Patches of this size, or smaller ones in which a network keeps as much a pixel.

    A pass over patches that need more than there is would end the program instead of telling.
    """
    while prod(size_px) > _MOST_PROBE_PX and not lost_px(network):
        size_px = (-(-size_px[0] // 2), -(-size_px[1] // 2))
    return size_px


def _images_bytes(plan: Recipe, preparation: Preparation, facts: Iterable[CaseFacts]) -> int:
    """Bytes of the images and labels that are kept between steps, up to what the recipe allows."""
    total = 0.0
    for each in facts:
        rows, columns = preparation.working_size_px(each.size_px)
        area = rows * columns
        # The image in its own type, its labels, and places of pixels and of classes.
        total += each.bytes * area / (each.size_px[0] * each.size_px[1]) + area
        total += 4 * min(2 * area, 40_000)
    return int(min(total, plan.patches.cache_gb * _GIB))


def _of_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _of_group() -> int | None:
    """What the control group still allows; files that can be dropped count as free."""
    names = ("memory.max", "memory.current", "inactive_file")
    old = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    for folder, (limit, used, droppable) in ((_CGROUP, names), (_OLD_CGROUP, old)):
        with contextlib.suppress(OSError, ValueError):
            most = int((folder / limit).read_text(encoding="utf-8"))
            now = int((folder / used).read_text(encoding="utf-8"))
            rows = (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
            table = dict(row.split() for row in rows)
            return max(most - now + int(table.get(droppable, "0")), 0)
    return None
