"""Objects found and missed, as COCO counts them: by how far their masks cover each other.

Masks are kept as the run lengths of pycocotools, so that those of a whole data set fit memory.

Source: Lin et al., Microsoft COCO: Common Objects in Context (ECCV 2014), and the evaluation
that goes with it, pycocotools' COCOeval, which counts here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Mask
from delineate.metrics.score import Score, undefined

# COCO counts no more objects of one class in one image, those of highest score.
MOST_OBJECTS = 100
MATCH_IOU = 0.5
COCO_RULE = (
    f"mean over IoU thresholds and classes; at most {MOST_OBJECTS} objects of a class in an "
    "image; precision is read at 101 levels of recall, where it is a falling step function"
)
_NO_OBJECT = "the truth holds no object"

Runs = Mapping[str, Any]


@dataclass(frozen=True)
class EncodedObject:
    """One object as run lengths of pycocotools, with the score that ranks it."""

    label: int
    runs: Runs
    score: float = 1.0
    is_crowd: bool = False


@dataclass(frozen=True)
class ObjectCase:
    """The true and the predicted objects of one image."""

    truth: Sequence[EncodedObject]
    predicted: Sequence[EncodedObject]


@dataclass(frozen=True)
class Matches:
    """Objects of one class: found ones, those missed, and predicted ones that are none."""

    found: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: Matches) -> Matches:
        """Both together."""
        return Matches(
            self.found + other.found, self.missed + other.missed, self.false + other.false
        )

    @property
    def truth(self) -> int:
        """Objects of the truth."""
        return self.found + self.missed

    @property
    def predicted(self) -> int:
        """Predicted objects, without those that lie in a crowd."""
        return self.found + self.false


@dataclass(frozen=True)
class CocoScores:
    """Average precision over IoU 0.50 to 0.95, at 0.50 and at 0.75, and average recall."""

    ap: Score
    ap50: Score
    ap75: Score
    ar100: Score


def encoded(mask: Mask) -> Runs:
    """(H, W) mask as run lengths."""
    from pycocotools import mask as coco

    runs: Runs = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return runs


def components(
    mask: Mask, label: int, probability: NDArray[np.float32] | None = None
) -> list[EncodedObject]:
    """The connected components (8 neighbours) of a mask, in the order of OpenCV.

    The score is the mean of the (H, W) probability inside, 1 where there is none.
    """
    from pycocotools import mask as coco

    count, found = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    places = np.asarray(found, np.int32)
    if count <= 1:
        return []
    scores = np.ones(count)
    if probability is not None:
        flat = places.ravel()
        total = np.bincount(flat, probability.ravel().astype(np.float64), minlength=count)
        scores = total / np.bincount(flat, minlength=count)
    size = [int(length) for length in mask.shape]
    drawn = [{"size": size, "counts": counts} for counts in _run_lengths(places, count)]
    return [
        EncodedObject(label, runs, float(min(1.0, score)))
        for runs, score in zip(coco.frPyObjects(drawn, *size), scores[1:], strict=True)
    ]


def matches(truth: Sequence[EncodedObject], predicted: Sequence[EncodedObject]) -> Matches:
    """Objects of one class in one image that cover each other with an IoU of at least 0.5.

    Each predicted object, the highest score first, takes the true object that it covers best
    among those that are free. One that lies in a crowd, with half of its own area, counts as
    nothing, and nor does the crowd.
    """
    from pycocotools import mask as coco

    crowds = [one.runs for one in truth if one.is_crowd]
    single = [one.runs for one in truth if not one.is_crowd]
    near = _Near(single)
    is_free = np.ones(len(single), np.bool_)
    found = false = 0
    for one in sorted(predicted, key=lambda one: -one.score):
        fitting = near.to(one.runs, is_free)
        if fitting:
            is_free[max(fitting, key=fitting.__getitem__)] = False
            found += 1
        elif not crowds or (coco.iou([one.runs], crowds, [1] * len(crowds)) < MATCH_IOU).all():
            false += 1
    return Matches(found, len(single) - found, false)


class _Near:
    """True objects, looked up without comparing masks that cannot cover each other by half."""

    def __init__(self, objects: Sequence[Runs]) -> None:
        from pycocotools import mask as coco

        self._coco, self._objects = coco, objects
        boxes = np.asarray(coco.toBbox(list(objects)), np.float64).reshape(-1, 4)
        self._low, self._high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
        # One by one: pycocotools 2.0.11 fails on the areas of more than 255 at once.
        self._area = np.array([float(coco.area(one)) for one in objects])

    def to(self, runs: Runs, is_free: Mask) -> dict[int, float]:
        """The places of free objects that cover this one by an IoU of at least 0.5, and the IoU."""
        box, area = self._coco.toBbox(runs), float(self._coco.area(runs))
        low, high = box[:2], box[:2] + box[2:]
        touches = ((self._low < high) & (self._high > low)).all(axis=1)
        # The IoU is at most the ratio of the areas.
        is_alike = np.minimum(area, self._area) >= MATCH_IOU * np.maximum(area, self._area)
        places = np.flatnonzero(touches & is_alike & is_free)
        if not places.size:
            return {}
        others = [self._objects[int(place)] for place in places]
        covered = np.asarray(self._coco.iou([runs], others, [0] * len(others)))[0]
        return {
            int(place): float(iou)
            for place, iou in zip(places, covered, strict=True)
            if iou >= MATCH_IOU
        }


def coco_scores(cases: Iterable[ObjectCase], labels: Sequence[int]) -> dict[int, CocoScores]:
    """Average precision and recall of each class over all images, by pycocotools."""
    precision, recall, thresholds = _accumulated(list(cases), labels)
    return {
        label: CocoScores(
            ap=_mean(precision[:, :, place]),
            ap50=_mean(precision[thresholds == 0.5, :, place]),
            ap75=_mean(precision[thresholds == 0.75, :, place]),
            ar100=_mean(recall[:, place]),
        )
        for place, label in enumerate(labels)
    }


def _run_lengths(places: NDArray[np.int32], count: int) -> Iterator[list[int]]:
    """For each component the lengths of runs outside and inside, column after column."""
    flat = places.ravel(order="F")
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    ends = np.r_[starts[1:], flat.size]
    owners = flat[starts]
    order = np.argsort(owners, kind="stable")
    edges = np.searchsorted(owners[order], np.arange(1, count + 1))
    for low, high in pairwise(edges):
        own = order[low:high]
        turns = np.stack([starts[own], ends[own]], axis=1).ravel()
        yield np.diff(np.r_[0, turns, flat.size]).tolist()


def _accumulated(
    cases: list[ObjectCase], labels: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision (thresholds, recalls, classes), recall (thresholds, classes), and thresholds."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images = [{"id": number, **_size(case)} for number, case in enumerate(cases, start=1)]
    categories = [{"id": int(label)} for label in labels]
    with redirect_stdout(StringIO()):  # it prints what it does
        sides = []
        for is_truth in (True, False):
            side = COCO()
            rows = [
                _annotation(one, number)
                for number, case in enumerate(cases, start=1)
                for one in (case.truth if is_truth else case.predicted)
            ]
            # An id of 0 would read as "no match".
            for number, row in enumerate(rows, start=1):
                row["id"] = number
            side.dataset = {"images": images, "categories": categories, "annotations": rows}
            side.createIndex()
            sides.append(side)
        judge = COCOeval(*sides, iouType="segm")
        judge.params.maxDets = [MOST_OBJECTS]
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    precision, recall = judge.eval["precision"], judge.eval["recall"]
    return precision[..., 0, 0], recall[..., 0, 0], np.round(judge.params.iouThrs, 2)


def _size(case: ObjectCase) -> dict[str, int]:
    """COCOeval wants to know it wherever there is an object."""
    sizes = [one.runs["size"] for one in (*case.truth, *case.predicted)] or [(0, 0)]
    return {"height": int(sizes[0][0]), "width": int(sizes[0][1])}


def _annotation(one: EncodedObject, image: int) -> dict[str, Any]:
    from pycocotools import mask as coco

    return {
        "image_id": image,
        "category_id": int(one.label),
        "segmentation": one.runs,
        "area": float(coco.area(one.runs)),
        "iscrowd": int(one.is_crowd),
        "score": float(one.score),
    }


def _mean(values: NDArray[np.float64]) -> Score:
    """COCO marks with -1 what has no object in truth."""
    known = values[values > -1]
    return Score(float(known.mean())) if known.size else undefined(_NO_OBJECT)
