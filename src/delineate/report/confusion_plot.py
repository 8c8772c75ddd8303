"""Who is taken for whom, as a picture that can be read with three classes and with eighty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from delineate.report.plots import GRID, INK, MAIN, PAPER, inline_figure

Matrix = Mapping[str, Any]

# Up to so many classes the shares stand in the cells, and to so many with a decimal.
MOST_WITH_NUMBERS, MOST_WITH_DECIMALS = 24, 13
LEAST_SHOWN = 0.0005
NO_ANSWER = "no answer"
_LONGEST_NAME = 26


def confusion_plot(matrix: Matrix, names: Sequence[str], *, name: str = "confusion") -> str:
    """Rows are true classes, columns predicted ones; a cell is its share of the row.

    A class that neither side holds is left out. Failed cases have a column of their own.
    """
    shares, rows, columns = shown_shares(matrix, names)
    count = max(len(rows), len(columns))
    has_numbers = count <= MOST_WITH_NUMBERS
    cell_inches = 0.5 if count <= MOST_WITH_DECIMALS else 0.34 if has_numbers else 0.125
    text_pt = 9.0 if count <= MOST_WITH_DECIMALS else 7.5 if has_numbers else 6.5

    def draw(axis: Axes, _: object) -> None:
        for row, of_row in enumerate(shares):
            for column, share in enumerate(of_row):
                if share is None or share < LEAST_SHOWN:
                    continue
                axis.add_patch(
                    Rectangle(
                        (column - 0.5, row - 0.5), 1, 1,
                        facecolor=MAIN, edgecolor="none", alpha=0.06 + 0.94 * share,
                    )
                )  # fmt: skip
                if has_numbers:
                    decimals = 1 if count <= MOST_WITH_DECIMALS else 0
                    axis.text(
                        column, row, f"{100 * share:.{decimals}f}", ha="center", va="center",
                        fontsize=text_pt - 0.5, color=PAPER if share > 0.5 else INK,
                    )  # fmt: skip
        axis.set_xlim(-0.5, len(columns) - 0.5)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_aspect("equal")
        axis.xaxis.tick_top()
        axis.xaxis.set_label_position("top")
        axis.set_xticks(range(len(columns)), columns, rotation=90, fontsize=text_pt)
        axis.set_yticks(range(len(rows)), rows, fontsize=text_pt)
        axis.set(xlabel="Predicted", ylabel="Truth")
        axis.tick_params(length=0)
        axis.grid(visible=False)
        for place in range(1, len(rows)):
            axis.axhline(place - 0.5, color=GRID, linewidth=0.5)
        for place in range(1, len(columns)):
            axis.axvline(place - 0.5, color=GRID, linewidth=0.5)
        for side in axis.spines.values():
            side.set_visible(True)

    letters = max(len(one) for one in (*rows, *columns))
    margin = 0.5 + letters * text_pt * 0.0085
    size = (len(columns) * cell_inches + margin, len(rows) * cell_inches + margin)
    alt = f"Confusion matrix of {len(rows)} classes, in per cent of the true class"
    figure = inline_figure(draw, None, alt=alt, name=name, size_inches=size)
    # At its own size: stretched to the page's width three classes would be huge. Without numbers
    # to read it may shrink to that width.
    kind = "plot whole" if has_numbers else "plot whole fitted"
    return figure.replace('class="plot"', f'class="{kind}"', 1)


def shown_shares(
    matrix: Matrix, names: Sequence[str]
) -> tuple[list[list[float | None]], list[str], list[str]]:
    """The shares of rows, their names and those of the columns, without what nobody holds."""
    pixels, unanswered = matrix["pixels"], matrix["unanswered_px"]
    totals = [sum(row) + more for row, more in zip(pixels, unanswered, strict=True)]
    predicted = [sum(row[place] for row in pixels) for place in range(len(names))]
    kept = [place for place in range(len(names)) if totals[place] or predicted[place]]
    has_failures = any(unanswered)
    shares = []
    for place in kept:
        counts = [pixels[place][other] for other in kept]
        counts += [unanswered[place]] if has_failures else []
        total = totals[place]
        shares.append([count / total if total else None for count in counts])
    rows = [_short(names[place]) for place in kept]
    return shares, rows, rows + ([NO_ANSWER] if has_failures else [])


def _short(text: str) -> str:
    """The whole name, or its beginning and its end."""
    half = _LONGEST_NAME // 2
    return text if len(text) <= _LONGEST_NAME else f"{text[: half - 1]}…{text[-half:]}"
