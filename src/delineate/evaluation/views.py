"""The same predictions over other sets of cases and labels, from the same pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from delineate.evaluation.aggregation import records_of
from delineate.evaluation.cases import CaseFigures
from delineate.evaluation.figures import ViewScores
from delineate.evaluation.records import (
    AS_DECIDED,
    BEFORE,
    EVERY_CASE,
    UNTOUCHED,
    ScoreRecord,
    headline_of,
)
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.tally import Comparison, Tally, ranked_alike

ByClass = dict[int, list[CaseFigures]]
Groups = Mapping[str, str]  # case id -> who is drawn as a whole


@dataclass(frozen=True)
class View:
    """A part of the cases that is scored by itself as well, without those left out."""

    name: str
    left_out: frozenset[str]


@dataclass
class Views:
    """Collects the headline scores of each view, comparison by comparison.

    `now` has counted the cases as they are, `before` those that have earlier truths, with
    these. Where `before` counted any, the labels before the decisions and the cases that no
    decision touched are views too. `place` is the observer and region of the headline.
    """

    asked: Sequence[View]
    now: Tally
    before: Tally
    place: tuple[str, str]
    settings: EvaluationSettings
    _records: dict[str, list[ScoreRecord]] = field(default_factory=dict)

    def add(self, comparison: Comparison, by_class: ByClass) -> None:
        """Score this comparison under each view, where it is one of the headline's."""
        if (comparison.observer, comparison.region) != self.place:
            return
        for view in self.asked:
            self._score(view.name, comparison, _without(by_class, view.left_out))
        if self.before.groups:
            untouched = _without(by_class, self.before.groups.keys())
            earlier = self.before.figures.get(comparison, {})
            self._score(BEFORE, comparison, _joined(untouched, earlier))
            self._score(UNTOUCHED, comparison, untouched)

    def scores(self, whole: Sequence[ScoreRecord]) -> tuple[ViewScores[ScoreRecord], ...]:
        """The whole and every view beside it; nothing where there is but the whole."""
        views = [self._view(name, groups) for name, groups in self._groups()]
        if not views:
            return ()
        name = AS_DECIDED if self.before.groups else EVERY_CASE
        return (_view_scores(name, self.now.groups, whole), *views)

    def _groups(self) -> Iterator[tuple[str, Groups]]:
        """The cases of each view, in the order in which the views are shown."""
        for view in self.asked:
            yield view.name, _kept(self.now.groups, view.left_out)
        if self.before.groups:
            untouched = _kept(self.now.groups, self.before.groups.keys())
            yield BEFORE, {**untouched, **self.before.groups}
            yield UNTOUCHED, untouched

    def _view(self, name: str, groups: Groups) -> ViewScores[ScoreRecord]:
        return _view_scores(
            name, groups, headline_of(self._records.get(name, ()), self.now.classes)
        )

    def _score(self, name: str, comparison: Comparison, by_class: ByClass) -> None:
        if not any(by_class.values()):
            return  # every case is left out
        found, _ = records_of(comparison, by_class, self.now.classes, self.settings)
        wanted = headline_of(found, self.now.classes)
        self._records.setdefault(name, []).extend(wanted)


def _without(by_class: ByClass, left_out: Collection[str]) -> ByClass:
    return {
        index: [one for one in figures if one.id not in left_out]
        for index, figures in by_class.items()
    }


def _joined(first: ByClass, second: ByClass) -> ByClass:
    return {
        index: ranked_alike([*figures, *second.get(index, ())]) for index, figures in first.items()
    }


def _kept(groups: Groups, left_out: Collection[str]) -> Groups:
    return {id_: group for id_, group in groups.items() if id_ not in left_out}


def _view_scores(
    name: str, groups: Groups, records: Sequence[ScoreRecord]
) -> ViewScores[ScoreRecord]:
    return ViewScores(name, len(groups), len(set(groups.values())), tuple(records))
