"""The figures of a classifier: ROC curve, reliability, and probabilities by truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from delineate.report.pages import number
from delineate.report.plots import (
    INK,
    MAIN,
    OTHER,
    THIRD,
    Curve,
    Point,
    inline_figure,
    roc_plot,
)

Document = Mapping[str, Any]
Cells = Sequence[Sequence[str | float]]

HISTOGRAM_BINS = 20
_SQUARE_INCHES, _WITH_LEGEND_INCHES = (4.4, 4.2), (4.4, 4.8)
# Areas of the dots, in points squared: the fullest bin, and the least that can be seen.
_LARGEST, _SMALLEST = 150.0, 12.0


def classification_plots(document: Document, header: Sequence[str], rows: Cells) -> dict[str, str]:
    """Caption to inline SVG; the curve is left out where a class is lacking.

    `header` and `rows` are those of cases.csv.
    """
    figures = {}
    if document["roc"] is not None:
        caption = (
            "ROC curve over the scored cases; the dot is at the threshold "
            f"{document['threshold']:.3g}: {document['threshold_origin']}."
        )
        figures[caption] = _roc(document)
    expected = document["reliability"]["error_when_calibrated"]
    if expected is not None:
        figures[
            "Reliability: of the cases in each bin of probability, the share that is present. The "
            "number beside a dot is the number of its cases. A calibrated model lies on the "
            f"diagonal but for chance, which alone gives an error of {expected:.3f} here."
        ] = reliability_plot(document["reliability"]["bins"])
        figures["Probabilities by truth; what lies on the wrong side of the line is an error."] = (
            _histogram(document, header, rows)
        )
    return figures


def reliability_plot(bins: Sequence[Mapping[str, Any]], *, name: str = "reliability") -> str:
    """Share present against mean probability of each bin, with the number of its cases."""
    filled = [one for one in bins if one["cases"]]
    most = max((one["cases"] for one in filled), default=1)
    x = [one["mean_probability"] for one in filled]
    y = [one["share_present"] for one in filled]

    def draw(axis: Axes, _: object) -> None:
        axis.plot([0, 1], [0, 1], color=THIRD, linewidth=0.9, dashes=(2, 3))
        axis.plot(x, y, color=MAIN, linewidth=1.0, alpha=0.6)
        areas = [max(_SMALLEST, _LARGEST * one["cases"] / most) for one in filled]
        axis.scatter(x, y, s=areas, color=MAIN, linewidths=0, zorder=3)
        for one, across, up, area in zip(filled, x, y, areas, strict=True):
            # Away from the diagonal, where the other dots are.
            side = 1 if up >= across else -1
            away = 0.5 * np.sqrt(area) + 2
            axis.annotate(
                f"{one['cases']:,}",
                (across, up),
                xytext=(-side * away * 0.7, side * away * 0.7),
                textcoords="offset points",
                ha="right" if side > 0 else "left",
                va="bottom" if side > 0 else "top",
                fontsize=8.5,
            )
        axis.set(xlabel="Mean probability of the bin", ylabel="Share present")
        # Room for the numbers of dots at either end.
        axis.set(xlim=(-0.05, 1.1), ylim=(-0.1, 1.05))
        axis.set_aspect("equal", adjustable="box", anchor="W")

    words = "; ".join(
        f"{one['cases']:,} cases at {across:.3f}: {up:.3f} present"
        for one, across, up in zip(filled, x, y, strict=True)
    )
    return inline_figure(
        draw, None, alt=f"Reliability diagram: {words}", name=name, size_inches=_SQUARE_INCHES
    )


def probability_histogram(
    present: Sequence[float],
    absent: Sequence[float],
    threshold: float,
    *,
    name: str = "probabilities",
) -> str:
    """Present cases upwards, absent ones downwards, and the threshold between their answers."""
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)

    def draw(axis: Axes, _: object) -> None:
        for values, colour, side, words in (
            (present, OTHER, 1, f"present ({len(present):,})"),
            (absent, MAIN, -1, f"absent ({len(absent):,})"),
        ):
            counts, _edges = np.histogram(values, edges)
            width = 1 / HISTOGRAM_BINS
            axis.bar(
                edges[:-1], side * counts, width=width * 0.9, align="edge", color=colour,
                linewidth=0, label=words,
            )  # fmt: skip
        axis.axhline(0, color=INK, linewidth=0.7)
        label = f"threshold {threshold:.3g}"
        axis.axvline(threshold, color=INK, linewidth=1.1, dashes=(4, 2), label=label)
        axis.set(xlabel="Probability of present", ylabel="Cases", xlim=(-0.02, 1.02))
        axis.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axis.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
        axis.figure.legend(loc="outside lower left", labelspacing=0.35)

    alt = (
        f"Histogram of the probabilities of {len(present):,} present and {len(absent):,} absent "
        f"cases, threshold {threshold:.3g}"
    )
    return inline_figure(draw, None, alt=alt, name=name, size_inches=_WITH_LEGEND_INCHES)


def _roc(document: Document) -> str:
    values = {
        one["score"]: one["value"] for one in document["records"] if one["predictor"] == "model"
    }
    curve = Curve(
        f"Model, AUC {number(values['roc_auc'])}", document["roc"]["x"], document["roc"]["y"]
    )
    label = f"Model at its threshold {document['threshold']:.3g}"
    point = Point(label, 1 - values["specificity"], values["sensitivity"], 0)
    return roc_plot([curve], [point])


def _histogram(document: Document, header: Sequence[str], rows: Cells) -> str:
    truth, probability = header.index("truth"), header.index("probability")
    by_truth: dict[str, list[float]] = {"present": [], "absent": []}
    for row in rows:
        if row[probability] != "undefined":
            by_truth[str(row[truth])].append(float(row[probability]))
    return probability_histogram(by_truth["present"], by_truth["absent"], document["threshold"])
