"""The structure of vessels in masks as files: a row a case, a row a segment, points, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import SettingsError
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, LabelClass, Labels, Mask
from delineate.files.class_masks import class_words
from delineate.files.mask_files import write_image
from delineate.files.spacing import Spacing
from delineate.files.writing import write_csv
from delineate.report.structure_pictures import scale_of, structure_picture
from delineate.structure.figures import figures_of
from delineate.structure.measuring import Structure, measure_structure

SCHEMA, DOCUMENT = "structure", "structure.json"
CASES, SEGMENTS, POINTS, PICTURES = "cases.csv", "segments", "points", "pictures"
RULES = (
    "the centre line is a skeleton after Lee, Kashyap and Chu (1994), smoothed; side branches "
    "no longer than 1.5 radii of the vessel they leave and 1 px are bumps of its outline and left "
    "out, branch points no farther apart than that are one, and holes of at most 4 px are filled",
    "a segment lies between branch points and free ends; its length is that of the smoothed "
    "centre line, which goes on to the edge of the mask at a free end",
    "a width is that of the mask at right angles to the centre line, to a part of a pixel, as "
    "the mean over 5 points a pixel apart; there is none in the disc of a branch point, within "
    "about a width of a free end, beside another vessel that touches, and where the image or its "
    "region ends",
    "means and quantiles of width are those over the length; tortuosity is length over the "
    "straight way from end to end, of a case the sum of lengths over the sum of chords",
)
_SEGMENT_HEADER = (
    "who", "class", "segment", "start", "end", "length_px", "chord_px", "tortuosity",
    "mean_width_px", "median_width_px", "measured_points", "points",
    "start_row", "start_column", "end_row", "end_column", "length_mm", "mean_width_mm",
)  # fmt: skip
_POINT_HEADER = ("who", "class", "segment", "way_px", "row", "column", "width_px", "width_mm")


@dataclass(frozen=True)
class Drawn:
    """The labels of one case by one person or model, and what they are measured with."""

    labels: Labels
    region: Mask | None = None
    spacing: Spacing | None = None

    @property
    def known(self) -> Mask:
        """(H, W) where the labels count."""
        known = np.asarray(self.labels != IGNORE)
        return known if self.region is None else known & self.region


class StructureFiles:
    """Writes what was measured of each case into a folder."""

    def __init__(
        self,
        folder: Path,
        classes: Sequence[LabelClass],
        *,
        is_overlapping: bool = False,
        pictures: bool = True,
    ) -> None:
        self._folder, self._pictures = folder, pictures
        self._classes = [each for each in classes if each.index != 0]
        self._words = class_words(classes)
        self._is_overlapping = is_overlapping
        self.rows: list[dict[str, Any]] = []
        for name in (SEGMENTS, POINTS, *([PICTURES] if pictures else [])):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def add(
        self, case_id: str, stem: str, drawn: Mapping[str, Drawn]
    ) -> dict[tuple[str, str], Structure]:
        """Measure every class in the labels of a case; returns each by who drew it and class."""
        found: dict[tuple[str, str], Structure] = {}
        for one in self._classes:
            masks = {
                who: is_class(each.labels, one.index, is_overlapping=self._is_overlapping)
                & each.known
                for who, each in drawn.items()
            }
            for who, each in drawn.items():
                pair = (
                    None if each.spacing is None else (each.spacing.row_mm, each.spacing.column_mm)
                )
                structure = measure_structure(masks[who], each.known, spacing_mm=pair)
                found[who, one.name] = structure
                self.rows.append(_case_row(case_id, who, one.name, structure, each.spacing))
            if self._pictures:
                self._draw(case_id, stem, one, masks, found)
        segments = [row for key, each in found.items() for row in _segment_rows(*key, each)]
        write_csv(self._folder / SEGMENTS / f"{stem}.csv", _SEGMENT_HEADER, segments)
        points = [row for key, each in found.items() for row in _point_rows(*key, each)]
        write_csv(self._folder / POINTS / f"{stem}.csv", _POINT_HEADER, points)
        return found

    def finish(self) -> dict[str, Any]:
        """Write the table of cases; what a document says of them."""
        header = list(self.rows[0]) if self.rows else ["id", "who", "class"]
        write_csv(self._folder / CASES, header, [list(row.values()) for row in self.rows])
        return {
            "rules": list(RULES),
            "classes": [each.name for each in self._classes],
            "summary": _summary(self.rows),
            "cases": self.rows,
        }

    def _draw(
        self,
        case_id: str,
        stem: str,
        one: LabelClass,
        masks: Mapping[str, Mask],
        found: Mapping[tuple[str, str], Structure],
    ) -> None:
        """A picture for each who drew, all on one scale."""
        scale = scale_of([found[who, one.name] for who in masks])
        for who, mask in masks.items():
            title = f"{case_id}: {one.name}, {who}"
            picture = structure_picture(found[who, one.name], mask, scale=scale, title=title)
            write_image(self.picture(stem, who, one.name), picture)

    def picture(self, stem: str, word: str, class_name: str) -> Path:
        """The file of a picture of a case, named after what it shows."""
        parts = [stem, re.sub(r"[^\w.-]+", "-", word)]
        if len(self._classes) > 1:
            parts.append(next(self._words[c.index] for c in self._classes if c.name == class_name))
        return self._folder / PICTURES / f"{'_'.join(parts)}.png"


def spacing_by_hand(text: str | None) -> Spacing | None:
    """The spacing that a person gave: one number, or those of rows and columns.

    Examples:
        >>> spacing_by_hand("0.02").column_mm, spacing_by_hand("0.02,0.03").column_mm
        (0.02, 0.03)

    Raises:
        SettingsError: anything but one or two positive numbers.
    """
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 < each < 1e6 for each in numbers):
        raise SettingsError(
            f"--spacing-mm {text}: expected the height and width of a pixel in mm, such as 0.02 "
            "or 0.02,0.03"
        )
    return Spacing(numbers[0], numbers[-1], "given by hand")


def _case_row(
    case_id: str, who: str, name: str, structure: Structure, spacing: Spacing | None
) -> dict[str, Any]:
    head = {"id": case_id, "who": who, "class": name}
    spacings = {each.name: getattr(spacing, each.name, None) for each in fields(Spacing)}
    said = {f"spacing_{key}": value for key, value in spacings.items()}
    return head | figures_of(structure).to_row() | said


def _segment_rows(who: str, name: str, structure: Structure) -> Iterator[list[object]]:
    for number, one in enumerate(structure.segments):
        is_measured = np.isfinite(one.widths_px)
        widths = one.widths_px[is_measured]
        mean_mm = None
        if one.widths_mm is not None and is_measured.any():
            mean_mm = float(one.widths_mm[is_measured].mean())
        yield [
            who, name, number, one.start, one.end, one.length_px, one.chord_px, one.tortuosity,
            float(widths.mean()) if len(widths) else None,
            float(np.median(widths)) if len(widths) else None,
            len(widths), len(one.points), *one.points[0], *one.points[-1], one.length_mm, mean_mm,
        ]  # fmt: skip


def _point_rows(who: str, name: str, structure: Structure) -> Iterator[list[object]]:
    for number, one in enumerate(structure.segments):
        in_mm = np.full(len(one.points), np.nan) if one.widths_mm is None else one.widths_mm
        rows = zip(one.points.tolist(), one.widths_px.tolist(), in_mm.tolist(), strict=True)
        for at, ((row, column), width_px, width_mm) in enumerate(rows):
            yield [
                who, name, number, round((at + 0.5) * one.step_px, 3), round(row, 3),
                round(column, 3), _rounded(width_px, 4), _rounded(width_mm, 6),
            ]  # fmt: skip


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None


def _summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The mean over cases of each figure by who drew them and class; None where no case has it."""
    summary = []
    for who, name in dict.fromkeys((row["who"], row["class"]) for row in rows):
        mine = [row for row in rows if (row["who"], row["class"]) == (who, name)]
        means: dict[str, Any] = {"who": who, "class": name, "cases": len(mine)}
        for key, value in mine[0].items():
            if key.startswith("spacing") or isinstance(value, str):
                continue
            known = [float(row[key]) for row in mine if row[key] is not None]
            means[key] = float(np.mean(known)) if known else None
        summary.append(means)
    return summary
