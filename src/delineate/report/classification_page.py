"""The page of a classifier: every figure with its rule, its interval and its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from delineate.evaluation.classification_records import (
    ALWAYS_ABSENT,
    ALWAYS_PRESENT,
    AT_THRESHOLD,
    CaseVerdict,
)
from delineate.evaluation.records import MODEL
from delineate.files.image_files import read_image
from delineate.report.case_pictures import LONGEST_PX, CasePicture
from delineate.report.display import photograph
from delineate.report.heat_maps import HEAT_WORDS
from delineate.report.members_section import classifier_members_section
from delineate.report.pages import number, write_page
from delineate.report.score_tables import (
    ScoreTable,
    predictor_table,
    sentence,
    views_table,
)

Document = Mapping[str, Any]
Record = Mapping[str, Any]

_NAMES = {"roc_auc": "ROC AUC"}


def write_classification_page(
    path: Path,
    *,
    document: Document,
    errors: Sequence[CasePicture] = (),
    plots: Mapping[str, str] | None = None,
    title: str = "Evaluation",
    facts: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write evaluation.html beside evaluation.json and return its path.

    `document` is what `ClassificationEvaluation.to_document` gives, `plots` what
    `classification_plots` gives (caption to inline SVG), `errors` what `error_pictures`
    gives, and `facts` say what was evaluated: model, data, split.
    """
    return write_page(
        path,
        "classification.html",
        title=title,
        summary=summary_sentence(document),
        heat_words=f"In the pictures, {HEAT_WORDS}.",
        facts=[*facts, *_facts(document)],
        document=document,
        headline=predictor_table(
            _tabled(document, document["headline"]),
            title="Is there anything to find? The model beside its baselines",
            key="headline",
        ),
        members=classifier_members_section(document),
        views=_views(document),
        full=predictor_table(
            _tabled(document, document["records"]),
            title="All scores of the model and its baselines",
            key="full",
        ),
        plots=list((plots or {}).items()),
        errors=list(errors),
        notes=[sentence(note) for note in document["notes"]],
        failure_rule=sentence(document["failure_rule"]),
    )


def error_pictures(
    errors: Sequence[CaseVerdict], pictures: Mapping[str, Path], folder: Path
) -> tuple[CasePicture, ...]:
    """A card for each wrongly answered case, with the picture of its id where there is one.

    `pictures` are image files, relative to `folder`; the page holds them itself.

    Raises:
        UnreadableFileError: A picture that is named is missing or no image.
    """
    cards = []
    for one in errors:
        shown = []
        if one.id in pictures:
            image = read_image(folder / pictures[one.id])
            shown = [photograph(image, "", f"Image {one.id}: {one.outcome}", LONGEST_PX)]
        truth = "something is there" if one.truth else "nothing is there"
        caption = f"Probability {number(one.probability)}; {truth}"
        cards.append(CasePicture(one.id, one.subject, one.outcome, caption, tuple(shown)))
    return tuple(cards)


def summary_sentence(document: Document) -> str:
    """The first figures, and what they have to be compared with, in words."""
    of = {(one["predictor"], one["score"]): one for one in document["headline"]}
    auc = of[MODEL, "roc_auc"]
    cases = f"{document['cases']:,} case{'' if document['cases'] == 1 else 's'}"
    people = f"{document['subjects']:,} subject{'' if document['subjects'] == 1 else 's'}"
    base = f"on {cases} of {people}, {document['present']:,} of them present"
    if auc["value"] is None:
        start = f"ROC AUC is undefined, {base}: {auc['why_undefined']}."
    else:
        interval = " (no interval)"
        if auc["low"] is not None:
            interval = f" (95 % interval {number(auc['low'])} to {number(auc['high'])})"
        start = f"ROC AUC {number(auc['value'])}{interval}, {base}."
    at_cut = ", ".join(
        f"{score} {number(of[MODEL, score]['value'])}"
        for score in ("sensitivity", "specificity", "accuracy")
    )
    name = ALWAYS_ABSENT if document["absent"] >= document["present"] else ALWAYS_PRESENT
    constant = number(of[name, "accuracy"]["value"])
    return (
        f"{start} At the threshold {document['threshold']:.3g}: {at_cut}. "
        f"Answering {name.removeprefix('always ')} every time reaches an accuracy of {constant}."
    )


def score_words(score: str) -> str:
    """A score by the name that a person reads.

    Examples:
        >>> score_words("roc_auc"), score_words("sensitivity_at_specificity_0.90")
        ('ROC AUC', 'Sensitivity at specificity 0.90')
    """
    return _NAMES.get(score, sentence(score.replace("_", " ")))


def _facts(document: Document) -> list[tuple[str, str]]:
    share = document["prevalence_in_training"]
    return [
        ("Cases", f"{document['cases']:,} of {document['subjects']:,} subjects"),
        ("Truth", _truths(document)),
        (
            "Threshold",
            f"{document['threshold']:.4g}. {sentence(document['threshold_origin'])}",
        ),
        ("Present in training", "unknown" if share is None else f"{share:.1%} of the cases"),
    ]


def _truths(document: Document) -> str:
    without = document["without_truth"]
    ending = f", {without:,} without truth and not scored" if without else ""
    return f"{document['present']:,} present, {document['absent']:,} absent{ending}"


def _views(document: Document) -> ScoreTable | None:
    views = [
        {
            **view,
            "records": _tabled(
                document, [one for one in view["records"] if one["predictor"] == MODEL]
            ),
        }
        for view in document["views"]
    ]
    return views_table({"views": views})


def _tabled(document: Document, records: Sequence[Record]) -> list[Record]:
    """Records as the tables of scores read them: a group for each kind, with the model's rule."""
    models = [one for one in document["records"] if one["predictor"] == MODEL]
    has_baselines = any(one["predictor"] != MODEL for one in records)
    how = {one["score"]: _how(one, has_baselines) for one in models}
    return [
        {
            **one,
            "score": score_words(one["score"]),
            "pooling": one["kind"],
            "empty_rule": how[one["score"]],
            "failed_cases": 0,  # said once, above the table
        }
        for one in records
    ]


def _how(record: Record, has_baselines: bool) -> str:
    if has_baselines and record["kind"] == AT_THRESHOLD:
        return f"{record['how']}; a baseline answers alike everywhere"
    return str(record["how"])
