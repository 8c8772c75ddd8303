"""The figures of an evaluation: ROC and precision-recall curves, and every case as a dot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from delineate.report.pages import number
from delineate.report.plots import CaseDot, Curve, Point, case_strip, pr_plot, roc_plot
from delineate.report.score_tables import MODEL, POOLED, observer_words, sentence

Document = Mapping[str, Any]
# Above so many, curves cannot be told apart.
MOST_CURVES, MOST_ROWS = 8, 40
Cells = Sequence[Sequence[str | int | float]]


def evaluation_plots(
    document: Document, header: Sequence[str] = (), rows: Cells = ()
) -> dict[str, str]:
    """Caption to inline SVG, at the reference observer and region of the headline.

    The curves come from the document, the dots from the rows of cases.csv. What cannot be
    drawn is left out: a hard mask has no curve.
    """
    if not document["headline"]:
        return {}
    first = document["headline"][0]
    observer, region = str(first["observer"]), str(first["region"])
    where = f"{region}, against {observer_words(observer)}"
    curves = [
        one for one in document["curves"] if (one["observer"], one["region"]) == (observer, region)
    ]
    of = _Pooled(document, observer, region)
    figures = {}
    for kind, draw, words in (
        ("roc", _roc, "ROC curve"),
        ("pr", _pr, "Precision and recall"),
    ):
        found = [one for one in curves if one["kind"] == kind]
        if found:
            shown, remark = _worst(found, of)
            figures[f"{words} of all pixels pooled, {where}{remark}."] = draw(shown, of)
    strip = _strip(header, rows, observer=observer, region=region)
    if strip:
        caption = f"Dice of every case{strip[0]}, {where}."
        figures[caption] = strip[1]
    return figures


def case_dots(
    header: Sequence[str], rows: Cells, *, column: str, observer: str, region: str
) -> list[CaseDot]:
    """A column of cases.csv as dots; a case without a known subject is its own."""
    place = {name: index for index, name in enumerate(header)}
    dots = []
    for row in rows:
        if (str(row[place["observer"]]), str(row[place["region"]])) != (observer, region):
            continue
        cell = row[place[column]]
        value = None if cell in ("undefined", "") else float(cell)
        id_ = str(row[place["id"]])
        dots.append(CaseDot(id_, str(row[place["subject"]]) or id_, value))
    return dots


def _worst(curves: Sequence[Document], of: _Pooled) -> tuple[Sequence[Document], str]:
    """The curves, or where they are too many to tell apart those of lowest area, and a remark."""
    if len(curves) <= MOST_CURVES:
        return curves, ""
    score = "roc_auc" if curves[0]["kind"] == "roc" else "average_precision"

    def area(one: Document) -> float:
        value = of.value(MODEL, str(one["label_class"]), score)
        return 1.0 if value is None else value

    kept = sorted(curves, key=area)[:MOST_CURVES]
    return kept, f": the {MOST_CURVES} of {len(curves)} classes with the least area below it"


def _strip(
    header: Sequence[str], rows: Cells, *, observer: str, region: str
) -> tuple[str, str] | None:
    """One class (column `dice`) has rows of subjects; several (`CLASS: dice`) are rows."""
    columns = [column for column in header if column.rpartition(": ")[2] == "dice"]
    dots = {
        column: case_dots(header, rows, column=column, observer=observer, region=region)
        for column in columns
    }
    if not any(dots.values()):
        return None
    if len(columns) == 1:
        return "; the line is the mean of the defined ones", case_strip(dots[columns[0]])
    by_class = [
        replace(dot, subject=column.rpartition(": ")[0])
        for column in columns
        for dot in dots[column]
    ]
    rows_drawn = len(columns) <= MOST_ROWS
    words = ", class by class" if rows_drawn else " and class"
    return words, case_strip(by_class, row_noun="class", rows=MOST_ROWS)


class _Pooled:
    """The pooled scores at one observer and region, by predictor and class."""

    def __init__(self, document: Document, observer: str, region: str) -> None:
        threshold = document["threshold"]
        self.cut = "decision" if threshold is None else f"threshold {threshold:.3g}"
        self._values = {
            (one["predictor"], one["label_class"], one["score"]): one["value"]
            for one in document["records"]
            if (one["observer"], one["region"], one["pooling"]) == (observer, region, POOLED)
        }

    def value(self, predictor: str, name: str, score: str) -> float | None:
        return self._values.get((predictor, name, score))

    def predictors(self) -> list[str]:
        people = [one for one in dict.fromkeys(key[0] for key in self._values) if "observer" in one]
        return [*people, MODEL]

    def points(self, names: Sequence[str], x: str, y: str) -> list[Point]:
        """People, and the model where it was cut, by two of their scores."""
        found = []
        for predictor in self.predictors():
            for place, name in enumerate(names):
                across, up = self.value(predictor, name, x), self.value(predictor, name, y)
                if across is None or up is None:
                    continue
                across = 1 - across if x == "specificity" else across
                if predictor == MODEL:
                    found.append(Point(f"Model at its {self.cut}", across, up, place))
                else:
                    label = sentence(predictor) + (f", {name}" if len(names) > 1 else "")
                    found.append(Point(label, across, up))
        return found


def _roc(curves: Sequence[Document], of: _Pooled) -> str:
    names = [str(one["label_class"]) for one in curves]
    drawn = [_curve(one, of, "roc_auc", "AUC", len(curves)) for one in curves]
    return roc_plot(drawn, of.points(names, "specificity", "sensitivity"))


def _pr(curves: Sequence[Document], of: _Pooled) -> str:
    names = [str(one["label_class"]) for one in curves]
    drawn = [_curve(one, of, "average_precision", "AP", len(curves)) for one in curves]
    # Scores that rank nothing have the prevalence as their average precision.
    prevalence = of.value("empty prediction", names[0], "average_precision")
    return pr_plot(
        drawn,
        of.points(names, "sensitivity", "precision"),
        prevalence=prevalence if len(names) == 1 else None,
    )


def _curve(record: Document, of: _Pooled, score: str, short: str, how_many: int) -> Curve:
    name = str(record["label_class"])
    value = of.value(MODEL, name, score)
    label = "Model" if how_many == 1 else sentence(name)
    return Curve(f"{label}, {short} {number(value, score)}", record["x"], record["y"])
