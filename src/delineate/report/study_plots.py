"""The figures of a study: every recipe's score with its interval, and how trainings went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from delineate.report.plots import INK, MAIN, PAPER, SIZE_INCHES, THIRD, inline_figure, look_of
from delineate.report.score_tables import sentence
from delineate.report.verdicts import LED_BY, score_of

Document = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingCurve:
    """The validations of one training: minutes, score and loss."""

    recipe: str
    seed: int
    metric: str
    minutes: Sequence[float]
    score: Sequence[float | None]
    loss: Sequence[float | None]


def study_plots(document: Document, curves: Sequence[TrainingCurve]) -> dict[str, str]:
    """Caption to inline SVG: the board, then score and loss on validation by minutes.

    Scores of different kinds have a figure each; what cannot be drawn is left out.
    """
    figures = {}
    if document["rows"]:
        caption = (
            "Dice in the mean per image: a disc is the mean over seeds, a ring one seed, the line "
            "the 95 % interval over subjects where there is one; a grey diamond was not trained, "
            "and an arrow points to one that lies farther left."
        )
        figures[caption] = board_plot(document)
    for metric in dict.fromkeys(curve.metric for curve in curves):
        of_metric = [curve for curve in curves if curve.metric == metric]
        words = metric.replace("_", " ").replace("roc auc", "ROC AUC").replace("dice", "Dice")
        caption = f"Validation score while training, {words}, of the recipes that watch it."
        name = f"score-{metric}"
        figures[caption] = curves_plot(of_metric, "score", f"Validation {words}", name=name)
    if curves:
        caption = (
            "Validation loss while training. Each recipe has its own loss, so that heights "
            "compare within a recipe and not between recipes."
        )
        figures[caption] = curves_plot(curves, "loss", "Validation loss", name="losses")
    return figures


def board_plot(document: Document) -> str:
    """A row a recipe, best first, and below them what they are held against."""
    trained = [(row["recipe"], score_of(row, LED_BY)) for row in document["rows"]]
    others = [(sentence(one["predictor"]), score_of(one, LED_BY)) for one in document["baselines"]]
    rows = [(name, each, MAIN) for name, each in trained]
    rows += [(name, each, THIRD) for name, each in others]
    shown = [
        (name, each, colour)
        for name, each, colour in rows
        if each is not None and each["value"] is not None
    ]

    left, right = _limits(
        [each for _, each, colour in shown if colour == MAIN],
        [each for _, each, colour in shown if colour != MAIN],
    )

    def draw(axis: Axes, _: object) -> None:
        for place, (_, score, colour) in enumerate(shown):
            if score["value"] < left:
                axis.text(left, place, f" \u2190 {score['value']:.3f}", va="center", color=INK)
                continue
            if score["low"] is not None:
                ends = [max(score["low"], left), min(score["high"], right)]
                axis.plot(ends, [place, place], color=colour, linewidth=1.6)
            seeds = score.get("by_seed", ())
            if len(seeds) > 1:
                axis.scatter(seeds, [place] * len(seeds), 26, PAPER, edgecolors=colour, zorder=4)
            mark = "o" if colour == MAIN else "D"
            axis.scatter([score["value"]], [place], 36, colour, marker=mark, zorder=3)
        axis.set_yticks(range(len(shown)), [name for name, _, _ in shown])
        axis.set_ylim(len(shown) - 0.4, -0.6)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set(xlabel="Dice, mean per image", xlim=(left, right))

    said = "; ".join(f"{name} {score['value']:.3f}" for name, score, _ in shown)
    size = (SIZE_INCHES[0], 0.9 + 0.28 * len(shown))
    return inline_figure(
        draw, None, alt=f"Dice of every recipe: {said}", name="board", size_inches=size
    )


def curves_plot(curves: Sequence[TrainingCurve], what: str, words: str, *, name: str) -> str:
    """A line a training over its minutes; those of one recipe look alike."""
    recipes = list(dict.fromkeys(curve.recipe for curve in curves))

    def draw(axis: Axes, _: object) -> None:
        named: set[str] = set()
        for curve in curves:
            colour, dashes = look_of(recipes.index(curve.recipe))
            values = np.array(
                [np.nan if v is None else v for v in getattr(curve, what)], np.float64
            )
            label = None if curve.recipe in named else curve.recipe
            named.add(curve.recipe)
            axis.plot(
                curve.minutes,
                values,
                color=colour,
                dashes=dashes,
                linewidth=1.2,
                marker="o" if len(values) < 3 else None,
                markersize=3,
                label=label,
            )
        axis.set(xlabel="Minutes since the training began", ylabel=words)
        axis.figure.legend(loc="outside lower left", ncols=2, labelcolor=INK)

    rows = (len(recipes) + 1) // 2
    alt = f"{words} by minutes: {', '.join(recipes)}"
    size = (SIZE_INCHES[0], SIZE_INCHES[1] + 0.22 * rows)
    return inline_figure(draw, None, alt=alt, name=name, size_inches=size)


def _limits(
    scores: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]
) -> tuple[float, float]:
    """Room for every recipe with its interval and seeds, for others that are better, and beside."""
    values = [score["value"] for score in scores]
    values += [score[end] for score in scores for end in ("low", "high") if score[end] is not None]
    values += [value for score in scores for value in score["by_seed"] if value is not None]
    if not values:
        return 0.0, 1.0
    better = [other["value"] for other in others if other["value"] > max(values)]
    values += better
    margin = max((max(values) - min(values)) / 3, 0.02)
    return max(min(values) - margin, -0.02), min(max(values) + margin, 1.02)
