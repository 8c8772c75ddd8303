"""Figures: deterministic, self-contained, in the page's colours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cache

import matplotlib
import pytest
from matplotlib import pyplot

from delineate.report.plots import (
    VARIABLES,
    CaseDot,
    Curve,
    Point,
    case_strip,
    loss_curves,
    pr_plot,
    roc_plot,
    training_plots,
)

HISTORY = [
    {
        "step": step,
        "epoch": step // 10,
        "elapsed_s": step * 0.1,
        "learning_rate": 1e-3 / step,
        "train_loss": 1 / step,
        **(
            {"validation_loss": 1.2 / step, "validation_score": 1 - 1 / step, "is_best": True}
            if step % 20 == 0
            else {}
        ),
    }
    for step in range(10, 110, 10)
]
CURVES = [Curve("Model, AUC 0.9", (0.0, 0.1, 1.0), (0.0, 0.9, 1.0))]
POINTS = [Point("Observer 2nd", 0.02, 0.78), Point("Model at 0.5", 0.1, 0.9, curve=0)]
DOTS = [CaseDot(f"{place}", f"s{place // 2}", 0.5 + place / 50) for place in range(20)]


def figures() -> dict[str, str]:
    """One of each kind."""
    return {
        **training_plots(HISTORY),
        "curves": loss_curves(HISTORY),
        "roc": roc_plot(CURVES, POINTS),
        "pr": pr_plot(CURVES, POINTS, prevalence=0.1),
        "strip": case_strip(DOTS),
        "box": case_strip([CaseDot(f"{n}", f"{n}", n / 40) for n in range(40)], name="box"),
    }


@cache
def drawn() -> dict[str, str]:
    """The figures, drawn once for all tests that only look at them."""
    return figures()


def words(svg: str) -> list[str]:
    """The texts of a figure."""
    root = ET.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_figures_are_the_same_every_time() -> None:
    """The same data give the same bytes, without date or random ids."""
    assert figures() == drawn()
    assert not re.search(r"20\d\d-\d\d-\d\d", "".join(drawn().values()))


def test_figures_ask_nothing_of_the_network(faults: Callable[[str], list[str]]) -> None:
    """All figures on one page: no address, no script, no style for the page, no id twice."""
    text = "".join(drawn().values())
    assert faults(text) == []
    assert "<style" not in text
    assert set(re.findall(r"http[^\"' ]*", text)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    "name", ["loss", "score", "learning rate", "curves", "roc", "pr", "strip", "box"]
)
def test_every_figure_is_an_svg_file_by_itself(name: str) -> None:
    """Each figure parses as XML, scales, and says in words what it shows."""
    root = ET.fromstring(drawn()[name])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox")
    assert root.get("role") == "img"
    assert root.get("aria-label")


def test_all_colours_are_the_page_s() -> None:
    """No colour but the style sheet's variables is used, so that light and dark both work."""
    text = "".join(drawn().values())
    for variable in VARIABLES.values():
        text = text.replace(variable, "")
    assert re.findall(r"(?:fill|stroke): #[0-9a-f]+", text) == []


def test_text_stays_text_in_the_page_s_font() -> None:
    """Axis names can be read and searched, and no font of this machine is named."""
    assert {"Sensitivity", "chance", "Observer 2nd"} <= set(words(roc_plot(CURVES, POINTS)))
    assert "DejaVu" not in "".join(drawn().values())


def test_the_best_validation_is_marked() -> None:
    """The score figure names the last row that was the best so far."""
    assert "best: 0.9900 at step 100" in words(training_plots(HISTORY)["score"])


def test_a_best_score_of_zero_is_still_marked() -> None:
    """Zero is a score, not a missing one."""
    row = {"step": 5, "validation_score": 0.0, "is_best": True}
    assert "best: 0.0000 at step 5" in words(training_plots([row])["score"])


def test_what_was_not_written_is_not_drawn() -> None:
    """Without validations there is no score figure; without rows the picture says so."""
    assert list(training_plots([{"step": 1, "train_loss": 0.5}])) == ["loss"]
    assert training_plots([]) == {}
    assert words(loss_curves([])) == ["nothing to draw yet"]


def test_values_that_are_not_finite_are_passed_over() -> None:
    """A loss of NaN or null leaves a gap, not an error."""
    rows = [{"step": 1, "train_loss": float("nan")}, {"step": 2, "train_loss": None}]
    assert training_plots(rows) == {}


def test_precision_recall_shows_the_prevalence() -> None:
    """Chance is a level line with its value."""
    assert "chance: prevalence 0.100" in words(pr_plot(CURVES, prevalence=0.1))


def test_undefined_cases_are_counted_in_words() -> None:
    """An undefined case is no dot at zero; the axis says how many are missing."""
    svg = case_strip([*DOTS, CaseDot("x", "s0", None)])
    assert "Dice of one case (1 undefined, not drawn)" in words(svg)
    assert "1 undefined" in str(ET.fromstring(svg).get("aria-label"))
    mean = sum(dot.value or 0 for dot in DOTS) / len(DOTS)
    assert f"mean {mean:.3f}" in words(svg)


def test_subjects_have_rows_while_they_can_be_read() -> None:
    """Up to a number of subjects each has a named row; beyond it there is one box."""
    assert "s9" in words(case_strip(DOTS))
    assert "s9" not in words(case_strip(DOTS, rows=5))


def test_rows_of_classes_have_no_common_mean() -> None:
    """Rows that are not subjects are named as what they are, without a mean over all."""
    svg = case_strip(DOTS, row_noun="class")
    assert not any(text.startswith("mean") for text in words(svg))
    assert ET.fromstring(svg).get("aria-label") == "Dice: 20 figures of 10 classes"


def test_operating_points_of_one_kind_share_a_legend_entry() -> None:
    """A decision marked on several curves is named once."""
    points = [Point("Model at its decision", 0.1, 0.8, curve) for curve in (0, 1)]
    assert words(roc_plot(CURVES * 2, points)).count("Model at its decision") == 1


def test_a_strip_without_values_says_so() -> None:
    """Where every case is undefined the figure says it."""
    assert words(case_strip([CaseDot("a", "a", None)])) == ["Dice is undefined for every case"]


def test_names_may_hold_anything() -> None:
    """Markup and dollar signs in names are drawn as they are."""
    name = "<script>$x_{"
    svg = case_strip([CaseDot("a", name, 0.5), CaseDot("b", "b", 0.6)])
    assert "<script" not in svg
    assert any("$x_{" in text for text in words(svg))
    roc = roc_plot([Curve(name, (0.0, 1.0), (0.0, 1.0))])
    assert name in words(roc)
    assert "<script" not in roc


def test_drawing_leaves_no_global_state() -> None:
    """No setting of matplotlib is changed, and no figure is kept alive by `pyplot`."""
    before = dict(matplotlib.rcParams)
    roc_plot(CURVES, POINTS)
    loss_curves(HISTORY)
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == []
