"""Ways to use one segmenter, side by side: each with its cost, and against the first in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from delineate.evaluation.pairing import paired_difference
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.two_stage import (
    KAGGLE_RULE,
    Flags,
    ImageCounts,
    Real,
    gate_curve,
    gate_effect,
    image_verdicts,
    losses_of,
    outcomes_of,
)
from delineate.metrics.intervals import bootstrap_mean

EMPTY = "empty prediction"
CLASSIFIER = "classifier"
DRAWN_RULE = (
    "an image counts as drawn on where its prediction holds any pixel, and as touched where one of "
    "them is true"
)
CURVE_RULE = (
    "read off this very split, with masks cut as they are: a description, and no way to choose a "
    "threshold"
)


@dataclass(frozen=True)
class WayCases:
    """One way to use the segmenter, and what it draws on n images whatever its gate says.

    `gate` is None without one; `probability` is the gate's, (n,), and `is_open` says where it lets
    an image through.
    """

    name: str
    gate: str | None
    gate_threshold: float | None
    threshold: float | Sequence[float] | None
    minimum_area_px: int
    origin: str
    drawn: ImageCounts
    probability: Real
    is_open: Flags

    @property
    def counts(self) -> ImageCounts:
        """What is drawn behind the gate."""
        return self.drawn.behind(self.is_open)

    @property
    def share_segmented(self) -> float:
        """The share of the images that the segmenter looks at; all of them for its own head."""
        return float(self.is_open.mean()) if self.gate == CLASSIFIER else 1.0


@dataclass(frozen=True)
class Costs:
    """Milliseconds an image of the classifier that is the gate, if any, and of the segmenter."""

    gate_ms: float | None
    segmenter_ms: float | None

    def of(self, way: WayCases) -> float | None:
        """The expected milliseconds of an image; None where nothing was timed."""
        if self.segmenter_ms is None:
            return None
        gate_ms = (self.gate_ms or 0.0) if way.gate == CLASSIFIER else 0.0
        return round(gate_ms + way.share_segmented * self.segmenter_ms, 2)


def two_stage_document(
    ways: Sequence[WayCases],
    groups: Sequence[str],
    costs: Costs,
    *,
    settings: EvaluationSettings,
) -> dict[str, Any]:
    """All figures of a model with a gate, the first of the ways, in plain JSON values.

    `groups` are the subjects of the n images. Differences are those of each way less the first.
    """
    first = ways[0]
    scores = first.counts.kaggle_dice
    curve = gate_curve(first.probability, first.drawn)
    effect = gate_effect(first.drawn, first.is_open)
    rows = [_row(way, scores, groups, costs, settings) for way in ways]
    rows[0]["difference"] = None
    return {
        "gate": first.gate,
        "gate_threshold": first.gate_threshold,
        "rules": [KAGGLE_RULE, DRAWN_RULE],
        "cases": len(groups),
        "subjects": len(set(groups)),
        "kaggle_dice": float(scores.mean()),
        "losses": asdict(losses_of(first.counts, first.is_open)),
        "gate_effect": asdict(effect) | {"net": effect.net},
        "ways": [*rows, _empty(first, scores, groups, settings)],
        "curve": asdict(curve) | {"rule": CURVE_RULE},
    }


def _row(
    way: WayCases,
    reference: Real,
    groups: Sequence[str],
    costs: Costs,
    settings: EvaluationSettings,
) -> dict[str, Any]:
    return {
        "name": way.name,
        "gate": way.gate,
        "gate_threshold": way.gate_threshold,
        "threshold": way.threshold,
        "minimum_area_px": way.minimum_area_px,
        "operating_point": way.origin,
        "share_segmented": way.share_segmented,
        "milliseconds_an_image": costs.of(way),
        **_scores(way.counts, reference, groups, settings),
    }


def _empty(
    first: WayCases, reference: Real, groups: Sequence[str], settings: EvaluationSettings
) -> dict[str, Any]:
    """The row of drawing nothing anywhere, which never fails."""
    truth_px = first.drawn.truth_px
    nothing = np.zeros_like(truth_px)
    counts = ImageCounts(truth_px, nothing, nothing, np.zeros(len(truth_px), bool))
    return {
        "name": EMPTY,
        "gate": None,
        "gate_threshold": None,
        "threshold": None,
        "minimum_area_px": None,
        "operating_point": None,
        "share_segmented": 0.0,
        "milliseconds_an_image": 0.0,
        **_scores(counts, reference, groups, settings),
    }


def _scores(
    counts: ImageCounts, reference: Real, groups: Sequence[str], settings: EvaluationSettings
) -> dict[str, Any]:
    scores = counts.kaggle_dice
    resampling = {"seed": settings.seed, "resamples": settings.resamples}
    interval = bootstrap_mean(scores, groups, **resampling)
    difference = paired_difference(scores, reference, groups, **resampling)
    return {
        "kaggle_dice": {
            "value": float(scores.mean()),
            "low": interval.low,
            "high": interval.high,
            "why_no_interval": interval.why_none,
            "interval_note": interval.note,
        },
        "difference": difference.to_document(),
        **asdict(image_verdicts(counts)),
    }


def case_rows(
    ways: Sequence[WayCases], ids: Sequence[str], subjects: Sequence[str | None]
) -> tuple[list[str], list[list[object]]]:
    """Header and a row a case: what became of it, the gate's probability, the score each way."""
    first = ways[0]
    header = ["id", "subject", "outcome", "truth_px", "drawn_px", "gate_probability", "is_open"]
    header += [f"kaggle_dice: {way.name}" for way in ways]
    outcomes = outcomes_of(first.counts, first.is_open)
    scores = [way.counts.kaggle_dice for way in ways]
    rows: list[list[object]] = []
    for place, (id_, subject) in enumerate(zip(ids, subjects, strict=True)):
        is_failed = bool(first.drawn.is_failed[place])
        rows.append(
            [
                id_,
                subject or "",
                outcomes[place],
                int(first.drawn.truth_px[place]),
                "" if is_failed else int(first.counts.predicted_px[place]),
                "" if is_failed else round(float(first.probability[place]), 6),
                "" if is_failed else ("yes" if first.is_open[place] else "no"),
                *(round(float(each[place]), 6) for each in scores),
            ]
        )
    return header, rows
