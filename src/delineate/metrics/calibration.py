"""Whether probabilities of whole images mean what they say: of those at 0.8, eight in ten.

Bins have equal widths and hold their upper edge, the first one also 0. A bin compares the
mean probability of "present" with the share that is present (Naeini, Cooper and Hauskrecht,
AAAI 2015, 2901); Guo et al. (On Calibration of Modern Neural Networks, ICML 2017, section 2),
from whom the 15 bins are, compare the confidence in the likelier answer with the share of
right answers, which does not tell a model that is too sure of "present" from one that is
too sure of "absent".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from delineate.core.seeds import stream
from delineate.metrics.score import Score, undefined

BINS = 15
SIMULATIONS = 1000
_NO_CASE = "there is no case with a probability"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReliabilityBin:
    """The cases with a probability above `low` and up to `high`; None where there is none."""

    low: float
    high: float
    cases: int
    mean_probability: float | None
    share_present: float | None


def brier_score(probability: ArrayLike, truth: ArrayLike) -> Score:
    """The mean of (probability - truth) squared, in [0, 1]: 0 is best, a coin's 0.5 gives 0.25.

    (n,) probabilities of "present" and (n,) truths as booleans, or 0 and 1.

    Source: Brier, Monthly Weather Review 78 (1950) 1, as half of his sum over two classes.

    Raises:
        ValueError: The lengths differ, or a probability is not in [0, 1].

    Examples:
        >>> brier_score([0.5, 1.0], [True, True]).value
        0.125
    """
    shares, present = _checked(probability, truth)
    if shares.size == 0:
        return undefined(_NO_CASE)
    return Score(float(np.mean((shares - present) ** 2)))


def calibration_error(probability: ArrayLike, truth: ArrayLike, *, bins: int = BINS) -> Score:
    """Expected calibration error: |mean probability - share present| over bins, by their cases.

    In [0, 1], 0 is best. With few cases it is above 0 for a perfect model too, see
    `error_when_calibrated`.

    Raises:
        ValueError: The lengths differ, or a probability is not in [0, 1].

    Examples:
        >>> calibration_error([0.8, 0.8], [True, False]).value
        0.30000000000000004
    """
    shares, present = _checked(probability, truth)
    if shares.size == 0:
        return undefined(_NO_CASE)
    gaps = np.bincount(_bin_of(shares, bins), weights=shares - present, minlength=bins)
    return Score(float(np.abs(gaps).sum() / shares.size))


def reliability(
    probability: ArrayLike, truth: ArrayLike, *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Every bin of a reliability diagram, the empty ones too.

    Raises:
        ValueError: The lengths differ, or a probability is not in [0, 1].
    """
    shares, present = _checked(probability, truth)
    place, edges = _bin_of(shares, bins), np.linspace(0, 1, bins + 1)
    cases = np.bincount(place, minlength=bins)
    summed = np.bincount(place, weights=shares, minlength=bins)
    found = np.bincount(place, weights=present, minlength=bins)
    return tuple(
        ReliabilityBin(
            low=float(edges[at]),
            high=float(edges[at + 1]),
            cases=int(cases[at]),
            mean_probability=float(summed[at] / cases[at]) if cases[at] else None,
            share_present=float(found[at] / cases[at]) if cases[at] else None,
        )
        for at in range(bins)
    )


def error_when_calibrated(
    probability: ArrayLike, *, seed: int, bins: int = BINS, simulations: int = SIMULATIONS
) -> float | None:
    """The calibration error that is expected of these probabilities if each were exactly right.

    The mean over simulated truths, each case being present with its own probability: what
    the number of cases alone makes of a calibrated model. None without a case.

    Source: the consistency resampling of Bröcker and Smith, Weather and Forecasting 22 (2007) 651.

    Raises:
        ValueError: A probability is not in [0, 1].
    """
    shares, _ = _checked(probability, np.zeros(np.size(probability)))
    if shares.size == 0:
        return None
    order = np.argsort(shares)  # bins become runs, and their sums differences
    shares = shares[order]
    ends = np.searchsorted(_bin_of(shares, bins), np.arange(bins), "right")
    draws, total = stream(seed, "calibration"), 0.0
    for _ in range(simulations):
        gaps = np.cumsum(shares - (draws.random(shares.size) < shares))
        total += float(np.abs(np.diff(np.r_[0.0, np.r_[0.0, gaps][ends]])).sum())
    return total / simulations / shares.size


def _bin_of(shares: Floats, bins: int) -> NDArray[np.intp]:
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], shares, "left")


def _checked(probability: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    shares = np.asarray(probability, dtype=np.float64).ravel()
    present = np.asarray(truth, dtype=np.float64).ravel()
    if shares.size != present.size:
        raise ValueError(
            f"truth: expected one for each of {shares.size} probabilities, found {present.size}"
        )
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("probability: expected numbers from 0 to 1, found others")
    return shares, present
