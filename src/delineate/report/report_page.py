"""The whole run in one file: data, split, recipe, training, scores, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from delineate.report.case_pictures import CasePicture
from delineate.report.evaluation_page import legend_of, scores_of
from delineate.report.pages import write_page
from delineate.report.plots import Row, training_plots
from delineate.report.score_tables import Document

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SplitRow:
    """One split in figures; `empty` counts cases without any foreground, None if unknown."""

    split: str
    cases: int
    subjects: int
    empty: int | None = None
    foreground_share: float | None = None


@dataclass(frozen=True)
class RecipeChoice:
    """One setting of the recipe, under its stage, with the reason where there is one."""

    stage: str
    name: str
    value: str
    reason: str = ""


@dataclass(frozen=True)
class RunReport:
    """All that the report shows; what is empty is left out of it.

    `evaluation` is the content of evaluation.json, `plots` what `evaluation_plots` made of
    it, `history` the rows of history.jsonl, and `palette` the one of the pictures.
    """

    title: str
    facts: Facts = ()
    data: Facts = ()
    data_notes: Sequence[str] = ()
    split: Sequence[SplitRow] = ()
    split_rule: str = ""
    recipe: Sequence[RecipeChoice] = ()
    recipe_name: str = ""
    history: Sequence[Row] = ()
    training: Facts = ()
    evaluation: Document | None = None
    evaluated: str = "the test split"
    plots: Mapping[str, str] = field(default_factory=dict)
    pictures: Sequence[CasePicture] = ()
    palette: str = "default"
    notes: Sequence[str] = ()


def write_report(path: Path, *, report: RunReport) -> Path:
    """Write report.html, one self-contained file, and return its path."""
    document = report.evaluation
    stages: dict[str, list[RecipeChoice]] = {}
    for choice in report.recipe:
        stages.setdefault(choice.stage, []).append(choice)
    return write_page(
        path,
        "report.html",
        title=report.title,
        report=report,
        stages=stages,
        has_reasons=any(choice.reason for choice in report.recipe),
        curves=_with_captions(training_plots(report.history)),
        scores=None if document is None else scores_of(document, report.plots),
        legend=() if document is None else legend_of(document, report.palette),
    )


def _with_captions(figures: Mapping[str, str]) -> list[tuple[str, str]]:
    captions = {
        "loss": "Loss on training patches (as they are seen, augmented) and on validation.",
        "score": "Score on validation; the diamond marks the weights that were kept.",
        "learning rate": "Learning rate.",
    }
    return [(captions[name], svg) for name, svg in figures.items()]
