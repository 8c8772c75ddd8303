"""Curves and dots as inline SVG that takes its colours from the page, light or dark.

Every figure is deterministic, carries no date and no address, and is also a valid `.svg`
file by itself. Text stays text. Colours are style-sheet variables with a fallback that can
be read on white and on black.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

Row = Mapping[str, object]

# Drawn with these placeholders, then replaced by variables of the page's style sheet. The
# fallbacks have a contrast of at least 3 to 1 against white and against black.
INK, GRID, MAIN, OTHER, THIRD = "#010101", "#020202", "#030303", "#040404", "#050505"
PAPER = "#060606"
VARIABLES = {
    INK: "var(--plot-ink, #767676)",
    GRID: "var(--plot-grid, #80808055)",
    MAIN: "var(--plot-main, #2a7fb8)",
    OTHER: "var(--plot-other, #c8681a)",
    THIRD: "var(--plot-third, #7d7d7d)",
    PAPER: "var(--paper, none)",
}
FONT = "var(--plot-font, system-ui, sans-serif)"
STYLE: dict[Any, Any] = {  # every matplotlib spells the type of its keys anew
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold a dollar sign
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.formatter.useoffset": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.2,
}
SIZE_INCHES = (4.4, 3.1)


@dataclass(frozen=True)
class Curve:
    """One line of a ROC or precision-recall figure; baselines are dashed and grey."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    is_baseline: bool = False


@dataclass(frozen=True)
class Point:
    """One marked operating point: a second observer, the chosen threshold.

    `curve` is the index of the curve whose colour it takes; a person's has none.
    """

    label: str
    x: float
    y: float
    curve: int | None = None


@dataclass(frozen=True)
class CaseDot:
    """One case of a strip of scores; None where the score is undefined."""

    id: str
    subject: str
    value: float | None


def training_plots(history: Sequence[Row]) -> dict[str, str]:
    """One small figure each for "loss", "score" and "learning rate", from `history.jsonl`.

    Rows without a value for a figure are passed over; a figure without any value is left out.
    """
    return {
        name: inline_figure(
            draw, history, alt=f"{name} by training step", name=name.replace(" ", "-")
        )
        for name, keys, draw in PANELS
        if any(_series(history, key)[0] for key in keys)
    }


