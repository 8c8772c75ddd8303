"""What was chosen for a model with a gate, and without it, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delineate.cli.tables import columns

_NAMES = {"classifier": "two stages", "head": "the segmenter's own head", None: "without a gate"}


def operating_table(points: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A row for each kind of gate; scores on out-of-fold predictions."""
    header = ["gate", "gate threshold", "threshold", "minimum area", "score", "cross-fitted"]
    rows = [
        [
            _NAMES[point["gate"]],
            _number(point["gate_threshold"]),
            _number(point["threshold"]),
            f"{point['minimum_area_px']} px",
            _number(point["score"]),
            _number(point["cross_fitted_score"]),
        ]
        for point in points
    ]
    yield ""
    yield from columns(rows, header)
    yield f"score: {points[0]['objective']}"
    yield "cross-fitted: each fold scored at what was chosen on the others"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
