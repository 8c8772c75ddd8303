"""Pixels of the training images, drawn at random, with their classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.classical.method import Case, Tones
from delineate.core.errors import LayoutError

# From each image; clusters and mixtures do not change with more.
_PER_IMAGE = 4_000

# (N, C) tones.
Pixels = NDArray[np.floating[Any]]


def drawn_pixels(
    cases: Sequence[Case], tones_of: Callable[[Case], Tones], rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.intp]]:
    """Tones (N, C) and classes (N,) of at most 4,000 counted pixels of each image.

    Raises:
        LayoutError: no pixel of any image counts.
    """
    tones: list[NDArray[np.float32]] = []
    classes: list[NDArray[np.intp]] = []
    for case in cases:
        places = np.flatnonzero(case.counted)
        if len(places) > _PER_IMAGE:
            places = rng.choice(places, _PER_IMAGE, replace=False)
        found = tones_of(case)
        tones.append(found.reshape(len(found), -1)[:, places].T)
        classes.append(case.labels.reshape(-1)[places].astype(np.intp))
    if not sum(map(len, classes)):
        raise LayoutError(
            "training images: expected pixels whose class is known, found none; look at the masks "
            "with `delineate inspect`"
        )
    return np.concatenate(tones).astype(np.float64), np.concatenate(classes)


def counted_by_cluster(
    clusters: NDArray[np.floating[Any]], classes: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """(K, C): how much of each class lies in each cluster, from shares (N, K)."""
    return np.stack([clusters[classes == index].sum(axis=0) for index in range(count)], axis=1)
