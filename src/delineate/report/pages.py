"""Self-contained HTML from templates that escape everything they are given."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from delineate.files.writing import write_text

# Differences that the field reports stand in the fourth decimal of these, else in the third.
FINE_SCORES = frozenset(
    {"roc_auc", "average_precision", "accuracy", "pixel_accuracy", "specificity"}
)


def write_page(path: Path, template: str, **values: object) -> Path:
    """Render a template to a file, whole or not at all, and return the file's path."""
    write_text(path, render(template, **values))
    return path


def render(template: str, **values: object) -> str:
    """The page as text: one file that asks nothing of any other."""
    return _environment().get_template(template).render(**values)


def inline_svg(svg: str) -> Markup:
    """A figure of `delineate.report.plots` as markup; anything else is refused by escaping."""
    return Markup(svg) if svg.startswith("<svg ") and "<script" not in svg else Markup.escape(svg)


def number(value: float | None, score: str = "") -> str:
    """A score with the decimals that its name deserves.

    Examples:
        >>> number(0.82934, "dice"), number(0.98104, "roc_auc"), number(None, "dice")
        ('0.829', '0.9810', 'undefined')
    """
    if value is None:
        return "undefined"
    return f"{value:.4f}" if score in FINE_SCORES else f"{value:.3f}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("delineate.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["svg"] = inline_svg
    environment.globals["delineate_version"] = version("delineate")
    return environment
