"""Frangi's and Sato's filters: how much each pixel looks like a tube."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from delineate.classical.logistic import Logistic
from delineate.classical.method import (
    Case,
    Method,
    Parameters,
    ToneParameters,
    Tones,
    as_probability,
)
from delineate.classical.pixels import drawn_pixels
from delineate.classical.tones import prepared_tone
from delineate.core.types import Mask, Probability

Tone = NDArray[np.float32]

# Of the training pixels' responses, the one that counts as a full one.
_FULL = 0.99
_WEAKEST = 1e-3


class RidgeParameters(ToneParameters):
    """Of filters for tubes."""

    thinnest_px: float = Field(
        1.0, gt=0, le=50, description="smallest Gaussian, about half the width of thin tubes"
    )
    widest_px: float = Field(
        3.0, gt=0, le=50, description="largest Gaussian, about half the width of wide tubes"
    )
    scales: int = Field(3, ge=1, le=10, description="Gaussians from the smallest to the largest")
    is_dark: bool = Field(True, description="tubes are darker than what surrounds them")

    @model_validator(mode="after")
    def _in_order(self) -> RidgeParameters:
        if self.thinnest_px > self.widest_px:
            raise ValueError(
                f"thinnest_px: expected at most widest_px, {self.widest_px:g}, found "
                f"{self.thinnest_px:g}"
            )
        return self

    @property
    def sigmas_px(self) -> list[float]:
        """The Gaussians, each as many times the one before."""
        return [float(each) for each in np.geomspace(self.thinnest_px, self.widest_px, self.scales)]


class Ridges(Method):
    """The response of a filter, and the probability that goes with it on training pixels.

    The response is divided by that which 99 % of the training pixels stay below (`full`); the
    logistic curve over its logarithm rises with it, so that order is the filter's own.
    """

    is_soft: ClassVar[bool] = True
    parameters_type: ClassVar[type[Parameters]] = RidgeParameters

    parameters: RidgeParameters
    full: float = Field(gt=0)
    curve: Logistic

    @classmethod
    @abstractmethod
    def response(cls, tone: Tone, parameters: RidgeParameters) -> Tone:
        """(H, W), 0 or more: how much a pixel looks like part of a tube."""

    @classmethod
    def learn(
        cls,
        cases: Sequence[Case],
        parameters: RidgeParameters,
        *,
        classes: int,
        rng: np.random.Generator,
    ) -> Self:
        """What counts as a full response, and what each is worth."""
        found, labels = drawn_pixels(
            cases, lambda each: cls._responses(each.tones, each.view, parameters), rng
        )
        full = max(float(np.quantile(found, _FULL)), 1e-12)
        counts = np.eye(classes)[labels]
        curve = Logistic.learn(_feature(found, full), counts, is_balanced=False)
        return cls(parameters=parameters, full=full, curve=curve)

    @classmethod
    def _responses(cls, tones: Tones, view: Mask, parameters: RidgeParameters) -> Tones:
        tone = prepared_tone(tones, view, parameters)
        return np.where(view, cls.response(tone, parameters), np.float32(0))[None]

    def probability(self, tones: Tones, view: Mask) -> Probability:
        """What the response of each pixel is worth."""
        found = self._responses(tones, view, self.parameters)
        shares = self.curve.shares(_feature(found.reshape(-1, 1), self.full))
        return as_probability(shares.T.reshape(-1, *view.shape))

    def require_fits(self, *, channels: int, classes: int) -> None:
        """There are two classes, and one feature."""
        if classes != 2:
            raise ValueError(f"expected a foreground and a background, found {classes} classes")
        self.curve.require_fits(features=1, classes=classes)


class Frangi(Ridges):
    """Frangi's vesselness, with the constants of the paper.

    Source: Frangi et al. (1998), "Multiscale vessel enhancement filtering".
    """

    @classmethod
    def response(cls, tone: Tone, parameters: RidgeParameters) -> Tone:
        """The largest over the scales."""
        from skimage.filters import frangi

        found = frangi(tone, parameters.sigmas_px, black_ridges=parameters.is_dark)  # type: ignore[no-untyped-call] # half typed
        return np.nan_to_num(np.asarray(found, np.float32))


class Sato(Ridges):
    """Sato's tubeness: the largest second derivative across a tube.

    Source: Sato et al. (1998), "Three-dimensional multi-scale line filter".
    """

    @classmethod
    def response(cls, tone: Tone, parameters: RidgeParameters) -> Tone:
        """The largest over the scales."""
        from skimage.filters import sato

        found = sato(tone, parameters.sigmas_px, black_ridges=parameters.is_dark)  # type: ignore[no-untyped-call] # half typed
        return np.nan_to_num(np.asarray(found, np.float32))


def _feature(response: NDArray[np.floating[Any]], full: float) -> NDArray[np.float64]:
    """The logarithm of the share of a full response."""
    return np.asarray(np.log(np.maximum(response, 0) / full + _WEAKEST), np.float64)
