"""The page of a study: one leader board, and all that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delineate.core.types import LabelClass
from delineate.report.case_pictures import CasePicture, picture_legend
from delineate.report.overlays import LegendEntry
from delineate.report.pages import write_page
from delineate.report.score_tables import observer_words
from delineate.report.study_tables import (
    board_table,
    pair_rows,
    score_tables_by_seed,
    value_words,
)
from delineate.report.verdicts import led_by

Document = Mapping[str, Any]


@dataclass(frozen=True)
class StudyPage:
    """What the page shows: the document, its figures by caption, and the same cases by all."""

    document: Document
    plots: Mapping[str, str] = field(default_factory=dict)
    examples: Sequence[CasePicture] = ()
    palette: str = "default"


def write_study_page(path: Path, page: StudyPage) -> Path:
    """Write study.html, one self-contained file, and return its path."""
    document = page.document
    return write_page(
        path,
        "study.html",
        title=f"Study: {Path(document['data']).name}",
        summary=summary_of(document),
        facts=list(_facts(document)),
        document=document,
        board=board_table(document) if document["rows"] else None,
        pairs=pair_rows(document),
        tables=score_tables_by_seed(document),
        figures=list(page.plots.items()),
        examples=page.examples,
        legend=_legend(document, page.palette) if page.examples else (),
    )


def summary_of(document: Document) -> str:
    """Who leads, by how much, who cannot be told from that, and what is as good untrained."""
    rows = document["rows"]
    if not rows:
        return "No run has been scored yet."
    first = rows[0]
    said = f"{first['recipe']} has the highest Dice, {value_words(led_by(first))}, mean per image."
    alike = [p["second"] for p in document["pairs"] if _is_about(p, first, False)]
    below = [p["second"] for p in document["pairs"] if _is_about(p, first, True)]
    unknown = [p["second"] for p in document["pairs"] if _is_about(p, first, None)]
    if alike:
        said += f" Not distinguishable from it: {_listed(alike)}."
    if below:
        said += f" Told apart from it: {_listed(below)}."
    if unknown:
        said += " Too few subjects to say whether any difference is more than chance."
    least = led_by(first)["value"]
    as_good = [one for one in document["baselines"] if _is_as_good(led_by(one), least)]
    if as_good:
        named = [f"{one['predictor']}, {value_words(led_by(one))}" for one in as_good]
        said += f" Not trained here, and no worse: {_listed(named)}."
    return said


def _is_as_good(score: Mapping[str, Any], least: float | None) -> bool:
    value = score.get("value")
    return value is not None and least is not None and bool(value >= least)


def _is_about(pair: Mapping[str, Any], row: Mapping[str, Any], verdict: bool | None) -> bool:
    return bool(pair["first"] == row["recipe"] and pair["is_distinguishable"] is verdict)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    scored = document.get("scored")
    yield "Data", Path(document["data"]).name
    if scored:
        how = (
            f"{document['folds']} folds of train and validation, each predicted by the others"
            if document["folds"]
            else f"split {scored['split']}"
        )
        yield "Scored on", f"{how}: {scored['cases']} images of {scored['subjects']} subjects"
        observer = observer_words(scored["observer"])
        yield "Truth", f"{scored['label_class']} against {observer}, {scored['region']}"
    yield "Each training", budget_words(document)
    seeds = [document["seed"] + place for place in range(document["seeds"])]
    yield "Seeds", ", ".join(map(str, seeds))
    yield "Machine", document["machine"]["processor"]


def budget_words(document: Document) -> str:
    """How long each training was."""
    if document["minutes"] is not None:
        return f"{document['minutes']:g} minutes, the written model included"
    for name in ("epochs", "steps"):
        if document[name] is not None:
            return f"{document[name]} {name}"
    return "as many epochs as its recipe says"


def _legend(document: Document, palette: str) -> tuple[LegendEntry, ...]:
    """What the colours of one class mean; with several each picture has its own legend."""
    scored = document["scored"]
    if len(scored["classes"]) > 2:
        return ()
    classes = [LabelClass(**each) for each in scored["classes"]]
    return picture_legend(classes, palette)
