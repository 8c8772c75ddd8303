"""The tone of one picture given to another: whatever rising curve brings them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Grey = NDArray[np.float32]

STEPS = 128  # of the 256 grey levels
FEW = 64  # pixels, below which no curve is worth fitting
MANY = 40_000  # pixels are enough for one


@dataclass(frozen=True)
class ToneCurve:
    """A curve that never falls, by what it adds at rising levels; beyond them it adds the same."""

    levels: NDArray[np.float64]
    additions: NDArray[np.float64]

    def __call__(self, grey: Grey) -> Grey:
        """The levels after the curve, float32, of any shape."""
        if not self.levels.size:
            return grey
        # By table, a sixteenth of a level fine: np.interp on every pixel costs ten times more.
        table = np.interp(np.arange(-256, 512 * 16) / 16, self.levels, self.additions)
        places = np.clip(grey * 16 + 256.5, 0, len(table) - 1).astype(np.int32)
        return np.asarray(grey + table.astype(np.float32)[places], np.float32)


def tone_curve(source: Grey, target: Grey) -> ToneCurve:
    """The rising curve that takes grey levels of the source nearest to those of the target.

    Both are one-dimensional, 0 to 255, and belong together pixel by pixel. The curve is the
    mean of the target at each step of the source, with neighbours pooled where it would fall.
    """
    if source.size < FEW:
        return ToneCurve(np.zeros(0), np.zeros(0))
    steps = _steps(source)
    counts = np.bincount(steps, minlength=STEPS)
    used = counts > 0
    levels = np.bincount(steps, source, minlength=STEPS)[used] / counts[used]
    means = np.bincount(steps, target, minlength=STEPS)[used] / counts[used]
    return ToneCurve(levels, _rising(means, counts[used].astype(np.float64)) - levels)


def in_one_tone(first: Grey, second: Grey, shown: NDArray[np.bool_]) -> tuple[Grey, Grey]:
    """Both pictures, one of them with the tone of the other, fitted where `shown`.

    The one with more levels gets the tone of the one with fewer, since what was clipped or
    squeezed together cannot be told apart again.
    """
    source, target = _sampled(first[shown]), _sampled(second[shown])
    if source.size < FEW:
        return first, second
    if unexplained(source, target) <= unexplained(target, source):
        return tone_curve(source, target)(first), second
    return first, tone_curve(target, source)(second)


def unexplained(source: Grey, target: Grey) -> float:
    """The share of the target's variance that no curve of the source explains."""
    total = float(target.var())
    if total <= 0:
        return 0.0
    steps = _steps(source)
    counts = np.maximum(np.bincount(steps, minlength=STEPS), 1)
    sums = np.bincount(steps, target, minlength=STEPS)
    squares = float(np.dot(target, target))
    return max(0.0, (squares - float((sums * sums / counts).sum())) / (total * source.size))


def straight_line(source: Grey, target: Grey) -> tuple[float, float]:
    """Gain and offset that take the source nearest to the target; 1 and the rest if flat."""
    spread = float(source.var(dtype=np.float64))
    means = float(source.mean(dtype=np.float64)), float(target.mean(dtype=np.float64))
    if spread < 1e-6:
        return 1.0, means[1] - means[0]
    joint = float(np.mean((source - means[0]) * (target - means[1]), dtype=np.float64))
    gain = joint / spread
    return gain, means[1] - gain * means[0]


def _steps(grey: Grey) -> NDArray[np.int32]:
    return np.asarray(np.clip(grey * (STEPS / 256), 0, STEPS - 1), np.int32)


def _sampled(values: Grey) -> Grey:
    return values[:: max(1, values.size // MANY)]


def _rising(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest sequence that never falls: neighbours that fall are pooled, until none does."""
    return np.asarray(isotonic_regression(values, weights=weights).x, np.float64)
