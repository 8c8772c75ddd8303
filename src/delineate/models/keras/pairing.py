"""Which layer of a file goes to which place of a network: all of them, each to one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from delineate.core.errors import UnreadableFileError
from delineate.models.keras.layers import Kind, Layer, Place, Shape
from delineate.models.keras.networks import Network

_SHOWN = 4


@dataclass(frozen=True)
class Pairing:
    """Each layer with its place, in the order of the network, and what told them apart."""

    pairs: tuple[tuple[Layer, Place], ...]
    by: Literal["name", "order"]

    @property
    def outputs(self) -> int | None:
        """How many outputs the top has; None without a top."""
        layer, place = self.pairs[-1]
        return layer.arrays["kernel"].shape[-1] if place.kind is Kind.DENSE else None


def pair(layers: Sequence[Layer], network: Network, *, source: Path) -> Pairing:
    """Every layer of the file with a place of its own, and every place with a layer.

    Layers go by their names or, where no name is one that keras.applications gives, by their
    order; dense layers always go by their order, for their names are the user's. A file without
    any dense layer has no top.

    Raises:
        UnreadableFileError: the file lacks a layer or array, has one more, or another shape.
    """
    dense = [layer for layer in layers if layer.kind is Kind.DENSE]
    places = network.body + (network.top if dense else ())
    known = {place.layer for place in network.body}
    by: Literal["name", "order"] = (
        "name" if any(_plain(layer) in known for layer in layers) else "order"
    )
    found = _ordered(layers, places) if by == "order" else _named(layers, network.body)
    found |= _ordered(dense, places)
    pairs = [(found[place], place) for place in places if place in found]
    missing = [place.layer for place in places if place not in found]
    left_over = _left_over(layers, found.values())
    if by == "order" and (missing or left_over):
        # Behind the first gap every layer stands beside a wrong place: names would mislead.
        problems = [f"it holds {_counted(layers)}, in place of {_counted(places)}"]
    else:
        differences = [text for each in pairs for text in _differences(*each)]
        problems = [
            *_told("missing", missing),
            *_told("not part of it", left_over),
            *_told("of another shape", differences),
        ]
    if problems:
        raise UnreadableFileError(
            f"{source}: these are not the layers of {network.name} as keras.applications builds "
            f"it: {'; '.join(problems)}. Name the right network with --as, or save the weights "
            "of this network alone"
        )
    return Pairing(tuple(pairs), by)


def _plain(layer: Layer) -> str:
    return layer.name.replace("/", "_")


def _named(layers: Sequence[Layer], places: Iterable[Place]) -> dict[Place, Layer]:
    by_name = {_plain(layer): layer for layer in layers}
    return {place: by_name[place.layer] for place in places if place.layer in by_name}


def _ordered(layers: Sequence[Layer], places: Sequence[Place]) -> dict[Place, Layer]:
    found: dict[Place, Layer] = {}
    for kind in Kind:
        found |= zip(
            [place for place in places if place.kind is kind],
            [layer for layer in layers if layer.kind is kind],
            strict=False,
        )
    return found


def _left_over(layers: Sequence[Layer], taken: Iterable[Layer]) -> list[str]:
    used = {id(layer) for layer in taken}
    return [layer.name for layer in layers if id(layer) not in used]


def _differences(layer: Layer, place: Place) -> list[str]:
    """What a layer holds otherwise than its place expects."""
    expected, texts = place.shapes, []
    for part in {**expected, **layer.arrays}:
        if part not in layer.arrays:
            texts.append(f"{layer.name} without {part}")
        elif part not in expected:
            texts.append(f"{layer.name} with {part or 'an array'} besides")
        elif not _fits(layer.arrays[part].shape, expected[part]):
            wanted = ", ".join("any" if size is None else str(size) for size in expected[part])
            texts.append(f"{layer.name} {part} {layer.arrays[part].shape} for ({wanted})")
    return texts


def _fits(shape: tuple[int, ...], expected: Shape) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (None, size) for size, wanted in zip(shape, expected, strict=True)
    )


def _told(what: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"{what}: {', '.join(names[:_SHOWN])}{more}"]


def _counted(those: Sequence[Layer | Place]) -> str:
    kinds = [each.kind for each in those]
    counts = [f"{kinds.count(kind)} {kind}" for kind in Kind if kind in kinds]
    others = [each.name for each in those if isinstance(each, Layer) and each.kind is None]
    return ", ".join([*counts, *_told("and of no known kind", others)]) or "no layer with weights"
