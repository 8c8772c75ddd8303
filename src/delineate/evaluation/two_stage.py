"""A gate before a segmenter, image by image: who lost what, and what the gate was good for.

All from counts of foreground pixels, (n,) arrays over the images. Scores are the Kaggle Dice: an
image without true and predicted foreground counts 1 (SIIM-ACR Pneumothorax Segmentation, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
Flags = NDArray[np.bool_]

KAGGLE_RULE = (
    "mean of the images' Dice, an image without true and predicted foreground counts 1, one of "
    "the two alone 0, a failed one 0 (Kaggle, SIIM pneumothorax 2019)"
)
CURVE_POINTS = 200
FAILED = "failed"
MISSED_BY_GATE, MISSED_BY_SEGMENTER = "missed by the gate", "missed by the segmenter"
OUTLINED, FALSE_ALARM = "outlined", "false alarm"
CLOSED_RIGHTLY, NOTHING_DRAWN = "rightly kept back", "let through, nothing drawn"
OUTCOMES = (
    FAILED,
    MISSED_BY_GATE,
    MISSED_BY_SEGMENTER,
    OUTLINED,
    FALSE_ALARM,
    CLOSED_RIGHTLY,
    NOTHING_DRAWN,
)


@dataclass(frozen=True)
class ImageCounts:
    """Foreground pixels of n images: the truth's, the prediction's, and those of both.

    A failed image has no prediction and scores 0, whatever its truth.
    """

    truth_px: Whole
    predicted_px: Whole
    hit_px: Whole
    is_failed: Flags

    def __post_init__(self) -> None:
        """Refuse arrays that cannot be of the same images."""
        shapes = {each.shape for each in (self.truth_px, self.predicted_px, self.hit_px)}
        if shapes != {(len(self.is_failed),)}:
            raise ValueError(f"expected one figure an image, found arrays of shapes {shapes}")
        if (self.hit_px > np.minimum(self.truth_px, self.predicted_px)).any():
            raise ValueError("hit_px: expected no more than truth and prediction hold")

    @property
    def is_present(self) -> Flags:
        """(n,) whether the truth holds any foreground."""
        return self.truth_px > 0

    @property
    def is_drawn(self) -> Flags:
        """(n,) whether the prediction does; a failed image has none."""
        return (self.predicted_px > 0) & ~self.is_failed

    @property
    def kaggle_dice(self) -> Real:
        """(n,) the score of each image."""
        both = self.truth_px + self.predicted_px
        ratio = np.divide(2.0 * self.hit_px, both, out=np.ones(len(both)), where=both > 0)
        return np.where(self.is_failed, 0.0, ratio)

    def behind(self, is_open: Flags) -> ImageCounts:
        """The same where the gate is open, and nothing predicted where it is closed."""
        nothing = np.zeros_like(self.predicted_px)
        return ImageCounts(
            self.truth_px,
            np.where(is_open, self.predicted_px, nothing),
            np.where(is_open, self.hit_px, nothing),
            self.is_failed,
        )


@dataclass(frozen=True)
class Part:
    """So many images, and what they take from a perfect mean of 1."""

    images: int
    loss: float


@dataclass(frozen=True)
class Losses:
    """Where the mean Kaggle Dice went: the losses of the parts add up to 1 less the mean.

    `present` and `absent` count the truths. Of the images that are `outlined`, their loss is what
    their outlines lack; `beside` of them touch no true pixel, and `dice_of_outlined` is their own
    mean, None without any. `closed_rightly` and `nothing_drawn` are the absent ones without an
    alarm: those that the gate kept back, and those where the segmenter found nothing.
    """

    present: int
    absent: int
    missed_by_gate: Part
    missed_by_segmenter: Part
    outlined: Part
    false_alarms: Part
    failed: Part
    beside: int
    dice_of_outlined: float | None
    closed_rightly: int
    nothing_drawn: int


def outcomes_of(counts: ImageCounts, is_open: Flags) -> list[str]:
    """What became of each image, of n, in the words of `OUTCOMES`."""
    present, drawn = counts.is_present, counts.is_drawn
    rules = (
        counts.is_failed,
        present & ~is_open,
        present & ~drawn,
        present,
        drawn,
        ~is_open,
        np.ones(len(present), bool),
    )
    return [OUTCOMES[place] for place in np.argmax(np.stack(rules), axis=0)]


def losses_of(counts: ImageCounts, is_open: Flags) -> Losses:
    """The parts of the images by truth, gate and prediction; each image stands in one of them."""
    lost, present = 1.0 - counts.kaggle_dice, counts.is_present
    outcome = np.array(outcomes_of(counts, is_open), dtype=object)

    def part(name: str) -> Part:
        where = outcome == name
        return Part(int(where.sum()), float(lost[where].sum() / max(len(lost), 1)))

    outlined = outcome == OUTLINED
    return Losses(
        present=int(present.sum()),
        absent=int((~present).sum()),
        missed_by_gate=part(MISSED_BY_GATE),
        missed_by_segmenter=part(MISSED_BY_SEGMENTER),
        outlined=part(OUTLINED),
        false_alarms=part(FALSE_ALARM),
        failed=part(FAILED),
        beside=int((outlined & (counts.hit_px == 0)).sum()),
        dice_of_outlined=mean_or_none(counts.kaggle_dice[outlined]),
        closed_rightly=part(CLOSED_RIGHTLY).images,
        nothing_drawn=part(NOTHING_DRAWN).images,
    )


@dataclass(frozen=True)
class GateEffect:
    """What a gate changed, all else left as it is: images and shares of the mean Kaggle Dice.

    `alarms_spared` were absent and would have been drawn on; `finds_lost` were present and would
    have been touched. `net` is gain less cost: the mean with the gate less that without.
    """

    alarms_spared: int
    gained: float
    finds_lost: int
    cost: float

    @property
    def net(self) -> float:
        """What the mean gained by the gate; below zero where it lost."""
        return self.gained - self.cost


def gate_effect(ungated: ImageCounts, is_open: Flags) -> GateEffect:
    """The gate against none, from what the segmenter draws on every image at the same cut."""
    score, images = ungated.kaggle_dice, max(len(is_open), 1)
    shut = ~is_open & ~ungated.is_failed
    spared = shut & ~ungated.is_present & ungated.is_drawn
    lost = shut & ungated.is_present & (ungated.hit_px > 0)
    return GateEffect(
        alarms_spared=int(spared.sum()),
        gained=float((1.0 - score[spared]).sum() / images),
        finds_lost=int(lost.sum()),
        cost=float(score[lost].sum() / images),
    )


@dataclass(frozen=True)
class ImageVerdicts:
    """Images told apart by whether anything is drawn; None where there is none of that kind.

    `touched` is the share of present images of which the prediction touches a true pixel.
    """

    sensitivity: float | None
    touched: float | None
    specificity: float | None
    dice_of_present: float | None


def image_verdicts(counts: ImageCounts) -> ImageVerdicts:
    """Shares of present images drawn on and touched, and of absent ones left alone.

    A failed image is neither found nor rightly left alone.
    """
    present, fine = counts.is_present, ~counts.is_failed
    return ImageVerdicts(
        sensitivity=mean_or_none(counts.is_drawn[present]),
        touched=mean_or_none(((counts.hit_px > 0) & fine)[present]),
        specificity=mean_or_none((~counts.is_drawn & fine)[~present]),
        dice_of_present=mean_or_none(counts.kaggle_dice[present]),
    )


@dataclass(frozen=True)
class GateCurve:
    """Thresholds of the gate downwards; the first is None: above every probability, all shut."""

    threshold: tuple[float | None, ...]
    share_segmented: tuple[float, ...]
    kaggle_dice: tuple[float, ...]


def gate_curve(probability: Real, ungated: ImageCounts, *, points: int = CURVE_POINTS) -> GateCurve:
    """Share segmented and mean Kaggle Dice at each threshold of the gate, from all shut to open.

    (n,) probabilities of the gate; what is drawn behind it stays as it is, and failed images are
    never opened. At most so many points, evenly spaced among the distinct probabilities, the
    first and the last among them.
    """
    images, fine = len(probability), np.flatnonzero(~ungated.is_failed)
    shut = (~ungated.is_present & ~ungated.is_failed).astype(np.float64)
    order = fine[np.argsort(-probability[fine], kind="stable")]
    change = np.cumsum((ungated.kaggle_dice - shut)[order])
    ordered = probability[order]
    ends = np.flatnonzero(np.r_[np.diff(ordered) != 0, [True] * bool(len(order))])
    if len(ends) > points - 1:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, points - 1).round().astype(int))]
    start = float(shut.sum())
    return GateCurve(
        (None, *(float(value) for value in ordered[ends])),
        (0.0, *(float(value) for value in (ends + 1) / images)),
        (start / images, *(float(value) for value in (start + change[ends]) / images)),
    )


def mean_or_none(values: Real | Flags) -> float | None:
    """The mean, None of nothing."""
    return float(values.mean()) if values.size else None
