"""The whole evaluation of one set of predictions, every figure beside its baselines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from delineate.core.errors import SettingsError
from delineate.core.types import LabelClass
from delineate.evaluation.aggregation import records_of
from delineate.evaluation.baselines import MeanTrainingMask
from delineate.evaluation.case_table import case_table
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.empty_rules import empty_rule_rows
from delineate.evaluation.objects import ObjectTally
from delineate.evaluation.records import (
    FAILURE_RULE,
    INSIDE,
    WHOLE,
    Evaluation,
    reference_region,
)
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.tally import Tally
from delineate.evaluation.views import View, Views
from delineate.metrics.thresholds import ARGMAX_RULE, Cut


def score_cases(
    cases: Iterable[ScoredCase],
    classes: Sequence[LabelClass],
    threshold: Cut,
    *,
    threshold_origin: str = "not stated",
    mean_training_mask: MeanTrainingMask | None = None,
    views: Sequence[View] = (),
    is_overlapping: bool = False,
    objects: ObjectTally | None = None,
    settings: EvaluationSettings | None = None,
) -> Evaluation:
    """Every score of the model, of each further observer, the mean mask and nothing at all.

    Cases are taken one at a time, so that `cases` may read and predict lazily; what stays
    in memory is said at `Tally`. `threshold` cuts binary probabilities and has no meaning
    for several classes, but where they overlap, which have one each; `threshold_origin` says on
    which cases it was chosen. Objects are counted where there is a tally for them. The headline
    scores are given once more for each of the `views`, and where cases have earlier truths
    for the labels before the decisions and for the cases that no decision touched.

    Raises:
        SettingsError: There is no case or no foreground class, an id comes twice, a truth
            holds unknown classes, or binary probabilities come without a threshold.
        SizeMismatchError: Truths and region of a case differ in size.
    """
    settings = settings or EvaluationSettings()
    if [one.index for one in classes] != list(range(len(classes))) or len(classes) < 2:
        raise SettingsError(
            "classes: expected background and at least one foreground class in the order of "
            f"their indices, found {[one.name for one in classes]}"
        )
    tally = Tally(
        classes, threshold, mean_training_mask, is_overlapping=is_overlapping, objects=objects
    )
    before = Tally(
        classes,
        threshold,
        mean_training_mask,
        is_overlapping=is_overlapping,
        observers=tally.observers,
    )
    has_threshold = len(classes) == 2 or is_overlapping
    for case in cases:
        if threshold is None and has_threshold and _needs_threshold(case):
            raise SettingsError(
                "threshold: expected a number for binary probabilities, or one a class where they "
                "overlap, found none; choose on validation cases"
            )
        if not case.is_dropped:
            tally.add(case)
        if case.earlier is not None:
            before.add(replace(case, truths=case.earlier))
    if not tally.groups:
        raise SettingsError("cases: expected at least one to score, found none")
    return _evaluation(tally, before, views, settings, threshold_origin)


def _needs_threshold(case: ScoredCase) -> bool:
    return case.failure is None and case.labels is None and case.probability is not None


def _evaluation(
    tally: Tally,
    before: Tally,
    asked: Sequence[View],
    settings: EvaluationSettings,
    threshold_origin: str,
) -> Evaluation:
    tally.finish()
    table = case_table(tally, settings)
    present = dict.fromkeys(comparison.region for comparison in tally.figures)
    regions = tuple(region for region in (INSIDE, WHOLE) if region in present)
    place = (next(iter(tally.observers), ""), reference_region(regions))
    views = Views(asked, tally, before, place, settings)
    records, curves, empty_rules = [], [], []
    while tally.figures:
        comparison, by_class = next(iter(tally.figures.items()))
        empty_rules += list(empty_rule_rows(comparison, by_class, tally.classes))
        found, drawn = records_of(comparison, by_class, tally.classes, settings)
        records += found
        curves += drawn
        views.add(comparison, by_class)
        del tally.figures[comparison]  # the pixels' scores of this comparison are done with
    has_threshold = len(tally.classes) == 2 or tally.is_overlapping
    cut = tally.threshold if has_threshold else None
    evaluation = Evaluation(
        classes=tuple(tally.classes),
        threshold=None if isinstance(cut, tuple) else cut,
        thresholds=cut if isinstance(cut, tuple) else None,
        threshold_origin=threshold_origin if has_threshold else ARGMAX_RULE,
        observers=tuple(tally.observers),
        regions=regions,
        cases=len(tally.groups),
        subjects=len(set(tally.groups.values())),
        records=tuple(records),
        empty_rules=tuple(empty_rules),
        curves=tuple(curves),
        case_table=table,
        failures=tuple(tally.failures),
        notes=tuple(_notes(tally, regions)),
        is_overlapping=tally.is_overlapping,
        confusions=tally.confusions(),
        objects=None if tally.objects is None else tally.objects.figures(settings),
    )
    return replace(evaluation, views=views.scores(evaluation.headline()))


def _notes(tally: Tally, regions: Sequence[str]) -> list[str]:
    notes = []
    unknown = sum(subject is None for subject in tally.subjects.values())
    total = len(tally.groups)
    if unknown:
        notes.append(
            f"subjects are unknown for {unknown} of {total} cases: each of these counts as a "
            "subject of its own, so that intervals are too narrow if one subject has several"
        )
    if tally.failures:
        notes.append(f"{len(tally.failures)} of {total} cases failed: {FAILURE_RULE}")
    if tally.unscored:
        notes.append(f"{len(tally.unscored)} of {total} cases have no truth and no score")
    if INSIDE in regions and tally.without_region:
        notes.append(
            f"{tally.without_region} of {total} cases have no region of interest and are absent "
            f"from the scores {INSIDE}"
        )
    if tally.mean_training_mask is None:
        notes.append("no training masks were given: there is no mean training mask to compare")
    else:
        notes.append(f"threshold of the mean training mask: {tally.mean_training_mask.rule}")
    return notes
