"""What a model says of one case, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from delineate.core.errors import SettingsError
from delineate.core.geometry import Size
from delineate.core.overlapping import classes_in, is_class
from delineate.core.types import IGNORE, Labels
from delineate.data.reading import read_case
from delineate.data.sample import TRAIN, VALIDATION, Dataset, Sample
from delineate.inference.model import Model
from delineate.metrics.counts import count
from delineate.metrics.overlap import overlap
from delineate.metrics.sureness import SURE, Share, contradiction, uncertainty
from delineate.workflows.held_back import HeldBack

WORST_RULE = (
    "Dice of the model's mask and the label, the mean over the classes that either holds; pixels "
    "of which nothing is known do not count, and neither do cases where both are empty"
)
SEEN = {
    TRAIN: "the model was trained on this very case, so it may have learnt what is wrong there",
    VALIDATION: "checkpoint and threshold of the model were chosen on this very case",
}


@dataclass(frozen=True)
class Looked:
    """What a model says of one case, in a few numbers.

    `contradicted` and `dice` are None without a label, and where they say nothing. `gate` is the
    probability that there is something to find, of a model that asks that first.
    """

    sample: str
    size_px: Size
    seen: str
    uncertain: Share
    contradicted: Share | None = None
    dice: float | None = None
    gate: float | None = None

    @property
    def doubt(self) -> float:
        """How unsure the model is, from 0 to 1: of pixels, or of whether there is anything."""
        if self.gate is None or max(self.gate, 1 - self.gate) >= SURE:
            return self.uncertain.value
        return max(self.uncertain.value, 1 - abs(2 * self.gate - 1))


@dataclass(frozen=True)
class Looker:
    """Looks at cases one by one; `observer` is whose labels count, None where nobody drew any.

    `is_own` says whether the model was made with these data.
    """

    dataset: Dataset
    observer: str | None
    model: Model
    held_back: HeldBack
    is_own: bool

    def __call__(self, sample: Sample) -> Looked:
        """What the model says of a case, and of its label where it has one.

        Raises:
            DelineateError: files that cannot be read, or a class that the model does not know.
        """
        case = read_case(self.dataset, sample, () if self.observer is None else (self.observer,))
        image, labels = case.image, next(iter(case.labels.values()), None)
        if labels is not None and case.region is not None:
            labels = np.where(case.region, labels, IGNORE)
        found = self.held_back.prediction(sample.id, image, self.model)
        seen = SEEN.get(sample.split or "", "") if self.is_own and found is None else ""
        if found is None:
            found = self.model.predict(image)
        is_overlapping = self.model.card.is_overlapping
        looked = Looked(
            sample.id,
            (image.shape[0], image.shape[1]),
            seen,
            uncertainty(found.probability, found.labels, is_overlapping=is_overlapping),
            gate=None if found.gate is None else found.gate.probability,
        )
        if labels is None:
            return looked
        _require_known_classes(sample, labels, self.model)
        contradicted = contradiction(
            found.probability, labels, found.labels, is_overlapping=is_overlapping
        )
        if found.gate is not None and max(looked.gate or 0.0, 1 - (looked.gate or 0.0)) < SURE:
            contradicted = replace(contradicted, px=0)  # who doubts whether, contradicts nothing
        dice = _dice(labels, found.labels, is_overlapping=is_overlapping)
        return replace(looked, contradicted=contradicted, dice=dice)


def _require_known_classes(sample: Sample, labels: Labels, model: Model) -> None:
    known = {each.index for each in model.classes}
    held = classes_in(labels, is_overlapping=model.card.is_overlapping)
    if not known.issuperset(held):
        raise SettingsError(
            f"its mask holds the class {max(held)}, and the model knows "
            f"{', '.join(each.name for each in model.classes)}; look at data of the same classes"
        )


def _dice(truth: Labels, predicted: Labels, *, is_overlapping: bool) -> float | None:
    """By `WORST_RULE`; None where both are empty."""
    is_known = truth != IGNORE
    held = {
        index
        for labels in (np.where(is_known, truth, 0), np.where(is_known, predicted, 0))
        for index in classes_in(labels.astype(np.uint8), is_overlapping=is_overlapping)
    }
    values = []
    for index in sorted(held):
        ours, theirs = (
            is_class(each, index, is_overlapping=is_overlapping) for each in (truth, predicted)
        )
        values.append(overlap("dice", count(ours, theirs, is_known)).value)
    defined = [each for each in values if each is not None]
    return float(np.mean(defined)) if defined else None
