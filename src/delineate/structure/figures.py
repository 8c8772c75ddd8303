"""The structure of one mask in figures: lengths, counts, widths, tortuosity."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from delineate.structure.measuring import Segment, Structure, point_table
from delineate.structure.widths import Values

QUANTILES = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True)
class WidthFigures:
    """Mean and quantiles of width over the length, so that a long vessel counts for more."""

    mean: float
    quantiles: dict[str, float]


@dataclass(frozen=True)
class StructureFigures:
    """What is said of a case as a whole; None where there is nothing to say it of.

    `tortuosity` is the length of all segments that are no loops over the sum of their chords,
    and `measured_share` the share of the length at which there is a width.
    """

    area_px: int
    length_px: float
    segments: int
    branch_points: int
    end_points: int
    spots: int
    tortuosity: float | None
    measured_share: float | None
    width_px: WidthFigures | None
    length_mm: float | None
    width_mm: WidthFigures | None

    def to_row(self) -> dict[str, Any]:
        """The same flat: a name and a figure a column of a table."""
        row = asdict(self)
        for unit in ("px", "mm"):
            width = row.pop(f"width_{unit}")
            for name in ("mean", *QUANTILES):
                found = None if width is None else {"mean": width["mean"], **width["quantiles"]}
                row[f"{name}_width_{unit}"] = None if found is None else found[name]
        return row


def figures_of(structure: Structure) -> StructureFigures:
    """The figures of one structure."""
    table = point_table(structure)
    length_px = sum(each.length_px for each in structure.segments)
    has_mm = structure.spacing_mm is not None
    measured_px = float(table.step_px[np.isfinite(table.widths_px)].sum())
    return StructureFigures(
        area_px=structure.area_px,
        length_px=length_px,
        segments=len(structure.segments),
        branch_points=len(structure.branch_points),
        end_points=len(structure.end_points),
        spots=len(structure.spots),
        tortuosity=_tortuosity(structure.segments),
        measured_share=measured_px / length_px if length_px else None,
        width_px=width_figures(table.widths_px, table.step_px),
        length_mm=sum(each.length_mm or 0.0 for each in structure.segments) if has_mm else None,
        width_mm=None if table.widths_mm is None else width_figures(table.widths_mm, table.step_px),
    )


def width_figures(widths: Values, weights: Values) -> WidthFigures | None:
    """Mean and quantiles of widths that stand for so much length each; None without any."""
    is_measured = np.isfinite(widths)
    if not is_measured.any():
        return None
    order = np.argsort(widths[is_measured], kind="stable")
    found, shares = widths[is_measured][order], weights[is_measured][order]
    way = np.cumsum(shares) / shares.sum()
    last = len(found) - 1
    quantiles = {
        name: float(found[min(int(np.searchsorted(way, share - 1e-9)), last)])
        for name, share in QUANTILES.items()
    }
    return WidthFigures(float(np.average(found, weights=shares)), quantiles)


def _tortuosity(segments: tuple[Segment, ...]) -> float | None:
    with_chord = [each for each in segments if each.tortuosity is not None]
    if not with_chord:
        return None
    return sum(each.length_px for each in with_chord) / sum(each.chord_px for each in with_chord)
