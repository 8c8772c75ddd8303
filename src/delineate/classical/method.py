"""What every method from before deep learning is: parameters, what it learnt, a probability."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from delineate.core.types import IGNORE, Labels, Mask, Probability

# (C, H, W) float32, scaled by mean and deviation as the preparation says.
Tones = NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """One training image at working size: tones (C, H, W), labels (H, W), and the (H, W) view.

    Outside the view, which is all of most images, there is nothing but a dark surround.
    """

    tones: Tones
    labels: Labels
    view: Mask

    @property
    def counted(self) -> Mask:
        """The (H, W) pixels whose class is known."""
        known: Mask = self.view & (self.labels != IGNORE)
        return known


class Parameters(BaseModel):
    """What is chosen on the training images; the search tries every combination of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    smoothing_px: float = Field(
        1.0, ge=0, le=50, description="Gaussian before all else; 0 for none"
    )
    flatten_px: float = Field(
        0.0, ge=0, le=500, description="the mean over so many px is subtracted; 0 for none"
    )


class LevelParameters(Parameters):
    """Those of a method to which the level of tones matters."""

    is_standardised: bool = Field(
        False, description="tones are scaled by mean and deviation of their own image"
    )


class ToneParameters(Parameters):
    """Those of a method that looks at one tone."""

    tone: str = Field(
        "grey",
        pattern="^(grey|red|green|blue)$",
        description="of colour images: grey, red, green or blue",
    )


class Method(BaseModel, ABC):
    """A method with what it learnt on training images; its fields are what a model card keeps.

    `is_soft` says whether its probability has more values than 0 and 1, `several` whether it can
    tell more than one class from the background.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    is_soft: ClassVar[bool]
    several: ClassVar[bool] = False
    parameters_type: ClassVar[type[Parameters]]

    @classmethod
    @abstractmethod
    def learn(
        cls, cases: Sequence[Case], parameters: Any, *, classes: int, rng: np.random.Generator
    ) -> Self:
        """What the training cases teach under given parameters."""

    @abstractmethod
    def probability(self, tones: Tones, view: Mask) -> Probability:
        """(K, H, W): K = 1 of two classes, the foreground; else one channel a class."""

    @abstractmethod
    def require_fits(self, *, channels: int, classes: int) -> None:
        """Refuse images or classes other than those that were learnt from.

        Raises:
            ValueError: saying what does not fit.
        """


def as_probability(shares: NDArray[np.floating[Any]]) -> Probability:
    """(K, H, W) from shares (C, H, W) that sum to 1: of two classes the foreground alone."""
    kept = shares[1:] if len(shares) == 2 else shares
    return np.ascontiguousarray(kept, dtype=np.float32)


def as_hard_probability(foreground: Mask) -> Probability:
    """(1, H, W): 1 on the foreground, 0 elsewhere."""
    return foreground[None].astype(np.float32)
