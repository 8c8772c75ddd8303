"""The structure of a prediction against that of the truth: widths along it, lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Mask
from delineate.structure.measuring import PointTable, Structure, point_table
from delineate.structure.widths import Values

# A centre line is met within the truth's own half-width, and within so much of the thinnest.
LEAST_TOLERANCE_PX = 2.0
# Of a normal distribution 95 % lie so many deviations about the mean.
LIMITS_DEVIATIONS = 1.96
BANDS_PX = (0.0, 2.0, 4.0, 8.0, float("inf"))


@dataclass(frozen=True)
class Comparison:
    """One case: what was met, and the widths of truth and prediction where both have one.

    `is_met` says of each point of the truth whether the prediction has a centre line there,
    `is_true` of each point of the prediction whether the truth has one.
    """

    truth: PointTable
    prediction: PointTable
    is_met: Mask
    is_true: Mask
    truth_widths_px: Values
    predicted_widths_px: Values
    weights_px: Values


@dataclass(frozen=True)
class ErrorSums:
    """What is kept of one case, to be added to others: lengths, and sums of widths over length.

    `widths` has a row a band of `BANDS_PX`: the length, and over it the sums of true width,
    error, absolute error and squared error.
    """

    truth_length_px: float
    predicted_length_px: float
    missed_length_px: float
    false_length_px: float
    widths: Values


@dataclass(frozen=True)
class WidthErrors:
    """Predicted less true width over the length on which both could be measured.

    `low_px` and `high_px` are the 95 % limits of agreement: the mean error less and plus 1.96
    standard deviations. Points of one vessel are alike, so they say how far single widths are
    off, not how well the mean is known.

    Source: Bland and Altman (1986), "Statistical methods for assessing agreement between two
    methods of clinical measurement".
    """

    length_px: float
    mean_truth_px: float
    mean_px: float
    mean_absolute_px: float
    deviation_px: float
    low_px: float
    high_px: float


@dataclass(frozen=True)
class StructureErrors:
    """Errors of one case or of several together.

    `length_error_px` is predicted less true length, `missed_length_px` truth without a predicted
    centre line, `false_length_px` prediction without a true one. `widths` is None where no width
    could be compared. `bands` are the widths by true width, from and below so many px.
    """

    cases: int
    truth_length_px: float
    predicted_length_px: float
    length_error_px: float
    missed_length_px: float
    false_length_px: float
    widths: WidthErrors | None
    bands: tuple[tuple[float, float, WidthErrors], ...]


def compare(truth: Structure, prediction: Structure) -> Comparison:
    """The prediction's points matched along the truth's centre lines.

    A point of the truth is met where the nearest predicted point is not farther than the true
    half-width there, or 2 px, whichever is more; its width is compared with that point's. A
    predicted point is false where it is farther than that from the nearest point of the truth.
    """
    true_table, predicted_table = point_table(truth), point_table(prediction)
    tolerance_px = np.maximum(true_table.radii_px, LEAST_TOLERANCE_PX)
    to_prediction, nearest = _nearest(true_table, predicted_table)
    to_truth, nearest_true = _nearest(predicted_table, true_table)
    is_met = to_prediction <= tolerance_px
    is_true = np.zeros(len(to_truth), np.bool_)
    if len(true_table.places):
        is_true = to_truth <= tolerance_px[nearest_true]
    widths = true_table.widths_px[is_met]
    predicted = predicted_table.widths_px[nearest[is_met]]
    is_compared = np.isfinite(widths) & np.isfinite(predicted)
    return Comparison(
        true_table,
        predicted_table,
        is_met,
        is_true,
        widths[is_compared],
        predicted[is_compared],
        true_table.step_px[is_met][is_compared],
    )


def sums_of(comparison: Comparison) -> ErrorSums:
    """What a comparison adds to the errors of several cases."""
    truth, weights = comparison.truth_widths_px, comparison.weights_px
    error = comparison.predicted_widths_px - truth
    columns = np.stack([np.ones(len(truth)), truth, error, np.abs(error), error**2]) * weights
    bands = [
        columns[:, (truth >= low) & (truth < high)].sum(axis=1) for low, high in pairwise(BANDS_PX)
    ]
    return ErrorSums(
        float(comparison.truth.step_px.sum()),
        float(comparison.prediction.step_px.sum()),
        float(comparison.truth.step_px[~comparison.is_met].sum()),
        float(comparison.prediction.step_px[~comparison.is_true].sum()),
        np.stack(bands),
    )


def errors_of(cases: Sequence[ErrorSums]) -> StructureErrors:
    """The errors of several cases together: each pixel of length counts the same."""
    truth = sum(each.truth_length_px for each in cases)
    predicted = sum(each.predicted_length_px for each in cases)
    widths = np.sum([each.widths for each in cases], axis=0)
    bands = (
        (low, high, _width_errors(row))
        for (low, high), row in zip(pairwise(BANDS_PX), widths, strict=True)
    )
    return StructureErrors(
        len(cases),
        truth,
        predicted,
        predicted - truth,
        sum(each.missed_length_px for each in cases),
        sum(each.false_length_px for each in cases),
        _width_errors(widths.sum(axis=0)),
        tuple((low, high, found) for low, high, found in bands if found is not None),
    )


def _width_errors(sums: Values) -> WidthErrors | None:
    length_px = float(sums[0])
    if not length_px:
        return None
    truth, mean, absolute, square = (float(each) for each in sums[1:] / length_px)
    deviation = max(0.0, square - mean**2) ** 0.5
    return WidthErrors(
        length_px,
        truth,
        mean,
        absolute,
        deviation,
        mean - LIMITS_DEVIATIONS * deviation,
        mean + LIMITS_DEVIATIONS * deviation,
    )


def _nearest(points: PointTable, others: PointTable) -> tuple[Values, NDArray[np.intp]]:
    """For each point how far the nearest of the others is, and which; infinity without any."""
    from scipy.spatial import KDTree

    if not len(others.places) or not len(points.places):
        return np.full(len(points.places), np.inf), np.zeros(len(points.places), np.intp)
    distance, nearest = KDTree(others.places).query(points.places)
    return np.asarray(distance), np.asarray(nearest)
