"""Whether images tell their own masks from those of other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from delineate.auditing.soundness.foretelling import Glance, correlation, folds_of, foretold

# A mean difference of fewer standard errors than these may be chance.
_SPREADS = 3.0


@dataclass(frozen=True)
class Strangers:
    """Mean correlations of drawn masks with those foretold from their own and from other images.

    `spreads` is the mean difference over its standard error.
    """

    masks: int
    own: float
    others: float
    spreads: float

    @property
    def are_told_apart(self) -> bool:
        """Whether masks fit their own images better than others."""
        return self.spreads >= _SPREADS


def beside_strangers(glances: Sequence[Glance]) -> Strangers | None:
    """Each mask held against its own image and the others of its block; None of fewer than two.

    Masks of a block are learnt in none of its models, so that neither side knows them.
    """
    given = {number: glance.shares for number, glance in enumerate(glances)}
    predicted = {number: shares for _, number, shares in foretold(glances, [given])}
    blocks = folds_of(len(glances))
    own, others = [], []
    for number, shares in given.items():
        if number not in predicted:
            continue
        beside = [
            fit
            for other in np.flatnonzero(blocks == blocks[number])
            if other != number
            and int(other) in predicted
            and (fit := correlation(predicted[int(other)], shares)) is not None
        ]
        fit = correlation(predicted[number], shares)
        if fit is not None and beside:
            own.append(fit)
            others.append(float(np.mean(beside)))
    if len(own) < 2:
        return None
    gain = np.subtract(own, others)
    error = max(float(gain.std(ddof=1)) / np.sqrt(len(gain)), 1e-9)
    return Strangers(
        len(own), float(np.mean(own)), float(np.mean(others)), float(gain.mean()) / error
    )
