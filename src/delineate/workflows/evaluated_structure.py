"""The structure of predicted vessels against that of the truth, case by case, in an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import DelineateError
from delineate.core.types import Image, LabelClass
from delineate.evaluation.cases import ScoredCase
from delineate.files.image_files import read_image
from delineate.files.mask_files import write_image
from delineate.files.writing import write_csv
from delineate.report.display import Picture, photograph
from delineate.report.structure_pictures import match_picture
from delineate.structure.comparison import (
    Comparison,
    ErrorSums,
    StructureErrors,
    compare,
    errors_of,
    sums_of,
)
from delineate.structure.measuring import Structure
from delineate.workflows.structure import RULES, Drawn, StructureFiles

# What `WidthErrors` calls them, under names that stand alone.
_WIDTH_NAMES = {
    "compared_length_px": "length_px",
    "mean_true_width_px": "mean_truth_px",
    "width_error_px": "mean_px",
    "absolute_width_error_px": "mean_absolute_px",
    "width_error_deviation_px": "deviation_px",
    "width_error_low_px": "low_px",
    "width_error_high_px": "high_px",
}
_OF_A_CASE = (
    "length_error_px",
    "missed_length_px",
    "false_length_px",
    "width_error_px",
    "absolute_width_error_px",
)
FOLDER, ERRORS = "structure", "errors.csv"
MODEL = "model"
_LONGEST_PX = 1000
ERROR_RULES = (
    "a point of the true centre line is met where a predicted one is not farther than the true "
    "half-width there, or 2 px where that is less; the rest of the true length is missed, and "
    "predicted length that is farther than that from the truth is false",
    "errors of width are predicted less true width at the points that are met and have both, and "
    "each pixel of length counts the same; the limits are the mean error less and plus 1.96 "
    "standard deviations (Bland and Altman, 1986): 95 % of single widths lie between them where "
    "errors are normal",
    "in bands of true width errors lean towards the middle even where nothing is wrong, for what "
    "the truth has drawn too thin stands among the thin",
    "a case without a prediction has no vessel: all of its true length is missed",
)


class EvaluatedStructure:
    """Measures truths and predictions of one case after the other, and compares them."""

    def __init__(
        self,
        evaluation: Path,
        classes: Sequence[LabelClass],
        *,
        is_overlapping: bool = False,
        palette: str = "default",
    ) -> None:
        self._folder, self._palette = evaluation / FOLDER, palette
        self._classes = [each for each in classes if each.index != 0]
        self._files = StructureFiles(self._folder, classes, is_overlapping=is_overlapping)
        self._drawn: dict[str, list[Path]] = {}
        self._found: dict[tuple[str, str, str], dict[str, ErrorSums]] = {}

    def add(self, case: ScoredCase, stem: str, image: Path) -> None:
        """Measure and compare one case; the image lies below the picture where it can be read."""
        if not case.truths:
            return  # it stands among the failures, and nothing is known of its truth
        observers = {f"observer {name}": labels for name, labels in case.truths.items()}
        size = next(iter(case.truths.values())).shape
        labels = case.labels
        if labels is None or labels.shape != size:
            labels = np.zeros(size, np.uint8)
        drawn = {MODEL: labels, **observers}
        found = self._files.add(
            case.id, stem, {who: Drawn(each, case.region) for who, each in drawn.items()}
        )
        reference = next(iter(observers))
        for one in self._classes:
            for who, against in self._pairs(list(observers)):
                compared = compare(found[against, one.name], found[who, one.name])
                key = (who, against, one.name)
                self._found.setdefault(key, {})[case.id] = sums_of(compared)
                if (who, against) == (MODEL, reference):
                    with suppress(DelineateError):  # it stands among the failures already
                        self._draw(case.id, compared, found, key, stem, read_image(image))

    def finish(self) -> dict[str, Any]:
        """Write the tables; what `evaluation.json` says of structure."""
        document = self._files.finish()
        rows = list(self._rows())
        header = list(rows[0]) if rows else ["id", "who", "against", "class"]
        write_csv(self._folder / ERRORS, header, [list(row.values()) for row in rows])
        errors = []
        for (who, against, name), cases in self._found.items():
            pooled = errors_of(list(cases.values()))
            head = {"who": who, "against": against, "class": name, **_flat(pooled)}
            mine = [r for r in rows if (r["who"], r["against"], r["class"]) == (who, against, name)]
            bands = [
                {"from_px": low, "below_px": high if np.isfinite(high) else None}
                | {name: getattr(each, key) for name, key in _WIDTH_NAMES.items()}
                for low, high, each in pooled.bands
            ]
            errors.append(head | {"mean_of_cases": _means(mine), "bands": bands})
        return {
            "rules": [*RULES, *ERROR_RULES],
            "summary": document["summary"],
            "errors": errors,
            "middle_case": self._middle_case(),
        }

    def _middle_case(self) -> dict[str, Any] | None:
        """The case in the middle by its share of missed and false length, and its pictures."""
        cases = next(iter(self._found.values()), {})
        shares = sorted(
            ((each.missed_length_px + each.false_length_px) / total, case_id)
            for case_id, each in cases.items()
            if case_id in self._drawn and (total := each.truth_length_px + each.predicted_length_px)
        )
        if not shares:
            return None
        case_id = shares[(len(shares) - 1) // 2][1]
        files = [file.relative_to(self._folder.parent) for file in self._drawn[case_id]]
        return {"id": case_id, "pictures": [file.as_posix() for file in files]}

    def _pairs(self, observers: list[str]) -> Iterator[tuple[str, str]]:
        """The model against everybody, and the others against the observer of reference."""
        yield from ((MODEL, each) for each in observers)
        yield from ((each, observers[0]) for each in observers[1:])

    def _rows(self) -> Iterator[dict[str, Any]]:
        for (who, against, name), cases in self._found.items():
            for case_id, sums in cases.items():
                head = {"id": case_id, "who": who, "against": against, "class": name}
                yield head | _flat(errors_of([sums]))

    def _draw(
        self,
        case_id: str,
        compared: Comparison,
        found: dict[tuple[str, str], Structure],
        key: tuple[str, str, str],
        stem: str,
        image: Image,
    ) -> None:
        who, against, name = key
        picture = match_picture(
            compared,
            found[against, name],
            found[who, name],
            image=image,
            palette=self._palette,
            title=f"{name}: {who} against {against}",
        )
        write_image(self._files.picture(stem, "errors", name), picture)
        if name == self._classes[0].name:
            self._drawn[case_id] = [
                self._files.picture(stem, word, name) for word in ("errors", MODEL, against)
            ]


def structure_pictures(evaluation: Path, document: Mapping[str, Any]) -> list[Picture]:
    """The pictures of the middle case for a page; none where structure was not measured."""
    middle = (document.get("structure") or {}).get("middle_case")
    if middle is None:
        return []
    names = ("Centre lines found, missed and false", "Widths of the model", "Widths of the truth")
    return [
        photograph(read_image(evaluation / file), f"{name}: {middle['id']}", name, _LONGEST_PX)
        for name, file in zip(names, middle["pictures"], strict=True)
    ]


def _flat(errors: StructureErrors) -> dict[str, Any]:
    """The figures of one case or of all, a name each; None where no width could be compared."""
    row = asdict(errors)
    del row["bands"]
    widths = row.pop("widths") or {}
    return row | {name: widths.get(key) for name, key in _WIDTH_NAMES.items()}


def _means(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean over cases of what a case can have of its own; None where no case has it."""
    means = {}
    for name in _OF_A_CASE:
        known = [row[name] for row in rows if row[name] is not None]
        means[name] = float(np.mean(known)) if known else None
    return means
