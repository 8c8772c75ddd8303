"""The leader board of a study: every recipe beside every other, from the files of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import DelineateError, SettingsError
from delineate.evaluation.pairing import Difference, paired_difference
from delineate.evaluation.records import MODEL, POOLED
from delineate.files.writing import read_json
from delineate.metrics.intervals import Interval
from delineate.report.verdicts import LED_BY, led_by
from delineate.study.case_scores import (
    CaseScores,
    interval_per_image,
    interval_pooled,
    mean_of_cases,
    read_case_scores,
)
from delineate.study.records import RunRecord
from delineate.workflows.scoring import CASES, DOCUMENT, SCHEMA

DICE = "dice"
OF_ONE_RUN = "an interval of a mean over seeds is given for Dice alone"


@dataclass(frozen=True)
class ScoredRun:
    """A run that was scored: its evaluation.json, and its cases at observer and region of it."""

    record: RunRecord
    document: Mapping[str, Any]
    cases: CaseScores

    def headline(self, predictor: str) -> list[Mapping[str, Any]]:
        """The headline records of the model, or of what it is held against."""
        return [each for each in self.document["headline"] if each["predictor"] == predictor]


def scored_runs(
    folder: Path, records: Sequence[RunRecord]
) -> tuple[list[ScoredRun], list[tuple[RunRecord, str]]]:
    """The runs that can stand beside each other, and the others with the reason.

    Runs that were trained on other files, or held against other truths than the first one, do not
    compare.
    """
    found: list[ScoredRun] = []
    failed: list[tuple[RunRecord, str]] = []
    for record in records:
        if record.failure is not None:
            failed.append((record, record.failure))
        if not record.is_finished:
            continue
        try:
            run = _read(folder, record)
            _require_same(run, found)
        except DelineateError as problem:
            failed.append((record, str(problem)))
            continue
        found.append(run)
    return found, failed


def _read(folder: Path, record: RunRecord) -> ScoredRun:
    assert record.scored is not None  # held by is_finished
    scored = folder / record.scored.folder
    document = read_json(scored / DOCUMENT, schema=SCHEMA)
    headline = document["headline"]
    if not headline:
        raise SettingsError(f"{scored / DOCUMENT}: nothing could be scored; look at its notes")
    cases = read_case_scores(
        scored / CASES, observer=headline[0]["observer"], region=headline[0]["region"]
    )
    return ScoredRun(record, document, cases)


def _require_same(run: ScoredRun, others: Sequence[ScoredRun]) -> None:
    """Refuse what was trained or scored on other files than the runs before it."""
    if not others:
        return
    first, one = others[0], run.record
    assert first.record.trained is not None and one.trained is not None  # noqa: PT018 # both scored
    remedy = "start the study anew with --overwrite"
    if first.record.trained.data_sha256 != one.trained.data_sha256:
        raise SettingsError(
            f"{one.name}: trained on other images or masks than {first.record.name}: the data "
            f"has changed while the study went on; {remedy}"
        )
    if not first.cases.answers_same(run.cases):
        raise SettingsError(
            f"{one.name}: scored on other cases or masks than {first.record.name}: the data "
            f"has changed while the study went on; {remedy}"
        )


def by_recipe(runs: Sequence[ScoredRun]) -> dict[str, list[ScoredRun]]:
    """The runs of each recipe, in order of their seeds."""
    found: dict[str, list[ScoredRun]] = {}
    for run in sorted(runs, key=lambda run: run.record.seed):
        found.setdefault(run.record.recipe, []).append(run)
    return found


def rows(runs: Sequence[ScoredRun], seed: int) -> list[dict[str, Any]]:
    """A row a recipe, the best Dice in the mean per image first."""
    found = [_row(name, each, seed) for name, each in by_recipe(runs).items()]
    return sorted(found, key=lambda row: (-(led_by(row)["value"] or 0.0), row["recipe"]))


def _row(name: str, runs: Sequence[ScoredRun], seed: int) -> dict[str, Any]:
    return {
        "recipe": name,
        "seeds": [run.record.seed for run in runs],
        "runs": [run.record.name for run in runs],
        "scores": [_score(key, runs, seed) for key in _keys(runs[0])],
        "failed_cases": [len(run.document["failures"]) for run in runs],
        "cost": _cost([run.record for run in runs]),
        "trained_alike": len({_recipe_of(run.record) for run in runs}) == 1,
    }


def _recipe_of(record: RunRecord) -> str | None:
    return None if record.trained is None else record.trained.recipe_sha256


def _keys(run: ScoredRun) -> list[tuple[str, str]]:
    return [(each["score"], each["pooling"]) for each in run.headline(MODEL)]


def _score(key: tuple[str, str], runs: Sequence[ScoredRun], seed: int) -> dict[str, Any]:
    """The mean of a score over runs, each run's own, and the interval where there is one."""
    records = [_record(run, MODEL, key) for run in runs]
    values = [each["value"] for each in records]
    is_whole = all(value is not None for value in values)
    interval = _interval(key, runs, records, seed)
    return {
        "score": key[0],
        "pooling": key[1],
        "value": float(np.mean(values)) if is_whole else None,
        "why_undefined": next((r["why_undefined"] for r in records if r["value"] is None), None),
        "by_seed": values,
        "low": interval.low if is_whole else None,
        "high": interval.high if is_whole else None,
        "why_no_interval": interval.why_none if is_whole else "the score is undefined",
        "note": interval.note if is_whole else None,
        "empty_rule": records[0]["empty_rule"],
    }


