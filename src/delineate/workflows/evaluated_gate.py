"""A model with a gate, end to end: what each stage missed, and what the gate costs and gains."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from delineate.core.errors import SettingsError
from delineate.core.types import Image, Labels, Probability
from delineate.data.sample import Sample
from delineate.evaluation.cases import ScoredCase, answer
from delineate.evaluation.members import counting_pixels, foreground_counts
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.two_stage import ImageCounts
from delineate.evaluation.two_stage_document import (
    CLASSIFIER,
    Costs,
    WayCases,
    case_rows,
    two_stage_document,
)
from delineate.evaluation.two_stage_examples import examples_of
from delineate.files.writing import write_csv
from delineate.inference.model import Model
from delineate.inference.model_card import GIVEN_BY_HAND, GateKind
from delineate.inference.postprocess import labels_from_probability
from delineate.inference.verdict import verdict_of
from delineate.metrics.thresholds import Cut
from delineate.workflows.scoring import Answer
from delineate.workflows.timed_models import Timed, TimedLook, time_facts

TABLE = "two_stage.csv"
NAMES: dict[GateKind | None, str] = {
    "classifier": "two stages",
    None: "segmenter without a gate",
    "head": "segmenter with its own head",
}
SEVERAL_RULE = "all foreground classes count as one"
REGION_RULE = "inside the region of interest where an image has one"


@dataclass(frozen=True)
class Way:
    """One way to use the segmenter: behind a gate or without, at its own operating point."""

    gate: GateKind | None
    gate_threshold: float | None
    cut: Cut
    minimum_area_px: int
    origin: str

    def labels(self, probability: Probability) -> Labels:
        """What is drawn on an image that is segmented."""
        return labels_from_probability(
            probability, threshold=self.cut, minimum_area_px=self.minimum_area_px
        )


def ways_of(model: Model, threshold: float | None = None) -> list[Way]:
    """The model as it is first, then its segmenter without a gate and with its own head.

    A given `threshold` cuts the masks of the model as it is; the others have those that were
    chosen for them. A head for which nothing was chosen is left out.
    """
    own = None if model.card.gate is None else model.card.gate.kind
    ways = [_way(model, own, threshold), _way(model.with_gate(None), None)]
    if own != "head":
        with suppress(SettingsError):  # no head, or nothing chosen for it
            ways.append(_way(model.with_gate("head"), "head"))
    return ways


def _way(model: Model, gate: GateKind | None, threshold: float | None = None) -> Way:
    origin = model.threshold.origin if threshold is None else GIVEN_BY_HAND
    area_px = model.predict_settings.minimum_area_px
    return Way(gate, model.gate_cut(), model.cut(threshold), area_px, origin)


@dataclass(frozen=True)
class _Looked:
    """One image, looked at: its id, the probability of each way's gate, and what each draws."""

    id: str
    probabilities: tuple[float, ...]
    drawn: tuple[Labels, ...]


@dataclass
class _Rows:
    """What is kept of every case: (ways, 3) counts and (ways,) probabilities, None of failures."""

    cases: list[tuple[str, str | None, str]] = field(default_factory=list)
    counts: list[list[tuple[int, int, int]]] = field(default_factory=list)
    probabilities: list[tuple[float, ...] | None] = field(default_factory=list)


