"""Where the stages of a model are cut: chosen together on out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import DelineateError
from delineate.core.progress import Progress
from delineate.core.types import IGNORE
from delineate.data.listing import counted
from delineate.data.parallel import in_threads
from delineate.data.reading import read_truth
from delineate.data.sample import Dataset
from delineate.files.image_files import image_size
from delineate.inference.model_card import Gate, GateKind, OperatingPoint
from delineate.metrics.joint_choice import (
    Outcomes,
    Point,
    Reached,
    choose,
    cross_fitted,
    reached,
)
from delineate.metrics.mask_grid import MaskGrid, dice_on_grid
from delineate.metrics.operating_settings import OperatingSettings
from delineate.workflows.out_of_fold import OutOfFold

# Images whose sizes say which minimum areas are tried.
_SIZES = 300
CROSS_FITTED = "out of fold, each fold cut at what was chosen on the others"


@dataclass(frozen=True)
class Operated:
    """What was chosen with one kind of gate, or without: the point, and what it reaches.

    `reached` is of the images that it was chosen on; of `cross_fitted` each fold is cut at what
    was chosen on the others.
    """

    gate: GateKind | None
    point: Point
    reached: Reached
    cross_fitted: Reached
    rule: str
    score: float | None
    cross_fitted_score: float | None

    @property
    def name(self) -> str:
        """In words what looks first."""
        names = {"classifier": "two stages", "head": "the segmenter's own head as gate"}
        return "the segmenter without a gate" if self.gate is None else names[self.gate]

    @property
    def on_card(self) -> OperatingPoint:
        """The same, as a model card has it."""
        return OperatingPoint(
            gate=self.gate,
            gate_threshold=self.point.gate_threshold,
            threshold=self.point.threshold,
            minimum_area_px=self.point.minimum_area_px,
            objective=self.rule,
            score=self.score,
            cross_fitted_score=self.cross_fitted_score,
        )

    @property
    def document(self) -> dict[str, Any]:
        """All of it, in plain JSON values."""
        return self.on_card.model_dump(mode="json") | {
            "reached": asdict(self.reached),
            "cross_fitted": asdict(self.cross_fitted),
        }

    def as_gate(self, folder: str) -> Gate:
        """The gate of a model card, whose classifier lies in that folder."""
        assert self.point.gate_threshold is not None  # there is one with every gate
        return Gate(
            kind="classifier", folder=folder, threshold=self.point.gate_threshold, rule=self.rule
        )


def operated(
    dataset: Dataset,
    gate: Sequence[OutOfFold],
    segmenter: Sequence[OutOfFold],
    settings: OperatingSettings,
    progress: Progress,
) -> tuple[Operated, ...]:
    """What is best with the classifier as gate, without a gate, and with the segmenter's head.

    The head is left out where the segmenter has none. One image is held at a time, and of each
    only its Dice at every point of the grid is kept: about 1 kB.

    Raises:
        DelineateError: a mask or a map that cannot be read.
    """
    grid = MaskGrid.of_size(_median_size_px(segmenter))
    dice, is_positive = _looked_at(dataset, segmenter, grid, progress)
    folds = np.array([case.fold for case in segmenter])
    own = {case.id: case.presence for case in segmenter if case.presence is not None}
    said = {case.id: case.presence for case in gate if case.presence is not None}
    kinds: list[tuple[GateKind | None, Mapping[str, float] | None]] = [
        ("classifier", said),
        (None, None),
    ]
    if len(own) == len(segmenter):
        kinds.append(("head", own))
    found = []
    for kind, presences in kinds:
        presence = None
        if presences is not None:
            presence = np.array([presences[case.id] for case in segmenter])
        outcomes = Outcomes(grid, dice, is_positive, presence, always_segments=kind != "classifier")
        found.append(_operated(kind, outcomes, folds, settings))
    return tuple(found)


def _operated(
    kind: GateKind | None,
    outcomes: Outcomes,
    folds: NDArray[np.int64],
    settings: OperatingSettings,
) -> Operated:
    point = choose(outcomes, settings)
    here = reached(outcomes, point, settings.costs)
    across = cross_fitted(outcomes, folds, settings)
    return Operated(
        kind,
        point,
        here,
        across,
        _rule(outcomes, here, settings),
        here.score(settings),
        across.score(settings),
    )


def _looked_at(
    dataset: Dataset, cases: Sequence[OutOfFold], grid: MaskGrid, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Dice of each case at every point of the grid, and whether there is something to find."""
    samples = {sample.id: sample for sample in dataset.samples}
    observer = dataset.observers[0]

    def look(case: OutOfFold) -> tuple[NDArray[np.float32], bool]:
        labels, region = read_truth(dataset, samples[case.id], observer)
        is_counted = labels != IGNORE if region is None else region & (labels != IGNORE)
        truth = (labels == 1) & is_counted
        return dice_on_grid(case.probability[0], truth, is_counted, grid), bool(truth.any())

    shape = (len(cases), len(grid.thresholds), len(grid.minimum_areas_px))
    dice, is_positive = np.empty(shape, np.float32), np.empty(len(cases), bool)
    seen = in_threads(look, cases, label="thresholds", progress=progress)
    for at, (_, found) in enumerate(seen):
        if isinstance(found, DelineateError):
            raise found
        dice[at], is_positive[at] = found
    return dice, is_positive


def _median_size_px(cases: Sequence[OutOfFold]) -> int:
    """Pixels of an image in the middle, of at most 300 evenly spaced."""
    some = cases[:: max(1, -(-len(cases) // _SIZES))]
    sizes = [image_size(case.maps[0]) for case in some]
    return int(np.median([height * width for height, width in sizes]))


def _rule(outcomes: Outcomes, here: Reached, settings: OperatingSettings) -> str:
    """What was chosen for, among what, and on which images, in words."""
    images = counted(len(outcomes.dice), "image")
    among = (
        f"on out-of-fold predictions of {images}, over every threshold of a gate, {outcomes.grid}"
    )
    return f"{_objective(outcomes, here, settings)}, {among}"


def _objective(outcomes: Outcomes, here: Reached, settings: OperatingSettings) -> str:
    if settings.objective == "kaggle_dice":
        return (
            "the highest mean Dice of the images, one without true and predicted foreground "
            "counting 1"
        )
    if settings.objective == "cost":
        costs = settings.costs
        return (
            f"the least mean cost of an image: {costs.miss:g} for one missed, "
            f"{costs.false_alarm:g} for a false alarm, {costs.outline:g} times what the Dice of a "
            f"found one lacks of 1, {costs.segmented:g} for a run of the segmenter"
        )
    negatives = int((~outcomes.is_positive).sum())
    rate, alarms = settings.false_alarm_rate, here.false_alarm_rate or 0.0
    most = int(np.floor(rate * negatives + 1e-9))
    if round(alarms * negatives) > most:
        return (
            f"the fewest false alarms, for none keeps them at {rate:.1%}: {alarms:.1%} of "
            f"{counted(negatives, 'image')} without anything to find"
        )
    return (
        "the most images found of those with something to find (any pixel of it), with false "
        f"alarms on at most {rate:.1%}, {most} of {counted(negatives, 'image')}, of the others"
    )
