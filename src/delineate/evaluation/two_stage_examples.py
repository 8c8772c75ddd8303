"""Images to look at behind a gate: the worst of each kind of error, and what went well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from delineate.evaluation.two_stage import (
    CLOSED_RIGHTLY,
    FALSE_ALARM,
    MISSED_BY_GATE,
    MISSED_BY_SEGMENTER,
    OUTLINED,
    Real,
    outcomes_of,
)
from delineate.evaluation.two_stage_document import WayCases

SHOWN_EACH = 2
OUTLINE_ROLES = BEST, MEDIAN, WORST = "best outline", "median outline", "worst outline"


def examples_of(way: WayCases, ids: Sequence[str]) -> list[dict[str, Any]]:
    """A row an image, errors first, each with its role and what the gate said of it.

    Of what was missed those with most to find, of false alarms the largest, of outlined images
    the two worst, the middle one and the best; of those rightly kept back the one of which the
    gate was least sure.
    """
    outcome = np.array(outcomes_of(way.counts, way.is_open), dtype=object)
    score = way.counts.kaggle_dice
    ranked = {
        MISSED_BY_GATE: -way.drawn.truth_px,
        MISSED_BY_SEGMENTER: -way.drawn.truth_px,
        FALSE_ALARM: -way.drawn.predicted_px,
        OUTLINED: score,
        CLOSED_RIGHTLY: -way.probability,
    }
    found = []
    for name, by in ranked.items():
        order = _first_by(np.asarray(by, np.float64), np.flatnonzero(outcome == name))
        roles = _outlined(order) if name == OUTLINED else dict.fromkeys(order[:SHOWN_EACH], name)
        if name == CLOSED_RIGHTLY:
            roles = dict.fromkeys(order[:1], name)
        found += [
            {
                "id": ids[place],
                "role": role,
                "kaggle_dice": float(score[place]),
                "truth_px": int(way.drawn.truth_px[place]),
                "gate_probability": float(way.probability[place]),
                "is_open": bool(way.is_open[place]),
            }
            for place, role in roles.items()
        ]
    return found


def _first_by(values: Real, places: Sequence[int] | np.ndarray) -> list[int]:
    """The places by rising value, equals in their order."""
    return [int(place) for place in sorted(places, key=lambda place: values[place])]


def _outlined(order: list[int]) -> dict[int, str]:
    """The worst, the middle and the best of them, none twice."""
    middle, best = order[len(order) // 2 : len(order) // 2 + 1], order[-1:]
    roles = dict.fromkeys(best, BEST) | dict.fromkeys(middle, MEDIAN)
    worst = dict.fromkeys(order[:SHOWN_EACH], WORST)
    named = roles | worst
    return {place: named[place] for place in order if place in named}
