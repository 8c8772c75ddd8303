"""The tables of a study: the board, its pairs, and every score seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delineate.report.pages import number
from delineate.report.paired_cells import signed
from delineate.report.score_tables import (
    SCORE_NAMES,
    Cell,
    Notes,
    Row,
    RowGroup,
    ScoreTable,
    sentence,
)
from delineate.report.verdicts import LED_BY, better_of, led_by, score_of

Document = Mapping[str, Any]
Score = Mapping[str, Any]
DICE, POOLED = "dice", "pooled"
# What of the headline stands on the board itself, where it was counted.
SHOWN = (LED_BY, (DICE, POOLED), ("iou", POOLED), ("roc_auc", POOLED))
COSTS = ("Dice by seed", "Training, s", "ms an image", "Para\u00admeters")  # a soft hyphen


@dataclass(frozen=True)
class PairRow:
    """Two recipes, their difference, and what can be said of it."""

    first: str
    second: str
    difference: str
    interval: str | None
    by_seed: str
    verdict: str
    is_told_apart: bool


def value_words(score: Score) -> str:
    """The value, with its interval where there is one."""
    said = number(score["value"], score["score"])
    if score["low"] is None:
        return said
    return f"{said} ({number(score['low'])} to {number(score['high'])})"


def board_table(document: Document) -> ScoreTable:
    """A row a recipe, the best first, then what was not trained; scores, then cost."""
    notes = Notes()
    keys = [key for key in SHOWN if score_of(document["rows"][0], key) is not None]
    trained = tuple(_board_row(row, keys, notes) for row in document["rows"])
    nothing = (Cell("–"),) * len(COSTS)
    others = tuple(
        Row(
            sentence(one["predictor"]),
            (*(_cell(score_of(one, key), notes) for key in keys), *nothing),
        )
        for one in document["baselines"]
    )
    rule = led_by(document["rows"][0])["empty_rule"]
    return ScoreTable(
        title="Leader board",
        caption=(
            "Every recipe on the same images, ordered by the Dice in the mean per image. Each "
            "value is the mean over seeds; below it stands its 95 % interval, by resampling whole "
            "subjects, where there is one."
        ),
        columns=(*(_column(key) for key in keys), *COSTS),
        groups=(
            RowGroup("Trained here", (f"mean per image: {rule}",), trained),
            RowGroup("Not trained", (), others),
        ),
        notes=tuple((place, text) for text, place in notes.numbers.items()),
        remarks=(),
        spans=(),
        is_led=True,
        corner="Recipe",
        key="board",
    )


def _board_row(row: Mapping[str, Any], keys: Sequence[tuple[str, str]], notes: Notes) -> Row:
    cost = row["cost"]
    cells = (
        Cell(", ".join(number(value, DICE) for value in led_by(row)["by_seed"])),
        _plain(cost["seconds"], ",.0f", notes, "the model does not say how long it was trained"),
        _plain(cost["milliseconds_an_image"], ",.0f", notes, "no image could be read"),
        _plain(cost["parameters"], ",.0f", notes, ""),
    )
    return Row(row["recipe"], (*(_cell(score_of(row, key), notes) for key in keys), *cells))


def _plain(value: float | None, form: str, notes: Notes, reason: str) -> Cell:
    if value is None:
        return Cell("not known", None, (notes.number(reason),), True)
    if 0 < value < 10 and form == ",.0f" and value != int(value):
        form = ".1f"
    return Cell(format(value, form))


def _cell(score: Score | None, notes: Notes) -> Cell | None:
    if score is None:
        return None
    if score["value"] is None:
        reason = str(score["why_undefined"]).removeprefix(f"{score['score']}: ")
        return Cell("undefined", None, (notes.number(sentence(reason)),), True)
    value = number(score["value"], score["score"])
    if score["low"] is None:
        reason = score["why_no_interval"]
        return Cell(value, None, (notes.number(sentence(str(reason))),) if reason else ())
    ends = (number(score["low"], score["score"]), number(score["high"], score["score"]))
    note = (notes.number(sentence(str(score["note"]))),) if score["note"] else ()
    return Cell(value, ends, note)


def _column(key: tuple[str, str]) -> str:
    return f"{SCORE_NAMES[key[0]]}, {key[1]}"


def pair_rows(document: Document) -> tuple[PairRow, ...]:
    """Each recipe against each below it on the board."""
    return tuple(_pair_row(pair) for pair in document["pairs"])


def _pair_row(pair: Mapping[str, Any]) -> PairRow:
    is_told = pair["is_distinguishable"]
    has_interval = pair["low"] is not None
    interval = f"{signed(pair['low'])} to {signed(pair['high'])}" if has_interval else None
    by_seed = [_difference(value) for value in pair["by_seed"]]
    return PairRow(
        pair["first"],
        pair["second"],
        _difference(pair["value"]),
        interval,
        ", ".join(by_seed),
        better_of(pair),
        bool(is_told),
    )


def _difference(value: float | None) -> str:
    return "undefined" if value is None else signed(value)


def score_tables_by_seed(document: Document) -> tuple[ScoreTable, ...]:
    """A table a recipe: every headline score, its mean and each seed's own."""
    return tuple(_by_seed(row, place) for place, row in enumerate(document["rows"]))


def _by_seed(row: Mapping[str, Any], place: int) -> ScoreTable:
    notes = Notes()
    return ScoreTable(
        title=row["recipe"],
        caption=f"{row['recipe']}: {'; '.join(_cost_words(row['cost']))}",
        columns=("Mean over seeds", *(f"Seed {seed}" for seed in row["seeds"])),
        groups=(RowGroup("", (), tuple(_seed_rows(row, notes))),),
        notes=tuple((number_, text) for text, number_ in notes.numbers.items()),
        remarks=(),
        spans=(),
        is_led=True,
        corner="Score",
        key=f"seeds-{place}",
    )


def _seed_rows(row: Mapping[str, Any], notes: Notes) -> Iterator[Row]:
    for score in row["scores"]:
        cells = [_cell(score, notes)]
        cells += [
            Cell(number(value, score["score"]), is_undefined=value is None)
            for value in score["by_seed"]
        ]
        name = f"{SCORE_NAMES[score['score']]}, {score['pooling']}"
        yield Row(name, tuple(cells))


def _cost_words(cost: Mapping[str, Any]) -> Iterator[str]:
    if cost["seconds"] is not None:
        yield f"trained for {cost['seconds']:,.0f} s in the mean"
    if cost["steps"] is not None:
        yield f"{cost['steps']:,.0f} steps"
    if cost["parameters"] is not None:
        yield f"{cost['parameters']:,.0f} parameters"
    if cost["milliseconds_an_image"] is not None:
        yield (
            f"{cost['milliseconds_an_image']:,.1f} ms an image, the median of "
            f"{cost['images_timed']} after one that warmed up"
        )
