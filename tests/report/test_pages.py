"""What all pages share: the style sheet's contrast, escaping, decimals."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from delineate.report.pages import inline_svg, number, render

STYLE = (files("delineate.report") / "templates" / "style.css").read_text(encoding="utf-8")


def variables(scheme: str) -> dict[str, str]:
    """The colours of the style sheet, light or dark."""
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark))
    return found


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, WCAG 2.2.

    Black on white is 21.
    """
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_rightly() -> None:
    """Black on white has the known ratio of 21, a colour on itself 1."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("paper", ["paper", "surface"])
@pytest.mark.parametrize("text", ["ink", "quiet", "accent"])
def test_text_meets_wcag_aa(scheme: str, paper: str, text: str) -> None:
    """Every colour of text has a contrast of 4.5 on every ground, light and dark."""
    colours = variables(scheme)
    assert contrast(colours[text], colours[paper]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_warnings_and_figures_meet_wcag_aa(scheme: str) -> None:
    """Warnings and the text of figures have a contrast of 4.5, lines of figures 3."""
    colours = variables(scheme)
    assert contrast(colours["warn-ink"], colours["warn-paper"]) >= 4.5
    assert contrast(colours["plot-ink"], colours["paper"]) >= 4.5
    for line in ("plot-main", "plot-other", "plot-third"):
        assert contrast(colours[line], colours["paper"]) >= 3


def test_dark_is_really_another_scheme() -> None:
    """The dark colours replace all of the light ones."""
    light, dark = variables("light"), variables("dark")
    assert all(light[name] != dark[name] for name in light)


def test_the_style_sheet_asks_for_nothing() -> None:
    """No font, picture or sheet is loaded."""
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_decimals_follow_the_score() -> None:
    """ROC AUC has four decimals, Dice three, and nothing is `undefined`, never 0."""
    assert number(0.98104, "roc_auc") == "0.9810"
    assert number(0.8296, "dice") == "0.830"
    assert number(None, "dice") == "undefined"


def test_only_figures_become_markup() -> None:
    """A figure passes; a figure with a script, or any other text, is escaped."""
    assert str(inline_svg("<svg role='img'></svg>")) == "<svg role='img'></svg>"
    assert "<script" not in str(inline_svg("<svg ><script>1</script></svg>"))
    assert "<b>" not in str(inline_svg("<b>bold</b>"))


def test_pages_forbid_requests_to_the_browser() -> None:
    """The page's own policy lets a browser load nothing but embedded pictures."""
    text = render(
        "inspect.html",
        title="t",
        facts=[],
        notes=[],
        cases=[],
        problems=[],
        legend=(),
        is_binary=True,
        window_words="",
        longest_px=1,
    )
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert text.startswith("<!DOCTYPE html>")
