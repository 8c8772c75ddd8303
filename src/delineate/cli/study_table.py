"""The leader board of a study in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delineate.cli.tables import columns, counted
from delineate.report.verdicts import LED_BY, better_of, score_of

_SHOWN = (
    (*LED_BY, "Dice, mean per image"),
    ("dice", "pooled", "Dice, pooled"),
    ("roc_auc", "pooled", "ROC AUC"),
)


def study_table(document: Mapping[str, Any]) -> Iterator[str]:
    """A row a recipe, the best first, what was not trained, every pair, and the notes."""
    if not document["rows"]:
        yield "no run could be scored"
        return
    yield from columns([*_rows(document)], [*_header()])
    yield ""
    if document["pairs"]:
        yield from columns([*_pairs(document["pairs"])], ["first", "second", "difference", ""])
        yield ""
    scored = document["scored"]
    observer = scored["observer"]
    yield (
        f"{scored['label_class']} against "
        f"{observer if observer.startswith('observer') else f'observer {observer}'}, "
        f"{scored['region']}; {_where(document)}: {counted(scored['cases'], 'case')} of "
        f"{counted(scored['subjects'], 'subject')}"
    )
    led = score_of(document["rows"][0], LED_BY)
    if led is not None:
        yield f"mean per image: {led['empty_rule']}"
    yield "each value is the mean over seeds; in brackets: 95 % interval, subjects resampled"
    yield f"note: {document['choosing']}"
    if document["missing"]:
        yield f"still missing: {', '.join(document['missing'])}"
    yield from (f"note: {note}" for note in document["notes"])


def _header() -> Iterator[str]:
    yield ""
    yield from (name for _, _, name in _SHOWN)
    yield from ("seeds", "training", "ms an image", "parameters")


def _rows(document: Mapping[str, Any]) -> Iterator[list[str]]:
    for row in document["rows"]:
        cost = row["cost"]
        yield [
            row["recipe"],
            *_scores(row),
            str(len(row["seeds"])),
            "-" if cost["seconds"] is None else f"{cost['seconds']:,.0f} s",
            "-"
            if cost["milliseconds_an_image"] is None
            else f"{cost['milliseconds_an_image']:,.1f}",
            "-" if cost["parameters"] is None else f"{cost['parameters']:,.0f}",
        ]
    for one in document["baselines"]:
        yield [one["predictor"], *_scores(one)]


def _scores(row: Mapping[str, Any]) -> Iterator[str]:
    for score, pooling, _ in _SHOWN:
        yield _value(score_of(row, (score, pooling)))


def _value(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "-"
    if score["value"] is None:
        return "undefined"
    if score["low"] is None or score["score"] != "dice":
        return f"{score['value']:.4f}"
    return f"{score['value']:.4f} ({score['low']:.4f} to {score['high']:.4f})"


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    for pair in pairs:
        difference = "undefined" if pair["value"] is None else f"{pair['value']:+.4f}"
        if pair["low"] is not None:
            difference += f" ({pair['low']:+.4f} to {pair['high']:+.4f})"
        yield [pair["first"], pair["second"], difference, better_of(pair)]


def _where(document: Mapping[str, Any]) -> str:
    if document["folds"] is not None:
        return f"{document['folds']} folds of train and validation"
    return f"split {document['scored']['split']}"
