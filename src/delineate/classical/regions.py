"""Watershed and normalised cuts: an image in regions, and each region a class by its tones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from delineate.classical.logistic import Logistic
from delineate.classical.method import (
    Case,
    LevelParameters,
    Method,
    Parameters,
    Tones,
    as_probability,
)
from delineate.classical.tones import local_mean, prepared_tones
from delineate.core.types import Mask, Probability

# (H, W) region numbers from 0.
Regions = NDArray[np.intp]

# What surrounds a region is the mean over so many px.
_SURROUNDINGS_PX = 25.0
# Superpixels are tied over this share of the longest side, and the least so that no part of an
# image falls off by itself.
_TIED_SHARE = 0.1
_LEAST_TIE = 1e-6


class RegionMethod(Method):
    """Regions of each image, told apart by their tones.

    Features of a region are the means of its tones, their deviations, the means less those of the
    surroundings, and the squares of all; a logistic regression that is learnt on the regions of
    the training images, each by its pixels, says of what class it is.
    """

    is_soft: ClassVar[bool] = True
    several: ClassVar[bool] = True

    classifier: Logistic

    @classmethod
    @abstractmethod
    def regions(cls, tones: Tones, view: Mask, parameters: Any) -> Regions:
        """(H, W) numbers from 0 without gaps, of tones (C, H, W) that are smoothed already."""

    @classmethod
    def learn(
        cls, cases: Sequence[Case], parameters: Any, *, classes: int, rng: np.random.Generator
    ) -> Self:
        """The classes of regions by their features."""
        features: list[NDArray[np.float64]] = []
        counts: list[NDArray[np.float64]] = []
        for case in cases:
            regions, found = cls._described(case.tones, case.view, parameters)
            pairs = regions[case.counted] * classes + case.labels[case.counted]
            count = np.bincount(pairs, minlength=len(found) * classes).reshape(-1, classes)
            is_known = count.sum(axis=1) > 0
            features.append(found[is_known])
            counts.append(count[is_known].astype(np.float64))
        classifier = Logistic.learn(
            np.concatenate(features), np.concatenate(counts), is_balanced=classes > 2
        )
        return cls(parameters=parameters, classifier=classifier)  # type: ignore[call-arg] # every subclass has parameters

    def probability(self, tones: Tones, view: Mask) -> Probability:
        """That of the region in which each pixel lies."""
        regions, features = self._described(tones, view, self.parameters)  # type: ignore[attr-defined] # as above
        return as_probability(np.moveaxis(self.classifier.shares(features)[regions], -1, 0))

    @classmethod
    def _described(
        cls, tones: Tones, view: Mask, parameters: LevelParameters
    ) -> tuple[Regions, NDArray[np.float64]]:
        seen = prepared_tones(tones, view, parameters)
        regions = cls.regions(seen, view, parameters)
        return regions, region_features(seen, view, regions)

    def require_fits(self, *, channels: int, classes: int) -> None:
        """The regression is over the features of so many tones."""
        self.classifier.require_fits(features=6 * channels, classes=classes)


def region_features(tones: Tones, view: Mask, regions: Regions) -> NDArray[np.float64]:
    """(R, 6 C): means, deviations, means less the surroundings, and the squares of these."""
    index, count = regions.ravel(), int(regions.max()) + 1
    size = np.bincount(index, minlength=count)

    def mean(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        return np.bincount(index, values.ravel().astype(np.float64), minlength=count) / size

    found = []
    for tone in tones:
        middle = mean(tone)
        around = mean(local_mean(tone, view, _SURROUNDINGS_PX))
        deviation = np.sqrt(np.maximum(mean(tone.astype(np.float64) ** 2) - middle**2, 0))
        found += [middle, deviation, middle - around]
    features = np.stack(found, axis=1)
    return np.concatenate([features, features**2], axis=1)


class WatershedParameters(LevelParameters):
    """Of basins of the gradient."""

    region_px: int = Field(8, ge=2, le=200, description="about the side of a region")


class Watershed(RegionMethod):
    """Basins of the gradient's magnitude, flooded from evenly spaced lowest points.

    Source: Beucher and Lantuéjoul (1979); Vincent and Soille (1991).
    """

    parameters_type: ClassVar[type[Parameters]] = WatershedParameters
    parameters: WatershedParameters

    @classmethod
    def regions(cls, tones: Tones, view: Mask, parameters: WatershedParameters) -> Regions:
        """One a basin."""
        from skimage.filters import sobel
        from skimage.segmentation import watershed

        gradient = np.max([sobel(tone) for tone in tones], axis=0)  # type: ignore[no-untyped-call] # half typed
        basins = max(1, round(view.size / parameters.region_px**2))
        return _numbered(watershed(gradient, markers=basins))  # type: ignore[no-untyped-call] # half typed


class SpectralParameters(LevelParameters):
    """Of normalised cuts."""

    superpixels: int = Field(
        400, ge=4, le=1000, description="pieces that are never cut (SLIC), about so many an image"
    )
    parts: int = Field(16, ge=2, le=200, description="regions into which an image is cut")


class Spectral(RegionMethod):
    """Normalised cuts of a graph of superpixels.

    All are tied by how alike their mean tones are, relative to how alike neighbours are in this
    image, and by how near they lie, over a tenth of the longest side: objects of one tone are one
    part though they do not touch, which spares a part for each.

    Source: Shi and Malik (2000), "Normalized cuts and image segmentation"; superpixels: Achanta
    et al. (2012), SLIC; parts from eigenvectors: Damle, Minden and Ying (2019).
    """

    parameters_type: ClassVar[type[Parameters]] = SpectralParameters
    parameters: SpectralParameters

    @classmethod
    def regions(cls, tones: Tones, view: Mask, parameters: SpectralParameters) -> Regions:
        """One a part."""
        from skimage.segmentation import slic
        from sklearn.cluster import SpectralClustering

        lowest = tones.min()
        scaled = np.moveaxis((tones - lowest) / max(float(np.ptp(tones)), 1e-6), 0, -1)
        pieces = _numbered(
            slic(scaled, parameters.superpixels, compactness=0.1, convert2lab=False, start_label=0)
        )
        count = int(pieces.max()) + 1
        if count <= parameters.parts + 1:
            return pieces
        size = np.bincount(pieces.ravel())
        means = np.stack(
            [np.bincount(pieces.ravel(), tone.ravel()) / size for tone in tones], axis=1
        )
        model = SpectralClustering(
            parameters.parts,
            affinity="precomputed",
            assign_labels="cluster_qr",
            random_state=0,
        )
        parts = model.fit_predict(_ties(pieces, means))
        return _numbered(parts[pieces])


def _ties(pieces: Regions, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R, R) symmetric: how strongly pieces hold together, by their tones and their places."""
    one, other = _neighbours(pieces)
    contrast = max(float(((means[one] - means[other]) ** 2).sum(axis=1).mean()), 1e-12)
    size = np.bincount(pieces.ravel())
    places = np.stack(
        [np.bincount(pieces.ravel(), each.ravel()) / size for each in np.indices(pieces.shape)],
        axis=1,
    )
    reach_px = _TIED_SHARE * max(pieces.shape)
    of_tone = np.exp(-_squared_distances(means) / contrast)
    of_place = np.exp(-_squared_distances(places) / (2 * reach_px**2))
    return np.asarray(of_tone * of_place + _LEAST_TIE, np.float64)


def _squared_distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R, R) between all pairs of points (R, D)."""
    return np.asarray(((points[:, None] - points[None]) ** 2).sum(axis=-1), np.float64)


def _neighbours(pieces: Regions) -> tuple[Regions, Regions]:
    """Pairs of pieces that share an edge of a pixel."""
    across = np.stack([pieces[:, :-1].ravel(), pieces[:, 1:].ravel()])
    down = np.stack([pieces[:-1].ravel(), pieces[1:].ravel()])
    pairs = np.concatenate([across, down], axis=1)
    pairs = np.unique(np.sort(pairs[:, pairs[0] != pairs[1]], axis=0), axis=1)
    return pairs[0], pairs[1]


def _numbered(regions: NDArray[np.integer[Any]]) -> Regions:
    """The same regions with numbers from 0 without gaps."""
    return np.asarray(np.unique(regions, return_inverse=True)[1].reshape(regions.shape), np.intp)
