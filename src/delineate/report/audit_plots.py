"""The figures of an audit: distances of all pairs, and where masks lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from delineate.report.audit_content import DifferenceHistogram, HeatMap
from delineate.report.plots import INK, MAIN, OTHER, THIRD, inline_figure

WIDE_INCHES = (8.8, 3.0)
# Cividis: even in lightness, and the same to those who do not tell red from green.
HEAT_COLOURS = "cividis"
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def difference_histogram(found: DifferenceHistogram, thresholds: Sequence[float] = ()) -> str:
    """Pairs by distance, both axes logarithmic; identical pairs stand apart on the left.

    Estimated bins are paler than exact ones. Thresholds are dashed lines.
    """

    def draw(axis: Axes, _: object) -> None:
        axis.set_xscale("log")
        axis.set_yscale("log")
        left = _draw_bins(axis, found)
        shown = [one for one in thresholds if one > 0]
        for value in shown:
            axis.axvline(value, color=OTHER, linewidth=1.1, dashes=(4, 2))
        axis.set_xlim(min([left, *(one / 1.5 for one in shown)]), _right(found, shown))
        axis.set_ylim(bottom=0.5)
        for value in shown:
            axis.annotate(
                f"{value:,.6g}",
                (value, 1),
                xycoords=("data", "axes fraction"),
                xytext=(3, 1),
                textcoords="offset points",
                color=OTHER,
            )
        axis.set(xlabel="Distance of a pair: sum of its grey-level differences", ylabel="Pairs")
        axis.grid(visible=True, which="major")
        axis.minorticks_off()
        axis.xaxis.set_major_formatter(power_words)
        axis.yaxis.set_major_formatter(power_words)

    under = sum(found.counts)
    alt = (
        f"Histogram of the distances of pairs: {found.identical:,} identical pairs and "
        f"{under:,.0f} others. {found.words}"
    )
    return inline_figure(draw, None, alt=alt, name="differences", size_inches=WIDE_INCHES)


def power_words(value: float, _: object = None) -> str:
    """A power of ten as an axis shows it; text, because figures set no formulas.

    Examples:
        >>> power_words(100.0), power_words(1e6), power_words(0.01)
        ('100', '10⁶', '0.01')
    """
    power = round(float(np.log10(value)))
    if power < 4:
        return f"{value:,.6g}"
    return "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(power))


def heat_map(heat: HeatMap, name: str) -> str:
    """Where a class lies, as shares of all masks, with its scale."""
    highest = float(heat.shares.max()) if heat.shares.size else 0.0

    def draw(axis: Axes, _: object) -> None:
        picture = axis.imshow(
            heat.shares,
            cmap=HEAT_COLOURS,
            vmin=0,
            vmax=highest or 1.0,
            extent=(0, 1, 1, 0),
            interpolation="nearest",
        )
        axis.set_aspect(1 / heat.aspect)
        axis.grid(visible=False)
        axis.set_xticks(TICKS, [f"{tick:.0%}" for tick in TICKS])
        axis.set_yticks(TICKS, [f"{tick:.0%}" for tick in TICKS])
        axis.set(xlabel="From left to right", ylabel="From top to bottom")
        if axis.figure is not None:
            bar = axis.figure.colorbar(picture, ax=axis, fraction=0.05, pad=0.03, shrink=0.8)
            bar.outline.set_visible(False)
            bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value * 100:.3g}%")
            bar.ax.tick_params(length=0, labelsize=9)

    row, column = np.unravel_index(int(np.argmax(heat.shares)), heat.shares.shape)
    place = (int(row) + 0.5) / heat.shares.shape[0], (int(column) + 0.5) / heat.shares.shape[1]
    alt = (
        f"Positions of {heat.label_class} in {heat.masks:,} masks: at most {highest:.1%} of them, "
        f"{place[0]:.0%} from the top and {place[1]:.0%} from the left"
    )
    size = (4.4, min(5.0, 0.75 + 3.25 / heat.aspect))
    return inline_figure(draw, None, alt=alt, name=name, size_inches=size)


def _draw_bins(axis: Axes, found: DifferenceHistogram) -> float:
    """Draw every bin and return where the axis begins."""
    edges, counts = np.asarray(found.edges), np.asarray(found.counts)
    limit = np.inf if found.exact_below is None else found.exact_below
    is_exact = edges[1:] <= limit * (1 + 1e-9)  # edges are powers, and rounded
    for chosen, colour, words in (
        (is_exact, MAIN, "exact"),
        (~is_exact, THIRD, "estimated from a sample of pairs"),
    ):
        if (counts[chosen] > 0).any():
            axis.bar(
                edges[:-1][chosen],
                counts[chosen],
                width=np.diff(edges)[chosen],
                align="edge",
                color=colour,
                linewidth=0,
                label=words,
            )
    left = float(edges[0])
    if found.identical:
        ratio = float(edges[1] / edges[0])
        begin, end = left / ratio**4, left / ratio**2
        axis.bar(begin, found.identical, width=end - begin, align="edge", color=INK, linewidth=0)
        axis.annotate(
            "0",
            (float(np.sqrt(begin * end)), 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -5),
            textcoords="offset points",
            ha="center",
            va="top",
        )
        axis.annotate(
            f"{found.identical:,}",
            (float(np.sqrt(begin * end)), found.identical),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
        )
        left = begin / ratio
    if axis.get_legend_handles_labels()[0] and not is_exact.all() and is_exact.any():
        axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return left


def _right(found: DifferenceHistogram, thresholds: Sequence[float]) -> float:
    return max([found.edges[-1], *(one * 1.5 for one in thresholds)])
