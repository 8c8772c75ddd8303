"""k-means and mixtures of Gaussians: tones in clusters, and each cluster a class."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from delineate.classical.matching import Table, class_table
from delineate.classical.method import (
    Case,
    LevelParameters,
    Method,
    Parameters,
    Tones,
    as_probability,
)
from delineate.classical.pixels import Pixels, counted_by_cluster, drawn_pixels
from delineate.classical.tones import prepared_tones
from delineate.core.types import Mask, Probability

# Pixels whose clusters are told at a time: 8 clusters of them take 32 MB.
_AT_A_TIME = 500_000
_SMALLEST_SPREAD = 1e-6


class ClusterParameters(LevelParameters):
    """Of methods that part tones into clusters."""

    clusters: int = Field(6, ge=2, le=64, description="how many clusters of tones")


class Clusters(Method):
    """Clusters of tones that were found in all training images together, and their classes."""

    is_soft: ClassVar[bool] = True
    several: ClassVar[bool] = True
    parameters_type: ClassVar[type[Parameters]] = ClusterParameters

    parameters: ClusterParameters
    means: tuple[tuple[float, ...], ...] = Field(min_length=1)
    classes: Table

    @abstractmethod
    def shares(self, pixels: Pixels) -> NDArray[np.floating[Any]]:
        """(N, K): how much each pixel (N, C) belongs to each cluster; rows sum to 1."""

    def probability(self, tones: Tones, view: Mask) -> Probability:
        """Shares of the clusters, added by class."""
        seen = prepared_tones(tones, view, self.parameters)
        pixels = seen.reshape(len(seen), -1).T
        table = np.array(self.classes, np.float32)
        parts = [
            self.shares(pixels[at : at + _AT_A_TIME]) @ table
            for at in range(0, len(pixels), _AT_A_TIME)
        ]
        shares = np.concatenate(parts).T.reshape(-1, *view.shape)
        return as_probability(shares)

    def require_fits(self, *, channels: int, classes: int) -> None:
        """Centres have as many tones as images have, and the table a row for each of them."""
        shapes = {len(row) for row in self.means}, {len(row) for row in self.classes}
        if shapes != ({channels}, {classes}) or len(self.means) != len(self.classes):
            raise ValueError(
                f"expected clusters of {channels} tones, each with the shares of {classes} classes"
            )


class KMeans(Clusters):
    """Clusters of equal width (k-means), each pixel shared between them by its distances.

    Shares are those of equal Gaussians whose variance is that of the tones about their centres.

    Source: Lloyd (1982), "Least squares quantization in PCM"; Arthur and Vassilvitskii (2007).
    """

    spread: float = Field(gt=0)

    @classmethod
    def learn(
        cls,
        cases: Sequence[Case],
        parameters: ClusterParameters,
        *,
        classes: int,
        rng: np.random.Generator,
    ) -> Self:
        """Centres of all training pixels, and the classes in each."""
        from sklearn.cluster import KMeans as Lloyd

        pixels, labels = drawn_pixels(cases, lambda each: _of_case(each, parameters), rng)
        count = _possible(parameters.clusters, pixels)
        fitted = Lloyd(count, n_init=2, random_state=_seed(rng)).fit(pixels)
        spread = max(fitted.inertia_ / pixels.size, _SMALLEST_SPREAD)
        hard = np.eye(count)[fitted.labels_]
        counts = counted_by_cluster(hard, labels, classes)
        return cls(
            parameters=parameters,
            means=_rows(fitted.cluster_centers_),
            classes=class_table(counts, is_soft=True),
            spread=float(spread),
        )

    def shares(self, pixels: Pixels) -> NDArray[np.floating[Any]]:
        """A softmax over distances."""
        centres = np.array(self.means, pixels.dtype)
        distances = (pixels**2).sum(1)[:, None] - 2 * pixels @ centres.T + (centres**2).sum(1)
        return _softmax(-distances / (2 * self.spread))


class Mixture(Clusters):
    """A mixture of Gaussians with covariances of their own, by expectation maximisation.

    Source: Dempster, Laird and Rubin (1977).
    """

    weights: tuple[float, ...]
    covariances: tuple[tuple[tuple[float, ...], ...], ...]

    @classmethod
    def learn(
        cls,
        cases: Sequence[Case],
        parameters: ClusterParameters,
        *,
        classes: int,
        rng: np.random.Generator,
    ) -> Self:
        """The mixture of all training pixels, and the classes in each component."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        pixels, labels = drawn_pixels(cases, lambda each: _of_case(each, parameters), rng)
        count = _possible(parameters.clusters, pixels)
        model = GaussianMixture(count, reg_covar=1e-4, max_iter=60, random_state=_seed(rng))
        with warnings.catch_warnings():
            # After 60 rounds likelihood still grows in the fourth digit; masks do not change.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(pixels)
        counts = counted_by_cluster(model.predict_proba(pixels), labels, classes)
        return cls(
            parameters=parameters,
            means=_rows(model.means_),
            classes=class_table(counts, is_soft=True),
            weights=tuple(map(float, model.weights_)),
            covariances=tuple(_rows(each) for each in model.covariances_),
        )

    def shares(self, pixels: Pixels) -> NDArray[np.floating[Any]]:
        """The posterior probability of each component."""
        return _softmax(np.stack(list(self._log_densities(pixels)), axis=1))

    def _log_densities(self, pixels: Pixels) -> Iterator[NDArray[np.floating[Any]]]:
        for weight, mean, covariance in zip(
            self.weights, self.means, self.covariances, strict=True
        ):
            root = np.linalg.cholesky(np.array(covariance)).astype(pixels.dtype)
            whitened = np.linalg.solve(root, (pixels - np.array(mean, pixels.dtype)).T)
            log_scale = np.log(max(weight, 1e-300)) - np.log(np.diag(root)).sum()
            yield log_scale - 0.5 * (whitened**2).sum(axis=0)

    def require_fits(self, *, channels: int, classes: int) -> None:
        """As of all clusters; and each has a weight and a covariance that can be inverted."""
        super().require_fits(channels=channels, classes=classes)
        square = (len(self.means), channels, channels)
        is_square = all(
            len(each) == channels and all(len(row) == channels for row in each)
            for each in self.covariances
        )
        count = len(self.means)
        if not is_square or len(self.covariances) != count or len(self.weights) != count:
            raise ValueError(f"expected weights and covariances of shape {square}")
        if any(np.linalg.eigvalsh(np.array(each)).min() <= 0 for each in self.covariances):
            raise ValueError("expected covariances that are positive definite")
        if min(self.weights) < 0:
            raise ValueError("expected weights of 0 or more")


def _of_case(case: Case, parameters: ClusterParameters) -> Tones:
    return prepared_tones(case.tones, case.view, parameters)


def _possible(clusters: int, pixels: Pixels) -> int:
    """As many clusters as are asked for, or as there are different tones."""
    return min(clusters, len(np.unique(pixels[:: max(1, len(pixels) // 5000)], axis=0)))


def _softmax(scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    softmax: NDArray[np.floating[Any]] = raised / raised.sum(axis=1, keepdims=True)
    return softmax


def _rows(array: NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in array)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
