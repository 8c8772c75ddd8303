"""How well a search for copies did on phantoms: recall by kind, false pairs, maps that fit.

Only the standard library is needed, so that it also runs beside peers in their environment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median

NameOfPair = frozenset[str]
Matrix = tuple[float, ...]

EXACT = ("twin", "contradictory_mask", "contradictory_empty_mask", "leaked_twin")
CLASSES = {
    **dict.fromkeys(EXACT, "identical"),
    "noisy_twin": "small noise",
    "flipped_twin": "flipped",
    "turned_twin": "turned",
    "recompressed_twin": "recompressed",
    "toned_twin": "toned",
    "resized_twin": "resized",
    "letterboxed_twin": "letterboxed",
    "cropped_twin": "cropped",
    "shifted_twin": "shifted",
}
"""Kinds of faults that are copies, and the column in which they are counted."""


@dataclass(frozen=True)
class Truth:
    """The planted pairs by column, pairs of frames of one sequence, contradictory masks.

    `maps` goes from (first, second) to the affine map between their pixel centres, as it was
    planted; `dice` from a pair with contradictory masks to their planted agreement. `size_px` is
    that of every picture before a change.
    """

    size_px: tuple[int, int]
    pairs: Mapping[NameOfPair, str]
    look_alikes: frozenset[NameOfPair]
    maps: Mapping[tuple[str, str], Matrix]
    dice: Mapping[NameOfPair, float]

    @property
    def columns(self) -> dict[str, int]:
        """How many pairs were planted in each column, in the order of `CLASSES`."""
        found = list(self.pairs.values())
        names = dict.fromkeys(CLASSES.values())
        return {name: found.count(name) for name in names if name in found}


@dataclass(frozen=True)
class Mark:
    """Found pairs by column, and how many false ones, of which frames of one sequence."""

    found: Mapping[str, int]
    planted: Mapping[str, int]
    false: int
    false_in_sequence: int

    def __str__(self) -> str:
        """Every column, all of them together, and the false pairs."""
        parts = [f"{name} {self.found.get(name, 0)}/{all_}" for name, all_ in self.planted.items()]
        total, all_ = sum(self.found.values()), sum(self.planted.values())
        share = f", {self.false_in_sequence} of them frames of one sequence" if self.false else ""
        return f"{', '.join(parts)}: {total}/{all_} found; {self.false} false pairs{share}"


def truth_of(folder: Path) -> Truth:
    """What planted.json tells of copies."""
    document = json.loads((folder / "planted.json").read_text())
    height, width = document["size_px"]
    pairs: dict[NameOfPair, str] = {}
    maps: dict[tuple[str, str], Matrix] = {}
    dice: dict[NameOfPair, float] = {}
    look_alikes: set[NameOfPair] = set()
    for record in document["planted"]:
        names, evidence = record["samples"], record["evidence"]
        if record["kind"] == "sequence":
            look_alikes.update(map(frozenset, combinations(names, 2)))
        if record["kind"] in CLASSES:
            pairs[frozenset(names)] = CLASSES[record["kind"]]
            maps[names[0], names[1]] = _matrix(evidence, (height, width))
        if "dice" in evidence:
            dice[frozenset(names)] = evidence["dice"]
    return Truth((height, width), pairs, frozenset(look_alikes), maps, dice)


def marked(truth: Truth, found: Iterable[Iterable[str]]) -> Mark:
    """Recall by column and false pairs of a list of pairs; a pair named twice counts once."""
    unique = {frozenset(pair) for pair in found}
    hits = [truth.pairs[pair] for pair in unique if pair in truth.pairs]
    wrong = unique - set(truth.pairs)
    return Mark(
        found={name: hits.count(name) for name in truth.columns},
        planted=truth.columns,
        false=len(wrong),
        false_in_sequence=len(wrong & truth.look_alikes),
    )


def map_errors_px(
    truth: Truth, found: Mapping[tuple[str, str], Matrix]
) -> dict[str, tuple[float, float]]:
    """Median and largest error of the maps by column, at the worst corner, in px."""
    errors: dict[str, list[float]] = {}
    for (first, second), planted in truth.maps.items():
        seen = found.get((first, second))
        if seen is None and (second, first) in found:
            seen = _inverse(found[second, first])
        if seen is not None:
            column = truth.pairs[frozenset((first, second))]
            errors.setdefault(column, []).append(_corner_error_px(planted, seen, truth.size_px))
    return {name: (median(each), max(each)) for name, each in errors.items()}


def _matrix(evidence: Mapping[str, object], size_px: tuple[int, int]) -> Matrix:
    """The planted map; older kinds tell an axis or nothing."""
    height, width = size_px
    if "matrix" in evidence:
        return tuple(evidence["matrix"])
    if evidence.get("axis") == 0:
        return (1, 0, 0, 0, -1, height - 1)
    if evidence.get("axis") == 1:
        return (-1, 0, width - 1, 0, 1, 0)
    return (1, 0, 0, 0, 1, 0)


def _inverse(matrix: Matrix) -> Matrix:
    a, b, right, c, d, down = matrix
    area = a * d - b * c
    e, f, g, h = d / area, -b / area, -c / area, a / area
    return (e, f, -(e * right + f * down), g, h, -(g * right + h * down))


def _corner_error_px(planted: Matrix, seen: Matrix, size_px: tuple[int, int]) -> float:
    height, width = size_px
    worst = 0.0
    for x, y in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        a, b, right, c, d, down = (one - other for one, other in zip(planted, seen, strict=True))
        worst = max(worst, ((a * x + b * y + right) ** 2 + (c * x + d * y + down) ** 2) ** 0.5)
    return worst
