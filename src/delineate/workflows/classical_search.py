"""Which parameters of a method without a network do best on the training images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from delineate.classical.method import Case, Method
from delineate.classical.settings import ClassicalSettings
from delineate.core.progress import Progress
from delineate.core.seeds import stream
from delineate.core.types import IGNORE
from delineate.inference.model_card import Tried
from delineate.metrics.thresholds import best_dice_threshold
from delineate.training.validate import METRICS, Judged

# Every second pixel of every second row: enough to rank parameters by.
_STEP = 2


@dataclass(frozen=True)
class Found:
    """The best method, what was tried of so many combinations, and on how many images."""

    method: Method
    tried: tuple[Tried, ...]
    combinations: int
    images: int

    @property
    def best(self) -> Tried:
        """What was tried and is the best, the first of equals."""
        return max(self.tried, key=lambda each: each.score)


def searched(
    settings: ClassicalSettings,
    cases: Sequence[Case],
    *,
    classes: int,
    metric: str,
    seed: int,
    has_time: Callable[[float], bool],
    progress: Progress,
) -> Found:
    """The method under the parameters of highest score, the first of equals.

    Each combination learns from the cases and is scored on them at working size. Before each but
    the first `has_time` is asked with the seconds that one is to be allowed; where it says no the
    best so far is taken.

    Raises:
        LayoutError: cases from which nothing can be learnt.
    """
    candidates = settings.candidates(len(cases[0].tones))
    best: Method | None = None
    tried: list[Tried] = []
    longest_s = 0.0
    with progress.bar("parameters", len(candidates)) as bar:
        for parameters in candidates:
            if tried and not has_time(longest_s):
                break
            began_s = monotonic()
            rng = stream(seed, "classical", len(tried))
            method = settings.kind.learn(cases, parameters, classes=classes, rng=rng)
            score = training_score(method, cases, metric)
            longest_s = max(longest_s, monotonic() - began_s)
            if not tried or score > max(each.score for each in tried):
                best = method
            tried.append(Tried(parameters=parameters.model_dump(), score=score))
            bar.reach(len(tried), f"{metric.replace('_', ' ')} {score:.4f}")
    assert best is not None  # there is always a first candidate
    return Found(best, tuple(tried), len(candidates), len(cases))


def training_score(method: Method, cases: Sequence[Case], metric: str) -> float:
    """The score on training cases: of one soft channel at its best threshold, else as it is cut."""
    judged = [_judged(method, case) for case in cases]
    if not method.is_soft or len(judged[0][0]) > 1:
        return METRICS[metric](judged)
    choice = best_dice_threshold(
        [probability for probability, _ in judged],
        [(labels == 1).astype(np.uint8) for _, labels in judged],
        [labels != IGNORE for _, labels in judged],
        pooled=metric != "mean_dice",
    )
    return choice.score or 0.0


def _judged(method: Method, case: Case) -> Judged:
    labels = np.where(case.view, case.labels, np.uint8(IGNORE))
    probability = method.probability(case.tones, case.view)
    return probability[:, ::_STEP, ::_STEP], labels[::_STEP, ::_STEP]