def loss_curves(history: Sequence[Row]) -> str:
    """The same figures below each other: the picture that a training leaves in its run folder."""
    panels = [draw for _, keys, draw in PANELS if any(_series(history, key)[0] for key in keys)]
    if not panels:
        return inline_figure(_draw_nothing, history, alt="no training history yet", name="curves")
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "curves"}):
        figure = Figure(figsize=(5.6, 2.4 * len(panels)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = np.atleast_1d(figure.subplots(len(panels), 1, sharex=True))
        for axis, draw in zip(axes, panels, strict=True):
            draw(axis, history)
            axis.label_outer()
        return _svg(figure, alt="loss, validation score and learning rate by step", name="curves")


def roc_plot(curves: Sequence[Curve], points: Sequence[Point] = (), *, name: str = "roc") -> str:
    """Sensitivity against the false positive rate; the diagonal is a coin."""

    def draw(axis: Axes, _: object) -> None:
        axis.plot([0, 1], [0, 1], color=THIRD, linewidth=0.9, dashes=(2, 3), label="chance")
        _draw_curves(axis, curves, points)
        axis.set(xlabel="False positive rate (1 − specificity)", ylabel="Sensitivity")
        _legend_below(axis)

    return inline_figure(draw, None, alt=_alt("ROC curve", curves, points), name=name)


def pr_plot(
    curves: Sequence[Curve],
    points: Sequence[Point] = (),
    *,
    prevalence: float | None = None,
    name: str = "precision-recall",
) -> str:
    """Precision against sensitivity; the level line is the share of foreground: a coin."""

    def draw(axis: Axes, _: object) -> None:
        if prevalence is not None:
            label = f"chance: prevalence {prevalence:.3f}"
            axis.axhline(prevalence, color=THIRD, linewidth=0.9, dashes=(2, 3), label=label)
        _draw_curves(axis, curves, points)
        axis.set(xlabel="Sensitivity (recall)", ylabel="Precision")
        _legend_below(axis)

    alt = _alt("Precision-recall curve", curves, points)
    return inline_figure(draw, None, alt=alt, name=name)


def case_strip(
    cases: Sequence[CaseDot],
    *,
    score: str = "Dice",
    name: str = "cases",
    rows: int = 24,
    row_noun: str = "subject",
) -> str:
    """Every case as a dot: a row a subject up to so many subjects, else one box for all.

    The line is the mean of the defined cases. Undefined cases are counted in words. Where
    `subject` holds something else, such as a class, `row_noun` says what, and there is no
    line: a mean over classes and cases at once is no score of ours.
    """
    defined = [dot for dot in cases if dot.value is not None]
    subjects = list(dict.fromkeys(dot.subject for dot in defined))
    is_by_subject = 1 < len(subjects) <= rows
    missing = len(cases) - len(defined)
    is_mean_drawn = row_noun == "subject"
    plural = row_noun + ("es" if row_noun.endswith("s") else "s")
    alt = f"{score}: {len(defined)} figures of {len(subjects)} {plural}" + (
        f"; {missing} undefined" if missing else ""
    )

    def draw(axis: Axes, _: object) -> None:
        if not defined:
            _draw_nothing(axis, None, f"{score} is undefined for every case")
            return
        draw_dots = _draw_rows if is_by_subject else _draw_box
        draw_dots(axis, defined)
        if is_mean_drawn:
            mean = float(np.mean([dot.value for dot in defined if dot.value is not None]))
            axis.axvline(mean, color=OTHER, linewidth=1.1, label=f"mean {mean:.3f}", zorder=1)
            axis.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, handletextpad=0.5)
        words = f"{score} of one case" + (f" ({missing} undefined, not drawn)" if missing else "")
        axis.set(xlabel=words, xlim=_unit_limits([dot.value or 0.0 for dot in defined]))

    height = 1.0 + 0.18 * len(subjects) if is_by_subject and defined else 2.0
    return inline_figure(draw, None, alt=alt, name=name, size_inches=(SIZE_INCHES[0], height))


def _draw_rows(axis: Axes, dots: Sequence[CaseDot]) -> None:
    of: dict[str, list[float]] = {}
    for dot in dots:
        of.setdefault(dot.subject, []).append(float(dot.value or 0.0))
    ranked = sorted(of, key=lambda subject: (np.mean(of[subject]), subject))
    for row, subject in enumerate(ranked):
        values = of[subject]
        if len(values) > 1:
            axis.plot([min(values), max(values)], [row, row], color=MAIN, linewidth=0.8)
        axis.plot(values, [row] * len(values), "o", color=MAIN, markersize=4, alpha=0.85)
    axis.set_yticks(range(len(ranked)), [_short(subject) for subject in ranked])
    axis.set_ylim(-0.7, len(ranked) - 0.3)
    axis.tick_params(axis="y", length=0, labelsize=8.5)
    axis.spines["left"].set_visible(False)


def _draw_box(axis: Axes, dots: Sequence[CaseDot]) -> None:
    values = np.asarray([dot.value for dot in dots], np.float64)
    line = {"color": INK, "linewidth": 0.9}
    if len(values) >= 5:
        axis.boxplot(
            values,
            orientation="horizontal",
            positions=[1.0],
            widths=0.22,
            showfliers=False,
            boxprops=line,
            whiskerprops=line,
            capprops=line,
            medianprops={"color": INK, "linewidth": 1.6},
        )
    # A golden-ratio sequence spreads the dots evenly, and the same way every time.
    spread = np.arange(len(values)) * 0.6180339887 % 1
    axis.plot(values, 0.42 + (spread - 0.5) * 0.5, "o", color=MAIN, markersize=3.2, alpha=0.6)
    axis.set_yticks([])
    axis.set_ylim(0.05, 1.3)
    axis.spines["left"].set_visible(False)


def _draw_curves(axis: Axes, curves: Sequence[Curve], points: Sequence[Point]) -> None:
    for place, curve in enumerate(curves):
        if curve.is_baseline:
            axis.plot(curve.x, curve.y, color=THIRD, linewidth=1.1, label=curve.label)
        else:
            colour, dashes = look_of(place)
            axis.plot(curve.x, curve.y, color=colour, label=curve.label, dashes=dashes)
    people = iter("D^vP")
    named: set[str] = set()
    for point in points:
        label = None if point.label in named else point.label
        named.add(point.label)
        axis.plot(
            [point.x],
            [point.y],
            linestyle="none",
            marker=next(people, "X") if point.curve is None else "o",
            markersize=6.5,
            color=INK if point.curve is None else look_of(point.curve)[0],
            markeredgecolor=PAPER,
            markeredgewidth=0.9,
            label=label,
            zorder=5 if point.curve is None else 4,
        )
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axis.set_aspect("equal", adjustable="box", anchor="W")


def look_of(place: int) -> tuple[str, tuple[float, ...]]:
    """Colour and dashes of the curve at this place; more than two differ by their dashes."""
    colours, dashes = (MAIN, OTHER, INK), ((), (5, 1.5), (1.5, 1.5), (6, 1.5, 1, 1.5))
    return colours[place % 3], dashes[place // 3 % 4]


def _legend_below(axis: Axes) -> None:
    """All entries under the axes, where no curve can lie beneath them."""
    figure = axis.figure
    handles, _ = axis.get_legend_handles_labels()
    figure.set_size_inches(SIZE_INCHES[0], 4.2 + 0.2 * len(handles))  # type: ignore[union-attr]
    figure.legend(loc="outside lower left", labelspacing=0.35)


def _draw_loss(axis: Axes, history: Sequence[Row]) -> None:
    axis.plot(*_series(history, "train_loss"), color=THIRD, linewidth=1.1, label="training")
    steps, values = _series(history, "validation_loss")
    if steps:
        style = "o-" if len(steps) < 3 else "-"
        axis.plot(steps, values, style, markersize=3, color=MAIN, label="validation")
    axis.set(xlabel="Step", ylabel="Loss")
    axis.legend(loc="upper right")
    _count_on_x(axis)


def _draw_score(axis: Axes, history: Sequence[Row]) -> None:
    steps, values = _series(history, "validation_score")
    is_dense = len(steps) > 40
    axis.plot(steps, values, "-" if is_dense else "o-", markersize=3, color=MAIN)
    best = list(
        zip(
            *_series([row for row in history if row.get("is_best")], "validation_score"),
            strict=True,
        )
    )
    if best:
        step, score = best[-1]
        label = f"best: {score:.4f} at step {step:,.0f}"
        look = {"marker": "D", "markersize": 6, "color": OTHER, "markeredgecolor": PAPER}
        axis.plot([step], [score], linestyle="none", label=label, **look)  # type: ignore[arg-type]
        axis.legend(loc="lower right")
    axis.set(xlabel="Step", ylabel="Validation score")
    _count_on_x(axis)


def _draw_learning_rate(axis: Axes, history: Sequence[Row]) -> None:
    axis.plot(*_series(history, "learning_rate"), color=MAIN)
    axis.set(xlabel="Step", ylabel="Learning rate")
    axis.set_ylim(bottom=0)
    axis.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=False)
    axis.yaxis.get_offset_text().set_fontsize(9)
    _count_on_x(axis)


def _draw_nothing(axis: Axes, _: object, words: str = "nothing to draw yet") -> None:
    axis.set_axis_off()
    axis.text(0.5, 0.5, words, ha="center", va="center", transform=axis.transAxes)


PANELS: tuple[tuple[str, tuple[str, ...], Callable[[Axes, Sequence[Row]], None]], ...] = (
    ("loss", ("train_loss", "validation_loss"), _draw_loss),
    ("score", ("validation_score",), _draw_score),
    ("learning rate", ("learning_rate",), _draw_learning_rate),
)


def _series(history: Iterable[Row], key: str) -> tuple[list[float], list[float]]:
    steps: list[float] = []
    values: list[float] = []
    for row in history:
        step, value = _number(row, "step"), _number(row, key)
        if step is not None and value is not None:
            steps.append(step)
            values.append(value)
    return steps, values


def _number(row: Row, key: str) -> float | None:
    value = row.get(key)
    if isinstance(value, int | float) and np.isfinite(value):
        return float(value)
    return None


def _count_on_x(axis: Axes) -> None:
    axis.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _unit_limits(values: Sequence[float]) -> tuple[float, float]:
    """From 0 to 1, or from the tenth below the worst where all cases are good."""
    low = max(0.0, np.floor(min(values) * 10 - 0.5) / 10)
    return float(low) - 0.01, 1.01


def _short(text: str, most: int = 18) -> str:
    return text if len(text) <= most else text[: most // 2 - 1] + "…" + text[-(most // 2) :]


def _alt(kind: str, curves: Sequence[Curve], points: Sequence[Point]) -> str:
    named = [curve.label for curve in curves]
    named += [f"{point.label} at {point.x:.3f}, {point.y:.3f}" for point in points]
    return f"{kind}: {'; '.join(named)}" if named else kind


def inline_figure(
    draw: Callable[[Axes, Sequence[Row]], None] | Callable[[Axes, object], None],
    history: object,
    *,
    alt: str,
    name: str,
    size_inches: tuple[float, float] = SIZE_INCHES,
) -> str:
    """What `draw` draws on the axes, given `history`, as inline SVG under a name of its own."""
    # The object interface only: `pyplot` keeps figures alive and is not safe among threads.
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size_inches, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot(), history)  # type: ignore[arg-type]
        return _svg(figure, alt=alt, name=name)


def _svg(figure: Figure, *, alt: str, name: str) -> str:
    file = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = text.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    text = text.replace("xlink:href=", "href=")
    # Several figures share a page: what one calls `axes_1` must not be the other's.
    text = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    # A style inside an inline figure would hold for the whole page.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]+", f"font-family: {FONT}", text)
    for placeholder, variable in VARIABLES.items():
        text = text.replace(placeholder, variable)
    label = escape(alt, quote=True)
    root = f'<svg role="img" aria-label="{label}" class="plot" stroke-linejoin="round" '
    return text.replace("<svg ", root, 1).strip()
