"""Cost against score of a model with a gate, and its score by the gate's threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes

from delineate.report.plots import INK, MAIN, OTHER, PAPER, THIRD, inline_figure
from delineate.report.score_tables import sentence

CLASSIFIER = "classifier"
_MARKERS = "osD^vP"


def two_stage_plots(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Caption and inline SVG of each figure; none where nothing was timed or let through."""
    figures = []
    if any(way["milliseconds_an_image"] for way in found["ways"]):
        figures.append((_cost_caption(found), _cost_plot(found)))
    if len(found["curve"]["threshold"]) > 1:
        caption = (
            "Kaggle Dice and the share of images that the gate lets through, by its threshold; "
            f"the line is the one in use, {found['gate_threshold']:.3g}. "
            + sentence(found["curve"]["rule"])
            + "."
        )
        figures.append((caption, _threshold_plot(found)))
    return tuple(figures)


def _cost_caption(found: Mapping[str, Any]) -> str:
    line = ""
    if found["gate"] == CLASSIFIER:
        line = (
            " The line is what two stages would cost and score at every other threshold of the "
            f"gate, {found['curve']['rule']}."
        )
    return (
        "Cost against score: expected milliseconds an image and mean Kaggle Dice, each way at its "
        f"own operating point, with 95 % intervals where there are any.{line}"
    )


def _cost_plot(found: Mapping[str, Any]) -> str:
    times, curve = found["times"], found["curve"]

    def draw(axis: Axes, _: object) -> None:
        if found["gate"] == CLASSIFIER:
            x = [
                times["gate_ms"] + share * times["segmenter_ms"]
                for share in curve["share_segmented"]
            ]
            axis.plot(x, curve["kaggle_dice"], color=THIRD, linewidth=1.1, zorder=1)
        for place, way in enumerate(found["ways"]):
            score, x_ms = way["kaggle_dice"], way["milliseconds_an_image"]
            colour = (MAIN, OTHER, INK, THIRD)[place % 4]
            if score["low"] is not None:
                ends = [score["low"], score["high"]]
                axis.plot([x_ms, x_ms], ends, color=colour, linewidth=1.1, zorder=2)
            axis.plot(
                [x_ms],
                [score["value"]],
                linestyle="none",
                marker=_MARKERS[place % len(_MARKERS)],
                markersize=7,
                color=colour,
                markeredgecolor=PAPER,
                markeredgewidth=0.9,
                label=f"{way['name']}, {score['value']:.3f}",
                zorder=4,
            )
        axis.set(xlabel="Milliseconds an image", ylabel="Kaggle Dice")
        axis.margins(x=0.08, y=0.12)
        axis.set_xlim(left=-0.04 * axis.get_xlim()[1])
        _legend(axis)

    points = "; ".join(
        f"{way['name']} {way['milliseconds_an_image']:.1f} ms, {way['kaggle_dice']['value']:.3f}"
        for way in found["ways"]
    )
    return inline_figure(draw, None, alt=f"cost against score: {points}", name="gate-cost")


def _threshold_plot(found: Mapping[str, Any]) -> str:
    curve, chosen = found["curve"], found["gate_threshold"]
    x, scores, shares = _steps(curve)

    def draw(axis: Axes, _: object) -> None:
        axis.plot(x, scores, color=MAIN, label="Kaggle Dice")
        axis.plot(x, shares, color=OTHER, dashes=(5, 1.5), label="share let through")
        axis.axvline(chosen, color=INK, linewidth=0.9, dashes=(2, 3))
        axis.set(xlabel="Threshold of the gate", ylabel="Share or score", ylim=(-0.02, 1.02))
        axis.set_xlim(0, 1)
        _legend(axis)

    alt = f"Kaggle Dice and share let through by the gate's threshold; in use is {chosen:.3g}"
    return inline_figure(draw, None, alt=alt, name="gate-threshold")


def _steps(curve: Mapping[str, Sequence[Any]]) -> tuple[list[float], list[float], list[float]]:
    """The curve by rising threshold, level between the thresholds at which an image is let in."""
    points = list(
        zip(curve["threshold"], curve["kaggle_dice"], curve["share_segmented"], strict=True)
    )
    x, scores, shares = [1.0], [points[0][1]], [points[0][2]]
    for (_, score, share), (below, next_score, next_share) in pairwise(points):
        x += [below, below]
        scores += [score, next_score]
        shares += [share, next_share]
    return [*x, 0.0], [*scores, points[-1][1]], [*shares, points[-1][2]]


def _legend(axis: Axes) -> None:
    figure = axis.figure
    handles, _ = axis.get_legend_handles_labels()
    figure.set_size_inches(4.4, 3.0 + 0.2 * len(handles))  # type: ignore[union-attr] # it is on one
    figure.legend(loc="outside lower left", labelspacing=0.35)
