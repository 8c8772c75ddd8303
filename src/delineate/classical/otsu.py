"""Otsu's thresholds of each image, and the classes of the intervals between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from delineate.classical.matching import Table, class_table
from delineate.classical.method import (
    Case,
    Method,
    Parameters,
    ToneParameters,
    Tones,
    as_probability,
)
from delineate.classical.pixels import counted_by_cluster
from delineate.classical.tones import prepared_tone
from delineate.core.types import Mask, Probability


class OtsuParameters(ToneParameters):
    """Of thresholds that part a histogram."""

    levels: int = Field(2, ge=2, le=4, description="intervals of tone; 2 is Otsu's one threshold")


class Otsu(Method):
    """Thresholds between which tones vary least, found anew in each image.

    Whether the dark or the bright interval is the foreground is learnt.

    Source: Otsu (1979); Liao, Chen and Chung (2001) for more than one threshold.
    """

    is_soft: ClassVar[bool] = False
    several: ClassVar[bool] = True
    parameters_type: ClassVar[type[Parameters]] = OtsuParameters

    parameters: OtsuParameters
    classes: Table

    @classmethod
    def learn(
        cls,
        cases: Sequence[Case],
        parameters: OtsuParameters,
        *,
        classes: int,
        rng: np.random.Generator,
    ) -> Self:
        """The class of each interval."""
        counts = np.zeros((parameters.levels, classes))
        for case in cases:
            intervals = _intervals(case.tones, case.view, parameters)[case.counted]
            labels = case.labels[case.counted].astype(np.intp)
            counts += counted_by_cluster(np.eye(parameters.levels)[intervals], labels, classes)
        return cls(parameters=parameters, classes=class_table(counts, is_soft=False))

    def probability(self, tones: Tones, view: Mask) -> Probability:
        """1 for the class of each pixel's interval, 0 for all others."""
        intervals = _intervals(tones, view, self.parameters)
        return as_probability(np.moveaxis(np.array(self.classes)[intervals], -1, 0))

    def require_fits(self, *, channels: int, classes: int) -> None:
        """The table has a row for each interval."""
        is_whole = len(self.classes) == self.parameters.levels
        if not is_whole or {len(row) for row in self.classes} != {classes}:
            raise ValueError(
                f"expected {self.parameters.levels} intervals, each the shares of {classes} classes"
            )


def _intervals(tones: Tones, view: Mask, parameters: OtsuParameters) -> NDArray[np.intp]:
    """(H, W) from 0, the darkest interval; an image with too few tones is all of interval 0."""
    from skimage.filters import threshold_multiotsu

    tone = prepared_tone(tones, view, parameters)
    inside = tone[view]
    if len(np.unique(inside)) <= parameters.levels:
        return np.zeros(tone.shape, np.intp)
    thresholds = threshold_multiotsu(inside, parameters.levels)  # type: ignore[no-untyped-call] # half typed
    return np.digitize(tone, thresholds, right=True)
