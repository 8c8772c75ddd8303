"""Models whose mean counts, each alone beside the mean: what the others cost and gain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.types import Labels
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.members import (
    MEMBERS_RULE,
    ClassCounts,
    class_counts,
    counting_pixels,
    members_document,
)
from delineate.evaluation.settings import EvaluationSettings
from delineate.inference.looking import Seen, mean_look
from delineate.inference.model import Model
from delineate.inference.postprocess import labels_from_probability
from delineate.metrics.thresholds import Cut
from delineate.workflows.timed_models import TimedLook, time_facts

MEAN = "mean of the members"


class EvaluatedMembers:
    """Looks as the mean of the members does, and counts along what each would draw alone.

    Each is cut at its own threshold and minimum area, and once more at those of the mean, so that
    what averaging gains is told from what the choice of a threshold does. No gate has a part in it.
    """

    def __init__(
        self,
        model: Model,
        mean: Model,
        *,
        observer: str,
        threshold: float | None = None,
        threads: int | None = None,
        settings: EvaluationSettings,
    ) -> None:
        self._members, self._names = mean.members, mean.card.members
        self._looks = [TimedLook(each.look) for each in mean.members]
        self.look = TimedLook(mean_look(self._looks))
        self._observer, self._settings, self._threads = observer, settings, threads
        ungated = model.with_gate(None)
        cut = ungated.cut(None if model.card.gate else threshold)
        self._cuts: list[tuple[Cut, int]] = [
            (each.cut(), each.predict_settings.minimum_area_px) for each in mean.members
        ]
        self._mean_cut = (cut, ungated.predict_settings.minimum_area_px)
        self._model = model
        self._groups: list[str] = []
        self._counts: list[list[np.ndarray]] = []  # a case, of it (3, K) a member and the mean
        self._is_failed: list[bool] = []

    def add(self, case: ScoredCase) -> None:
        """Count a case that was looked at just now, or that could not be."""
        seen = [each.last for each in (*self._looks, self.look)]
        counting = counting_pixels(case, self._observer)
        if counting is None:
            return  # without a truth it has no score
        truth, area = counting
        is_failed = case.failure is not None or any(each is None for each in seen)
        self._groups.append(case.group)
        self._is_failed.append(is_failed)
        cuts = [*self._cuts, *[self._mean_cut] * (len(self._members) + 1)]
        looked = [*seen[:-1], *seen]  # each member at its own cut, then all at that of the mean
        self._counts.append(
            [
                class_counts(
                    truth,
                    np.zeros_like(truth) if is_failed or each is None else _labels(each, cut),
                    area,
                    self._model.classes,
                    is_overlapping=self._model.card.is_overlapping,
                )
                for each, cut in zip(looked, cuts, strict=True)
            ]
        )

    def finish(self, folder: Path) -> dict[str, Any]:
        """What `evaluation.json` says of the members; there are no files of theirs."""
        if not self._groups:
            return {}
        counted, failed = np.array(self._counts), np.array(self._is_failed)
        rows = [
            {
                "name": name,
                "parameters": parameters,
                "milliseconds_an_image": look.timed.milliseconds,
                "threshold": cut,
                "minimum_area_px": minimum_area_px,
            }
            for name, parameters, look, (cut, minimum_area_px) in zip(
                (*self._names, MEAN),
                self._parameters(),
                (*self._looks, self.look),
                (*self._cuts, self._mean_cut),
                strict=True,
            )
        ]
        by_member = np.moveaxis(counted, 2, 0)  # (3, n, members and mean, K)
        counts = [
            ClassCounts(truth_px, predicted_px, hit_px, failed)
            for truth_px, predicted_px, hit_px in np.moveaxis(by_member, 2, 0)
        ]
        members = len(self._members)
        document = members_document(
            rows,
            own=counts[:members],
            at_one_cut=counts[members:-1],
            mean=counts[-1],
            groups=self._groups,
            settings=self._settings,
        )
        document |= {
            "rules": [MEMBERS_RULE],
            "observer": self._observer,
            "times": {"images": self.look.timed.images} | time_facts(self._threads),
        }
        return {"members": document}

    def _parameters(self) -> list[int]:
        """Those of each member, and of all together."""
        of_each = [each.card.parameters for each in self._members]
        return [*of_each, sum(of_each)]


def _labels(seen: Seen, cut: tuple[Cut, int]) -> Labels:
    threshold, minimum_area_px = cut
    return labels_from_probability(
        seen.probability, threshold=threshold, minimum_area_px=minimum_area_px
    )
