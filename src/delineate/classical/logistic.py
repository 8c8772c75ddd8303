"""Logistic regression as a few numbers: what a feature says of a class."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Floats = NDArray[np.floating[Any]]


class Logistic(BaseModel):
    """The probability of each class from features, scaled by their mean and deviation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: tuple[float, ...] = Field(min_length=1)
    deviation: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    offsets: tuple[float, ...]

    @classmethod
    def learn(cls, features: Floats, counts: Floats, *, is_balanced: bool) -> Self:
        """From features (N, F), and how many pixels of each class each row stands for (N, C).

        Balanced classes count by the root of how many pixels they have, so that rare ones are
        met where there is no threshold to find them.
        """
        from sklearn.linear_model import LogisticRegression

        mean = np.average(features, axis=0, weights=counts.sum(axis=1))
        spread = np.average((features - mean) ** 2, axis=0, weights=counts.sum(axis=1)) ** 0.5
        deviation = np.where(spread > 1e-6, spread, 1.0)
        scaled = (features - mean) / deviation
        classes = counts.shape[1]
        present = np.flatnonzero(counts.sum(axis=0) > 0)
        weights, offsets = np.zeros((classes, features.shape[1])), np.full(classes, -30.0)
        offsets[present] = 0.0
        if len(present) > 1:
            totals = counts[:, present].sum(axis=0)
            share = counts[:, present] / (totals**0.5 if is_balanced else 1.0)
            rows, columns = np.nonzero(share)
            weight = share[rows, columns]
            model = LogisticRegression(C=10.0, max_iter=2000)
            model.fit(scaled[rows], columns, sample_weight=weight * len(weight) / weight.sum())
            if len(present) == 2:  # one line of weights, for the second against the first
                weights[present[1]], offsets[present[1]] = model.coef_[0], model.intercept_[0]
            else:
                weights[present], offsets[present] = model.coef_, model.intercept_
        return cls(
            mean=tuple(map(float, mean)),
            deviation=tuple(map(float, deviation)),
            weights=tuple(tuple(map(float, row)) for row in weights),
            offsets=tuple(map(float, offsets)),
        )

    def shares(self, features: Floats) -> NDArray[np.float64]:
        """(N, C) probability of each class; rows sum to 1."""
        scaled = (features - np.array(self.mean)) / np.array(self.deviation)
        scores = scaled @ np.array(self.weights).T + np.array(self.offsets)
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
        return shares

    def require_fits(self, *, features: int, classes: int) -> None:
        """Refuse numbers of other features or classes.

        Raises:
            ValueError: saying what was expected.
        """
        widths = {len(self.mean), len(self.deviation), *map(len, self.weights)}
        if widths != {features} or {len(self.weights), len(self.offsets)} != {classes}:
            raise ValueError(f"expected weights of {features} features for {classes} classes")
        if min(self.deviation) <= 0:
            raise ValueError("expected deviations above 0")
