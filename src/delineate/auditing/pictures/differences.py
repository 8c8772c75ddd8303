"""How different the pictures of a set are: the distances of all pairs, in counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.records import Pair
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.orientation import UPRIGHT
from delineate.auditing.pictures.pairs import pair_distance
from delineate.core.progress import SILENT, Progress, track
from delineate.core.seeds import stream
from delineate.data.listing import counted

DRAWN = 64
BINS_A_DECADE = 4


@dataclass(frozen=True)
class Differences:
    """Counts of pairs by distance, upright, among pictures of equal size and type.

    `edges` (n + 1,) are positive and rise by equal factors; `identical` pairs have no place
    on such a scale. Counts left of `exact_under` are exact; those beyond are the share among
    the pairs of a few drawn pictures, times all pairs.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.float64]
    identical: int
    pairs: int
    exact_under: float
    words: str


def differences(
    gallery: Gallery,
    pairs: Sequence[Pair],
    *,
    exact_under: float,
    seed: int,
    drawn: int = DRAWN,
    progress: Progress = SILENT,
) -> Differences | None:
    """The distribution of distances; None where no two pictures have one size and type.

    `pairs` are all pairs under `exact_under`. Of pictures of each size as many are drawn as
    is their share of all pairs, `drawn` in all, and at least two where there are two.
    """
    kinds = _kinds(gallery)
    total = sum(len(own) * (len(own) - 1) // 2 for own in kinds)
    if not total:
        return None
    exact = np.array([p.distance for p in pairs if p.orientation == UPRIGHT], dtype=np.float64)
    beyond, images = [], 0
    for own in track(kinds, "sampling differences", progress):
        weight = len(own) * (len(own) - 1) / 2
        few = min(len(own), max(2, round(drawn * weight / total)))
        images += few
        found = _distances(gallery, stream(seed, "differences").permutation(own)[:few])
        beyond.append((found, weight / max(1, len(found))))
    edges = _edges(exact, [found for found, _ in beyond], exact_under)
    counts = np.histogram(exact, edges)[0].astype(np.float64)
    for found, weight in beyond:
        far = found[found >= exact_under]
        counts += weight * np.histogram(far, edges)[0]
    words = (
        f"{total:,} pairs of equally sized pictures. Exact under {exact_under:g}; beyond, "
        f"estimated from all pairs among {counted(images, 'picture')} drawn with seed {seed}"
    )
    return Differences(edges, counts, int((exact == 0).sum()), total, exact_under, words)


def _kinds(gallery: Gallery) -> list[NDArray[np.int64]]:
    """The positions of readable pictures that can be compared with each other."""
    members: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for position, row in enumerate(gallery.table):
        if row["is_read"]:
            members[int(row["height"]), int(row["width"]), int(row["dtype"])].append(position)
    return [np.array(own) for own in members.values() if len(own) > 1]


def _distances(gallery: Gallery, positions: NDArray[np.int64]) -> NDArray[np.float64]:
    greys = [gallery.grey(int(position)) for position in positions]
    return np.array([pair_distance(a, b, UPRIGHT) for a, b in combinations(greys, 2)])


def _edges(
    exact: NDArray[np.float64], beyond: Sequence[NDArray[np.float64]], exact_under: float
) -> NDArray[np.float64]:
    """Equal steps of the logarithm around all positive distances; `exact_under` is one of them."""
    positive = np.concatenate([each[each > 0] for each in (exact, *beyond)])
    low, high = (positive.min(), positive.max()) if len(positive) else (1.0, 1.0)
    anchor = np.log10(exact_under) if exact_under > 0 else 0.0
    # From 1 on, the least that two pictures of whole levels can differ by.
    first = np.floor((np.log10(min(low, 1.0)) - anchor) * BINS_A_DECADE)
    last = np.floor((np.log10(high) - anchor) * BINS_A_DECADE) + 1
    steps = np.arange(first, max(last, 1) + 1)
    return np.asarray(10 ** (anchor + steps / BINS_A_DECADE))
