"""The page of one evaluation: every figure with its rule, its interval and its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from delineate.core.types import LabelClass
from delineate.report.case_pictures import CasePicture, picture_legend
from delineate.report.class_tables import (
    MOST_FOLDED,
    Confusion,
    class_tables,
    confusion_of,
    object_tables,
)
from delineate.report.depth_table import DepthTable, depth_table
from delineate.report.display import Picture
from delineate.report.members_section import MembersSection, members_section
from delineate.report.overlays import LegendEntry
from delineate.report.pages import write_page
from delineate.report.score_tables import (
    Document,
    ScoreTable,
    full_tables,
    headline_table,
    observer_words,
    protocol_tables,
    sentence,
    summary_sentence,
    views_table,
)
from delineate.report.structure_section import StructureSection, structure_section
from delineate.report.two_stage_section import TwoStageSection, two_stage_section


@dataclass(frozen=True)
class EmptyRules:
    """The model's Dice of one class under every convention for empty masks."""

    caption: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Scores:
    """An evaluation as the templates draw it."""

    summary: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    headline: ScoreTable | None
    depths: DepthTable | None
    views: ScoreTable | None
    classes: tuple[ScoreTable, ...]
    confusion: Confusion | None
    objects: tuple[ScoreTable, ...]
    has_many_classes: bool
    protocols: tuple[ScoreTable, ...]
    full: tuple[ScoreTable, ...]
    empty_rules: tuple[EmptyRules, ...]
    failures: tuple[tuple[str, str], ...]
    failure_rule: str
    plots: tuple[tuple[str, str], ...]
    structure: StructureSection | None
    two_stage: TwoStageSection | None
    members: MembersSection | None


def write_evaluation_page(
    path: Path,
    *,
    document: Document,
    pictures: Sequence[CasePicture] = (),
    plots: Mapping[str, str] | None = None,
    structure_pictures: Sequence[Picture] = (),
    title: str = "Evaluation",
    facts: Sequence[tuple[str, str]] = (),
    palette: str = "default",
) -> Path:
    """Write evaluation.html beside evaluation.json and return its path.

    `document` is what `Evaluation.to_document` gives, `plots` what `evaluation_plots` gives
    (caption to inline SVG), `structure_pictures` show the vessels of one case, `palette` is the
    one that the pictures were drawn with, and `facts` say what was evaluated: model, data, split.
    """
    return write_page(
        path,
        "evaluation.html",
        title=title,
        facts=list(facts),
        scores=scores_of(document, plots or {}, structure_pictures),
        pictures=list(pictures),
        legend=legend_of(document, palette),
    )


def scores_of(
    document: Document, plots: Mapping[str, str], structure_pictures: Sequence[Picture] = ()
) -> Scores:
    """Everything that a page shows of an evaluation."""
    origin = sentence(str(document["threshold_origin"]))
    facts = (
        ("Cases", f"{document['cases']:,} of {document['subjects']:,} subjects"),
        ("Threshold", f"{_thresholds(document)}{origin}"),
        ("Truth", ", ".join(observer_words(one) for one in document["observers"]) or "none"),
        ("Pixels that count", " and ".join(document["regions"]) or "none"),
    )
    return Scores(
        summary=summary_sentence(document),
        facts=facts,
        notes=tuple(sentence(note) for note in document["notes"]),
        headline=headline_table(document),
        depths=depth_table(document),
        views=views_table(document),
        classes=tuple(class_tables(document)),
        confusion=confusion_of(document),
        objects=tuple(object_tables(document)),
        has_many_classes=len(document["classes"]) - 1 > MOST_FOLDED,
        protocols=tuple(protocol_tables(document)),
        full=tuple(full_tables(document)),
        empty_rules=tuple(_empty_rules(document)),
        failures=tuple((one["id"], one["failure"]) for one in document["failures"]),
        failure_rule=sentence(str(document["failure_rule"])),
        plots=tuple(plots.items()),
        structure=structure_section(document, structure_pictures),
        two_stage=two_stage_section(document),
        members=members_section(document),
    )


def _thresholds(document: Document) -> str:
    """The threshold, or one for each of the classes that overlap."""
    values = document.get("thresholds")
    if values:
        names = [str(one["name"]) for one in document["classes"][1:]]
        each = (f"{name} {value:.4g}" for name, value in zip(names, values, strict=True))
        return f"{', '.join(each)}. "
    return "" if document["threshold"] is None else f"{document['threshold']:.4g}. "


def legend_of(document: Document, palette: str) -> tuple[LegendEntry, ...]:
    """The legend of the pictures, from the document's classes."""
    classes = [
        LabelClass(one["index"], one["name"], tuple(one["colour"])) for one in document["classes"]
    ]
    return picture_legend(classes, palette)


def _empty_rules(document: Document) -> Iterator[EmptyRules]:
    if not document["headline"]:
        return
    first = document["headline"][0]
    place = (first["observer"], first["region"])
    rows = [one for one in document["empty_rules"] if (one["observer"], one["region"]) == place]
    for name, of_class in groupby(rows, key=lambda one: str(one["label_class"])):
        caption = (
            f"Dice of {name} by the model, {first['region']}, against "
            f"{observer_words(first['observer'])}: one set of predictions under each convention."
        )
        yield EmptyRules(caption, tuple(of_class))