def _interval(
    key: tuple[str, str],
    runs: Sequence[ScoredRun],
    records: Sequence[Mapping[str, Any]],
    seed: int,
) -> Interval:
    cases = [run.cases for run in runs]
    if key == LED_BY:
        return interval_per_image(cases, seed=seed)
    if key == (DICE, POOLED):
        return interval_pooled(cases, seed=seed)
    if len(records) == 1:
        one = records[0]
        return Interval(
            one["low"], one["high"], one["why_no_interval"], one["subjects"], one["note"]
        )
    return Interval(None, None, OF_ONE_RUN, records[0]["subjects"])


def _record(run: ScoredRun, predictor: str, key: tuple[str, str]) -> Mapping[str, Any]:
    found = [r for r in run.headline(predictor) if (r["score"], r["pooling"]) == key]
    return found[0]


def _cost(records: Sequence[RunRecord]) -> dict[str, Any]:
    """Means over the runs; None where any of them does not say."""
    trained = [each.trained for each in records if each.trained is not None]
    scored = [each.scored for each in records if each.scored is not None]
    return {
        "seconds": _mean([each.seconds for each in trained]),
        "steps": _mean([each.steps for each in trained]),
        "parameters": _mean([each.parameters for each in trained]),
        "milliseconds_an_image": _mean([each.milliseconds_an_image for each in scored]),
        "images_timed": min(each.images_timed for each in scored),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def baselines(runs: Sequence[ScoredRun]) -> list[dict[str, Any]]:
    """Trivial predictions and further observers, which are the same beside every run."""
    first = runs[0]
    names = dict.fromkeys(each["predictor"] for each in first.document["headline"])
    kept = ("score", "pooling", "value", "why_undefined", "low", "high", "why_no_interval", "note")
    return [
        {
            "predictor": name,
            "scores": [{field: record[field] for field in kept} for record in first.headline(name)],
        }
        for name in names
        if name != MODEL
    ]


def pairs(order: Sequence[str], runs: Sequence[ScoredRun], seed: int) -> list[dict[str, Any]]:
    """Each recipe against each that stands below it, case by case, both as means over seeds.

    Dice of a case is the mean over the classes that have a value there; cases without a value
    under either recipe are left out.
    """
    found = by_recipe(runs)
    return [_pair(one, other, found, seed) for one, other in combinations(order, 2)]


def _pair(
    one: str, other: str, found: Mapping[str, Sequence[ScoredRun]], seed: int
) -> dict[str, Any]:
    first, second = (mean_of_cases([run.cases for run in found[name]]) for name in (one, other))
    kept = np.isfinite(first) & np.isfinite(second)
    cases = found[one][0].cases
    groups = [who for who, is_kept in zip(cases.subjects, kept, strict=True) if is_kept]
    document: dict[str, Any] = {
        "first": one,
        "second": other,
        "cases": int(kept.sum()),
        "subjects": len(set(groups)),
        "by_seed": _by_seed(found[one], found[other]),
    }
    if not groups:
        nothing = Interval(None, None, "no case has a value under both", 0)
        return document | Difference(0.0, nothing).to_document() | {"value": None}
    return document | paired_difference(first[kept], second[kept], groups, seed=seed).to_document()


def _by_seed(first: Sequence[ScoredRun], second: Sequence[ScoredRun]) -> list[float | None]:
    """The mean difference with each seed that both were trained with."""
    others = {run.record.seed: run for run in second}
    found: list[float | None] = []
    for run in first:
        if run.record.seed not in others:
            continue
        less = run.cases.of_case() - others[run.record.seed].cases.of_case()
        less = less[np.isfinite(less)]
        found.append(float(less.mean()) if less.size else None)
    return found
