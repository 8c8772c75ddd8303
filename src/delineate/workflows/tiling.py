"""How much it matters to a network that a large image comes in tiles."""

from __future__ import annotations

import numpy as np
from torch import nn

from delineate.core.geometry import round_up
from delineate.inference.model_card import Tiling
from delineate.inference.settings import PredictSettings
from delineate.workflows.training_data import ValidationCases, lost_px

# A larger image would not fit the memory of a small machine in one pass.
_LARGEST_PX = 1536


def tiling_of(
    network: nn.Module, cases: ValidationCases, settings: PredictSettings
) -> Tiling | None:
    """The first validation image in tiles of half its side against the same in one pass.

    None where tiles change nothing but rounding: the network sees no farther than the margin that
    is thrown away, or takes the surroundings of each tile from the image itself.
    """
    if lost_px(network):
        return None
    reason = _reason(network, settings)
    if reason is None:
        return None
    longest_px = max(cases.first_size_px)
    half_px = round_up(-(-longest_px // 2), _stride(network))
    tile_px = max(half_px, _smallest_tile_px(network, settings))
    if longest_px <= tile_px or longest_px > _LARGEST_PX:
        size = f"of {longest_px} px"
        why = "fits one tile" if longest_px <= tile_px else "is too large for one pass"
        return Tiling(reason=f"{reason}; not measured, for the first validation image {size} {why}")
    single = settings.model_copy(update={"repeats": "single"})
    whole, tiled = (
        next(cases.judged(network, single.model_copy(update={"tile_px": side})))[0]
        for side in (round_up(longest_px, _stride(network)), tile_px)
    )
    difference = np.abs(whole - tiled)
    return Tiling(
        reason=reason,
        tile_px=tile_px,
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
    )


def _reason(network: nn.Module, settings: PredictSettings) -> str | None:
    if not network.has_finite_context:
        return "the network looks at all of a tile, so that tiles change what it says"
    context_px = int(network.context_px)  # type: ignore[arg-type] # nn.Module types it Tensor
    if context_px > settings.margin_px:
        return (
            f"the network sees {context_px} px far and tiles overlap by a margin of "
            f"{settings.margin_px} px, so that they change what it says near their borders"
        )
    return None


def _smallest_tile_px(network: nn.Module, settings: PredictSettings) -> int:
    """The least that holds two margins, a blend and one stride."""
    return round_up(2 * settings.margin_px + settings.blend_px, _stride(network)) + _stride(network)


def _stride(network: nn.Module) -> int:
    return int(network.stride)  # type: ignore[arg-type] # nn.Module types it Tensor
