"""The structure of vessels on the page of an evaluation: lengths, errors of width, a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from delineate.report.display import Picture
from delineate.report.plots import INK, MAIN, THIRD, inline_figure
from delineate.report.score_tables import observer_words, sentence

# A band with a smaller share of the compared length says nothing.
LEAST_DRAWN = 0.01
Errors = Mapping[str, Any]
COLUMNS = (
    "True length", "Predicted", "Missed", "False", "True width", "Error", "Absolute error",
    "95 % limits",
)  # fmt: skip


@dataclass(frozen=True)
class StructureSection:
    """What the template draws; a row is a name and a cell a column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    plot: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    rules: tuple[str, ...]


def structure_section(
    document: Mapping[str, Any], pictures: Sequence[Picture] = ()
) -> StructureSection | None:
    """The section of an evaluation in which structure was measured, else None."""
    structure = document.get("structure")
    if structure is None:
        return None
    errors: Sequence[Errors] = structure["errors"]
    has_classes = len({each["class"] for each in errors}) > 1
    return StructureSection(
        COLUMNS,
        tuple((_name(each, has_classes=has_classes), error_cells(each)) for each in errors),
        _plot(errors),
        tuple(pictures),
        tuple(sentence(rule) for rule in structure["rules"]),
    )


def error_cells(errors: Errors) -> tuple[str, ...]:
    """The cells of one row, in the order of `COLUMNS`."""
    truth, predicted = errors["truth_length_px"], errors["predicted_length_px"]
    missed = _share(errors["missed_length_px"], truth)
    false = _share(errors["false_length_px"], predicted)
    lengths = (f"{truth:,.0f} px", f"{predicted:,.0f} px", missed, false)
    if errors["width_error_px"] is None:
        return (*lengths, *("undefined",) * 4)
    return (
        *lengths,
        f"{errors['mean_true_width_px']:.2f} px",
        f"{errors['width_error_px']:+.2f} px",
        f"{errors['absolute_width_error_px']:.2f} px",
        f"{errors['width_error_low_px']:+.2f} to {errors['width_error_high_px']:+.2f} px",
    )


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _name(errors: Errors, *, has_classes: bool) -> str:
    who, against = (_words(errors[key]) for key in ("who", "against"))
    name = f"{who} against {against}"
    return f"{errors['class']}: {name}" if has_classes else name


def _words(who: str) -> str:
    return observer_words(who.removeprefix("observer ")) if who.startswith("observer ") else who


def _plot(errors: Sequence[Errors]) -> tuple[tuple[str, str], ...]:
    """Errors of the first row by true width, where there are any."""
    if not errors or not errors[0]["bands"]:
        return ()
    first = errors[0]
    least_px = LEAST_DRAWN * first["compared_length_px"]
    bands = [each for each in first["bands"] if each["compared_length_px"] >= least_px]

    def draw(axis: Axes, _: object) -> None:
        axis.axhline(0, color=THIRD, linewidth=0.9)
        for band in bands:
            at = band["mean_true_width_px"]
            limits = [band["width_error_low_px"], band["width_error_high_px"]]
            axis.plot([at, at], limits, color=MAIN, linewidth=1.1)
            axis.plot([at], [band["width_error_px"]], "o", color=MAIN, markersize=5)
            axis.annotate(
                f"{band['compared_length_px']:,.0f} px",
                (at, limits[1]),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                color=INK,
                fontsize=8.5,
            )
        axis.set(xlabel="True width, px", ylabel="Predicted less true width, px")
        axis.set_xlim(left=0)
        axis.margins(y=0.15)

    name = _name(first, has_classes=False)
    caption = (
        f"Errors of width by true width, {name}: the mean and the 95 % limits of each band "
        "(below 2, to 4, to 8 px and above), with the length compared in it. Bands with less than "
        "1 % of the length are not drawn."
    )
    figure = inline_figure(draw, None, alt=f"errors of width, {name}", name="width-errors")
    return ((caption, figure),)