class EvaluatedGate:
    """Answers as the model does, and counts along what it would be without its gate.

    The segmenter looks at every image, also at those that the gate keeps back: the comparison
    needs that, and the time of two stages is calculated without it.
    """

    def __init__(
        self,
        model: Model,
        *,
        observer: str,
        threshold: float | None = None,
        threads: int | None = None,
        settings: EvaluationSettings,
    ) -> None:
        self._model, self._observer, self._settings = model, observer, settings
        self._threads = threads
        self._ways = ways_of(model, threshold)
        self._look, self._gate_times = TimedLook(model.look), Timed()
        self._rows = _Rows()
        self._looked: _Looked | None = None

    def answer(self, sample: Sample, image: Image) -> Answer:
        """What the model says of an image: nothing where its gate is closed."""
        self._looked = None
        classified = self._classified(image)
        (seen,) = self._look([image])
        head = float("nan") if seen.presence is None else seen.presence
        of_gate = {CLASSIFIER: classified, "head": head, None: float("nan")}
        probabilities = tuple(of_gate[way.gate] for way in self._ways)
        drawn = tuple(way.labels(seen.probability) for way in self._ways)
        self._looked = _Looked(sample.id, probabilities, drawn)
        verdict = verdict_of(probabilities[0], self._ways[0].gate_threshold or 0.0)
        if verdict.is_present:
            return Answer(seen.probability, drawn[0], verdict)
        nothing = self._model.nothing(image, verdict)
        return Answer(nothing.probability, nothing.labels, verdict)

    def add(self, case: ScoredCase) -> None:
        """Count a case that was answered just now, or that could not be answered."""
        looked, self._looked = self._looked, None
        counting = counting_pixels(case, self._observer)
        if counting is None:
            return  # without a truth it has no score
        truth, area = counting
        if looked is not None and (looked.id != case.id or self._has_fault(case)):
            looked = None
        self._rows.cases.append((case.id, case.subject, case.group))
        if looked is None:
            truth_px, _, _ = foreground_counts(truth, truth, area)
            self._rows.counts.append([(truth_px, 0, 0)] * len(self._ways))
            self._rows.probabilities.append(None)
            return
        self._rows.counts.append([foreground_counts(truth, each, area) for each in looked.drawn])
        self._rows.probabilities.append(looked.probabilities)

    def finish(self, folder: Path) -> dict[str, Any]:
        """Write a row a case; what `evaluation.json` says of the two stages."""
        ids = [id_ for id_, _, _ in self._rows.cases]
        ways = self._counted_ways()
        costs = Costs(self._gate_times.milliseconds, self._look.timed.milliseconds)
        subjects = [subject for _, subject, _ in self._rows.cases]
        write_csv(folder / TABLE, *case_rows(ways, ids, subjects))
        if not ids:
            return {}  # nothing could be scored
        groups = [group for _, _, group in self._rows.cases]
        document = two_stage_document(ways, groups, costs, settings=self._settings)
        document["rules"] += [REGION_RULE] + [SEVERAL_RULE] * (len(self._model.classes) > 2)
        document["observer"] = self._observer
        document["gate_rule"] = (
            None if self._model.card.gate is None else self._model.card.gate.rule
        )
        document["times"] = {
            "gate_ms": costs.gate_ms,
            "segmenter_ms": costs.segmenter_ms,
            "images": self._look.timed.images,
        } | time_facts(self._threads)
        document["examples"] = examples_of(ways[0], ids)
        return {"two_stage": document}

    def _classified(self, image: Image) -> float:
        """The probability of the classifier that is the gate; not a number without one."""
        if self._model.gate is None:
            return float("nan")
        began_s = perf_counter()
        probability = self._model.gate.probability(image)
        self._gate_times.add(perf_counter() - began_s)
        return probability

    def _has_fault(self, case: ScoredCase) -> bool:
        """Whether the evaluation takes the answer for a failure."""
        found = answer(
            case, self._model.classes, None, is_overlapping=self._model.card.is_overlapping
        )
        return isinstance(found, str)

    def _counted_ways(self) -> Sequence[WayCases]:
        counted = np.array(self._rows.counts, np.int64).reshape(-1, len(self._ways), 3)
        failed = np.array([each is None for each in self._rows.probabilities], bool)
        nothing = (float("nan"),) * len(self._ways)
        probabilities = np.array(
            [nothing if each is None else each for each in self._rows.probabilities]
        ).reshape(-1, len(self._ways))
        found = []
        for place, way in enumerate(self._ways):
            probability = probabilities[:, place]
            truth_px, predicted_px, hit_px = counted[:, place].T
            is_open = ~failed
            if way.gate_threshold is not None:
                is_open &= probability >= way.gate_threshold
            found.append(
                WayCases(
                    NAMES[way.gate],
                    way.gate,
                    way.gate_threshold,
                    way.cut,
                    way.minimum_area_px,
                    way.origin,
                    ImageCounts(truth_px, predicted_px, hit_px, failed),
                    probability,
                    is_open,
                )
            )
        return found
