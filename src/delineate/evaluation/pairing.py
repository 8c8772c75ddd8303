"""Two ways to answer the same cases: the mean difference, with its interval over subjects."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from delineate.metrics.intervals import RESAMPLES, Interval, bootstrap_mean


@dataclass(frozen=True)
class Difference:
    """The mean of one less the other, case by case."""

    value: float
    interval: Interval

    @property
    def is_distinguishable(self) -> bool | None:
        """Whether the interval leaves out zero; None where there is no interval."""
        low, high = self.interval.low, self.interval.high
        return None if low is None or high is None else not low <= 0 <= high

    def to_document(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "value": self.value,
            "low": self.interval.low,
            "high": self.interval.high,
            "is_distinguishable": self.is_distinguishable,
            "why_no_interval": self.interval.why_none,
            "interval_note": self.interval.note,
        }


def paired_difference(
    values: ArrayLike,
    reference: ArrayLike,
    groups: Sequence[Hashable],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Difference:
    """The mean of (n,) values less that of the reference, whose i-th is of subject `groups[i]`.

    Examples:
        >>> found = paired_difference([0.5] * 12, [0.25] * 12, range(12), seed=0)
        >>> found.value, found.is_distinguishable
        (0.25, True)
    """
    less = np.asarray(values, np.float64) - np.asarray(reference, np.float64)
    interval = bootstrap_mean(less, groups, seed=seed, resamples=resamples)
    return Difference(float(less.mean()), interval)
