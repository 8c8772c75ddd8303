"""Gate threshold, mask threshold and minimum area, chosen together on given images.

A gate says of a whole image how likely there is something to find; the image is segmented where
that is at least the gate's threshold, and empty otherwise. Give out-of-fold or validation cases
only: a choice flatters the cases that it was made on. `cross_fitted` says by how much.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from delineate.metrics.mask_grid import MaskGrid
from delineate.metrics.operating_points import middle_of_widest
from delineate.metrics.operating_settings import CostSettings, OperatingSettings

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Sums of floats are compared: equal choices must stay equal.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Outcomes:
    """What every mask threshold and minimum area of a grid makes of each of N images.

    `dice` is (N, thresholds, areas), as `mask_grid.dice_on_grid` has it; `is_positive` (N,) says
    where there is something to find. `presence` (N,) is what the gate said, None without one.
    `always_segments` holds where the gate sees the segmenter's output, and saves no time.
    """

    grid: MaskGrid
    dice: NDArray[np.float32]
    is_positive: Bools
    presence: Floats | None
    always_segments: bool = False

    def of(self, chosen: Bools) -> Outcomes:
        """Those of some of the images."""
        presence = None if self.presence is None else self.presence[chosen]
        return replace(
            self,
            dice=self.dice[chosen],
            is_positive=self.is_positive[chosen],
            presence=presence,
        )


@dataclass(frozen=True)
class Point:
    """What was chosen; `gate_threshold` is None without a gate."""

    gate_threshold: float | None
    threshold: float
    minimum_area_px: int


@dataclass(frozen=True)
class Reached:
    """What a point makes of some images; a share is None where there is no image of its kind.

    `sensitivity` is the share of images with something to find of which any pixel was found;
    `false_alarm_rate` that of images without, on which anything was marked.
    """

    kaggle_dice: float
    sensitivity: float | None
    false_alarm_rate: float | None
    cost: float
    share_segmented: float

    def score(self, settings: OperatingSettings) -> float | None:
        """The figure that the objective is about; of a cost less is better."""
        figure: float | None = getattr(self, settings.objective)
        return figure


def choose(outcomes: Outcomes, settings: OperatingSettings) -> Point:
    """The best point for the objective, over every gate threshold and the whole grid.

    Of points that are equally good for it, that of the highest mean Dice is taken; of these, the
    mask threshold nearest to 0.5, then the smallest area, then the middle of the widest range of
    gate thresholds. Where no point keeps the rate of false alarms, one of the fewest is taken.

    Raises:
        ValueError: there is no image, or what the gate said is not a number.
    """
    if not len(outcomes.dice):
        raise ValueError("outcomes: expected at least one image to choose on, found none")
    if outcomes.presence is not None and np.isnan(outcomes.presence).any():
        raise ValueError("presence: expected numbers, found NaN; the gate diverged")
    openings = _Openings(outcomes, settings)
    best, chosen = (-np.inf, -np.inf), (0, 0, np.zeros(0, bool))
    for cut, area in _liked_first(outcomes.grid):
        gain, dice = openings.gain_and_dice(outcomes.dice[:, cut, area].astype(np.float64))
        is_top = gain >= gain.max() - _ROUNDING
        found = (float(gain.max()), float(dice[is_top].max()))
        if _is_better(found, best):
            best = found
            chosen = (cut, area, is_top & (dice >= found[1] - _ROUNDING))
    cut, area, is_best = chosen
    return Point(
        openings.threshold(is_best),
        outcomes.grid.thresholds[cut],
        outcomes.grid.minimum_areas_px[area],
    )


def reached(outcomes: Outcomes, point: Point, costs: CostSettings) -> Reached:
    """What a point makes of images."""
    return _summed(*_applied(outcomes, point), outcomes, costs)


def cross_fitted(
    outcomes: Outcomes, folds: NDArray[np.int64], settings: OperatingSettings
) -> Reached:
    """What is reached where each fold is cut at what was chosen on the others.

    `folds` (N,) is the fold of each image.

    Raises:
        ValueError: there is one fold only.
    """
    numbers = np.unique(folds)
    if len(numbers) < 2:
        raise ValueError(f"folds: expected two or more, found {len(numbers)}")
    dice, is_open = np.empty(len(folds)), np.empty(len(folds), bool)
    for number in numbers:
        here = folds == number
        point = choose(outcomes.of(~here), settings)
        dice[here], is_open[here] = _applied(outcomes.of(here), point)
    return _summed(dice, is_open, outcomes, settings.costs)


def _applied(outcomes: Outcomes, point: Point) -> tuple[Floats, Bools]:
    """Dice of each image at a point, and whether its gate is open."""
    cut = outcomes.grid.thresholds.index(point.threshold)
    area = outcomes.grid.minimum_areas_px.index(point.minimum_area_px)
    dice = outcomes.dice[:, cut, area].astype(np.float64)
    if outcomes.presence is None or point.gate_threshold is None:
        return dice, np.ones(len(dice), bool)
    is_open = outcomes.presence >= point.gate_threshold
    return np.where(is_open, dice, ~outcomes.is_positive), is_open


def _summed(dice: Floats, is_open: Bools, outcomes: Outcomes, costs: CostSettings) -> Reached:
    is_positive = outcomes.is_positive
    runs = np.ones_like(is_open) if outcomes.always_segments else is_open
    cost = _error_costs(dice, is_positive, costs) + costs.segmented * runs
    return Reached(
        kaggle_dice=float(dice.mean()),
        sensitivity=_share(dice[is_positive] > 0),
        false_alarm_rate=_share(dice[~is_positive] == 0),
        cost=float(cost.mean()),
        share_segmented=float(runs.mean()),
    )


def _share(is_so: Bools) -> float | None:
    return float(is_so.mean()) if is_so.size else None


def _error_costs(dice: Floats, is_positive: Bools, costs: CostSettings) -> Floats:
    """What each image costs by what was found in it."""
    of_positive = np.where(dice > 0, costs.outline * (1 - dice), costs.miss)
    return np.where(is_positive, of_positive, costs.false_alarm * (dice == 0))


class _Openings:
    """The gate opened for no image, for the likeliest, and so on to all: at every threshold.

    Without a gate there is one opening, for all images.
    """

    def __init__(self, outcomes: Outcomes, settings: OperatingSettings) -> None:
        self.outcomes, self.settings = outcomes, settings
        self.count = len(outcomes.dice)
        if outcomes.presence is None:
            self.order = np.arange(self.count)
            self.opened = np.array([self.count])
            return
        self.order = np.argsort(-outcomes.presence, kind="stable")
        falling = outcomes.presence[self.order]
        # Images of one probability are opened together.
        self.opened = np.flatnonzero(np.r_[True, falling[1:] != falling[:-1], True])
        levels = falling[self.opened[:-1]]  # the lowest probability that an opening still holds
        self.high = np.r_[max(1.0, np.nextafter(levels[0], np.inf)), levels]
        self.low = np.r_[levels, min(0.0, levels[-1])]

    def threshold(self, is_best: Bools) -> float | None:
        """The gate threshold in the middle of the widest range of the best openings."""
        if self.outcomes.presence is None:
            return None
        return middle_of_widest(is_best[::-1], self.low[::-1], self.high[::-1])

    def gain_and_dice(self, dice: Floats) -> tuple[Floats, Floats]:
        """At each opening what is to be highest, and the mean Dice, from that of each image."""
        is_positive, costs = self.outcomes.is_positive, self.settings.costs
        empty = (~is_positive).astype(np.float64)
        mean_dice = self._sum(dice, empty) / self.count
        if self.settings.objective == "kaggle_dice":
            return mean_dice, mean_dice
        if self.settings.objective == "cost":
            errors = _error_costs(dice, is_positive, costs)
            closed = _error_costs(empty, is_positive, costs)
            runs = np.full(self.count, costs.segmented)
            cost = self._sum(errors + runs, closed + runs * self.outcomes.always_segments)
            return -cost / self.count, mean_dice
        nothing = np.zeros(self.count)
        found = self._sum(is_positive & (dice > 0), nothing) / max(is_positive.sum(), 1)
        alarms = self._sum(~is_positive & (dice == 0), nothing) / max(empty.sum(), 1)
        is_kept = alarms <= self.settings.false_alarm_rate + _ROUNDING
        return np.where(is_kept, found, -alarms), mean_dice

    def _sum(self, where_open: Floats | Bools, where_closed: Floats) -> Floats:
        """The sum over images at each opening."""
        changes = (where_open - where_closed)[self.order]
        sums: Floats = where_closed.sum() + np.r_[0.0, np.cumsum(changes)][self.opened]
        return sums


def _is_better(found: tuple[float, float], best: tuple[float, float]) -> bool:
    """By the objective, and where that is equal by the mean Dice."""
    if abs(found[0] - best[0]) > _ROUNDING:
        return found[0] > best[0]
    return found[1] > best[1] + _ROUNDING


def _liked_first(grid: MaskGrid) -> Iterator[tuple[int, int]]:
    """Places in the grid, mask thresholds near 0.5 and small areas first."""
    cuts = sorted(range(len(grid.thresholds)), key=lambda at: abs(grid.thresholds[at] - 0.5))
    for cut in cuts:
        for area in range(len(grid.minimum_areas_px)):
            yield cut, area
