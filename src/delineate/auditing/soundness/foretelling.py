"""Masks foretold from images by a model that is small enough to be fitted many times over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.soundness.pixel_features import Features, with_ramps

Shares = NDArray[np.float32]

_FOLDS = 5
# Weights are held small by as much as so many cells an image would.
_RIDGE = 30.0


@dataclass(frozen=True)
class Glance:
    """An image and the mask that is given for it, both in cells.

    `place` is its place in the order of files; `shares` (cells, classes) say how much of each
    cell belongs to each class.
    """

    place: int
    features: Features
    shares: Shares


def foretold(
    glances: Sequence[Glance], targets: Sequence[Mapping[int, Shares]]
) -> Iterator[tuple[int, int, Shares]]:
    """Which target, the number of the image, and the mask that is foretold from that image.

    A target gives masks by the number of the image that they are said to belong to. A linear
    model of tones, texture, colour and place learns those of four fifths of the images, blocks of
    files, and foretells those of the last fifth; images without a mask are passed over.
    """
    fold_of = folds_of(len(glances))
    folds = range(int(fold_of.max(initial=0)) + 1)
    # Sums over the images of each fold, for each target: features with features and with masks.
    grams: list[list[NDArray[np.float64] | float]] = [[0.0 for _ in folds] for _ in targets]
    moments: list[list[NDArray[np.float64] | float]] = [[0.0 for _ in folds] for _ in targets]
    for number, glance in enumerate(glances):
        features, fold = with_ramps(glance.features), int(fold_of[number])
        gram = (features.T @ features).astype(np.float64)
        gram[np.diag_indices_from(gram)] += _RIDGE
        for which, target in enumerate(targets):
            if number in target:
                grams[which][fold] += gram
                moments[which][fold] += (features.T @ target[number]).astype(np.float64)
    weights = [
        [_weights(gram, moment, fold) for fold in folds]
        for gram, moment in zip(grams, moments, strict=True)
    ]
    for number, glance in enumerate(glances):
        features, fold = with_ramps(glance.features), int(fold_of[number])
        for which, target in enumerate(targets):
            own = weights[which][fold]
            if number in target and own is not None:
                yield which, number, features @ own


def folds_of(images: int) -> NDArray[np.int64]:
    """The fold of each image: blocks of files that follow each other."""
    return np.arange(images) * min(_FOLDS, images) // max(images, 1)


def correlation(predicted: Shares, drawn: Shares) -> float | None:
    """The mean over the classes that a mask holds; None of a mask that is the same everywhere."""
    found = []
    for own, true in zip(predicted.T, drawn.T, strict=True):
        if true.std() > 1e-6:
            spread = max(float(own.std()), 1e-9)
            product = (own - own.mean()) * (true - true.mean())
            found.append(float(product.mean()) / (spread * float(true.std())))
    return float(np.mean(found)) if found else None


def _weights(
    grams: Sequence[NDArray[np.float64] | float],
    moments: Sequence[NDArray[np.float64] | float],
    left_out: int,
) -> NDArray[np.float32] | None:
    """The weights of a model of all folds but one; None where these hold nothing."""
    rest = [fold for fold in range(len(grams)) if fold != left_out]
    gram = sum((grams[fold] for fold in rest), start=0.0)
    moment = sum((moments[fold] for fold in rest), start=0.0)
    if isinstance(gram, float) or isinstance(moment, float):
        return None
    return np.linalg.solve(gram, moment).astype(np.float32)
