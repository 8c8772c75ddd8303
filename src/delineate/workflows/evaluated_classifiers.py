"""Classifiers whose mean counts, each alone beside the mean: what the others cost and gain."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from delineate.core.types import Image
from delineate.evaluation.classification import ClassifiedCase
from delineate.evaluation.classifier_members import classifier_members_document
from delineate.evaluation.settings import EvaluationSettings
from delineate.inference.classifier import ImageClassifier
from delineate.workflows.evaluated_members import MEAN
from delineate.workflows.timed_models import Timed, time_facts


class EvaluatedClassifiers:
    """Answers as the mean of the members does, and keeps what each of them said."""

    def __init__(self, classifier: ImageClassifier, *, settings: EvaluationSettings) -> None:
        self._classifier, self._settings = classifier, settings
        self._times = [Timed() for _ in classifier.members]
        self._whole = Timed()
        self._last: list[float] = []
        self._said: list[list[float]] = []
        self._truths: list[bool] = []
        self._groups: list[str] = []

    def probabilities(self, images: Sequence[Image]) -> list[float]:
        """The mean of what the members say; an image at a time."""
        (image,) = images
        self._last = []
        first_s = perf_counter()
        for member, timed in zip(self._classifier.members, self._times, strict=True):
            began_s = perf_counter()
            self._last.append(member.probability(image))
            timed.add(perf_counter() - began_s)
        self._whole.add(perf_counter() - first_s)
        return [float(np.mean(self._last))]

    def add(self, case: ClassifiedCase) -> None:
        """Keep what was said of a case just now; one without answer or truth has no part."""
        if case.truth is None or case.probability is None:
            return
        self._said.append([*self._last, case.probability])
        self._truths.append(case.truth)
        self._groups.append(case.group)

    def document(self) -> dict[str, Any]:
        """What `evaluation.json` says of the members; nothing where no case counts."""
        if not self._said:
            return {}
        members, names = self._classifier.members, self._classifier.card.members
        parameters = [each.card.parameters for each in members]
        rows = [
            {
                "name": name,
                "parameters": count,
                "milliseconds_an_image": timed.milliseconds,
                "threshold": threshold,
            }
            for name, count, timed, threshold in zip(
                (*names, MEAN),
                (*parameters, sum(parameters)),
                (*self._times, self._whole),
                (*(each.threshold for each in members), self._classifier.threshold),
                strict=True,
            )
        ]
        found = classifier_members_document(
            rows,
            np.array(self._said),
            np.array(self._truths),
            self._groups,
            settings=self._settings,
        )
        return {"members": found | {"times": {"images": self._whole.images} | time_facts(None)}}
