"""Objects are matched and ranked as pycocotools does it, called by itself on the same masks."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage.measure import label as skimage_label

from delineate.metrics.objects import (
    EncodedObject,
    Matches,
    ObjectCase,
    coco_scores,
    components,
    encoded,
    matches,
)


def box(rows: slice, columns: slice, **fields: object) -> EncodedObject:
    """A rectangle in 20 x 20 pixels, of class 1 unless said."""
    mask = np.zeros((20, 20), bool)
    mask[rows, columns] = True
    return EncodedObject(int(fields.pop("label", 1)), encoded(mask), **fields)


def random_labels(random: np.random.Generator, classes: int = 4) -> np.ndarray:
    """Rectangles of several classes on top of each other in 48 x 64 pixels."""
    labels = np.zeros((48, 64), np.uint8)
    for _ in range(14):
        row, column = random.integers(0, 40), random.integers(0, 52)
        height, width = random.integers(3, 14, 2)
        labels[row : row + height, column : column + width] = random.integers(0, classes)
    return labels


def oracle_objects(labels: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Class and mask of each component, found by scikit-image."""
    found = []
    for index in range(1, 4):
        places = skimage_label(labels == index, connectivity=2)
        found += [(index, places == number) for number in range(1, places.max() + 1)]
    return found


def oracle_case(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A truth, a disturbed copy of it, and a probability."""
    truth = random_labels(random)
    predicted = np.roll(truth, random.integers(-1, 2, 2), (0, 1))
    predicted[random.random(truth.shape) < 0.02] = 0
    return truth, predicted, random.random(truth.shape, np.float32)


def oracle_of(cases: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> np.ndarray:
    """AP, AP50, AP75 and AR100 of each class by COCO's own summary, one class at a time."""
    images = [{"id": 1 + n, "height": 48, "width": 64} for n in range(len(cases))]
    truths, results = [], []
    for number, (truth, predicted, probability) in enumerate(cases, start=1):
        for index, mask in oracle_objects(truth):
            runs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
            truths.append(
                {"id": len(truths) + 1, "image_id": number, "category_id": index, "iscrowd": 0,
                 "segmentation": runs, "area": int(mask.sum())}
            )  # fmt: skip
        for index, mask in oracle_objects(predicted):
            runs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
            score = float(probability[mask].astype(np.float64).mean())
            results.append(
                {"image_id": number, "category_id": index, "segmentation": runs, "score": score}
            )
    with redirect_stdout(StringIO()):
        api = COCO()
        api.dataset = {"images": images, "annotations": truths,
                       "categories": [{"id": index} for index in (1, 2, 3)]}  # fmt: skip
        api.createIndex()
        judge = COCOeval(api, api.loadRes(results), "segm")
        found = []
        for index in (1, 2, 3):
            judge.params.catIds = [index]
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
            found.append(judge.stats[[0, 1, 2, 8]])
    return np.array(found)


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_and_recall_are_those_of_pycocotools(seed: int) -> None:
    """On random label maps every class has the figures of COCOeval with its own defaults."""
    random = np.random.default_rng(seed)
    cases = [oracle_case(random) for _ in range(6)]
    own = [
        ObjectCase(
            [one for k in (1, 2, 3) for one in components(truth == k, k)],
            [one for k in (1, 2, 3) for one in components(predicted == k, k, probability)],
        )
        for truth, predicted, probability in cases
    ]
    found = coco_scores(own, [1, 2, 3])
    ours = [[found[k].ap, found[k].ap50, found[k].ap75, found[k].ar100] for k in (1, 2, 3)]
    values = np.array([[score.value for score in row] for row in ours], float)
    assert values == pytest.approx(oracle_of(cases), abs=1e-12)
    assert 0.05 < values.mean() < 0.95


# Decoding in pycocotools 2.0.11 meets NumPy 2 in a way that NumPy warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@settings(deadline=None, max_examples=60)
@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_components_are_those_of_scikit_image(mask: np.ndarray) -> None:
    """Each component is decoded to the pixels that scikit-image gives it, with 8 neighbours."""
    places = skimage_label(mask, connectivity=2)
    theirs = {(places == number).tobytes() for number in range(1, places.max() + 1)}
    ours = [coco.decode(dict(one.runs)).astype(bool) for one in components(mask, 3)]
    assert {one.tobytes() for one in ours} == theirs
    assert len(ours) == len(theirs)


def test_the_score_is_the_mean_probability_inside() -> None:
    """Two objects have the means of their own pixels; without probability both have 1."""
    mask = np.array([[True, True, False, True]])
    probability = np.array([[0.2, 0.4, 1.0, 0.7]], np.float32)
    found = components(mask, 1, probability)
    assert [one.score for one in found] == pytest.approx([0.3, 0.7])
    assert [one.score for one in components(mask, 1)] == [1.0, 1.0]


def test_objects_are_counted_by_hand() -> None:
    """One is found, one is missed, one is false: the far one, and the one that covers a third."""
    truth = [box(slice(0, 4), slice(0, 4)), box(slice(10, 14), slice(0, 4))]
    predicted = [box(slice(0, 4), slice(0, 3)), box(slice(12, 16), slice(0, 4))]
    found = matches(truth, predicted)
    assert found == Matches(found=1, missed=1, false=1)
    assert (found.truth, found.predicted) == (2, 2)


def test_half_is_enough() -> None:
    """An IoU of exactly one half matches, as in COCO; a pixel less does not."""
    truth = [box(slice(0, 2), slice(0, 4))]
    assert matches(truth, [box(slice(0, 2), slice(0, 2))]).found == 1
    mask = np.zeros((20, 20), bool)
    mask[0:2, 0:2] = True
    mask[0, 0] = False
    assert matches(truth, [EncodedObject(1, encoded(mask))]).found == 0


def test_one_true_object_is_found_once() -> None:
    """Of two predicted objects over one true one, the one of higher score has it."""
    truth = [box(slice(0, 4), slice(0, 4))]
    twice = [box(slice(0, 4), slice(0, 4), score=0.2), box(slice(0, 4), slice(0, 3), score=0.9)]
    assert matches(truth, twice) == Matches(found=1, missed=0, false=1)


def test_crowds_count_for_nothing() -> None:
    """A prediction inside a crowd is no false alarm, and the crowd is not missed."""
    crowd = box(slice(0, 10), slice(0, 10), is_crowd=True)
    inside, outside = box(slice(2, 4), slice(2, 4)), box(slice(12, 14), slice(2, 4))
    assert matches([crowd], [inside]) == Matches()
    assert matches([crowd], [inside, outside]) == Matches(false=1)
    assert matches([crowd], []) == Matches()
    [scores] = coco_scores([ObjectCase([crowd], [inside])], [1]).values()
    assert scores.ap.value is None


@pytest.mark.parametrize("seed", range(5))
def test_matching_is_that_of_coco(seed: int) -> None:
    """Found and false objects of random boxes, crowds among them, are COCOeval's at IoU 0.5."""
    random = np.random.default_rng(seed)
    sides: list[list[EncodedObject]] = [[], []]
    for place in range(40):
        row, column = random.integers(0, 15, 2)
        height, width = random.integers(2, 6, 2)
        sides[place % 2].append(
            box(
                slice(row, row + height), slice(column, column + width),
                score=float(random.random()), is_crowd=place % 2 == 0 and random.random() < 0.2,
            )
        )  # fmt: skip
    truth, predicted = sides
    with redirect_stdout(StringIO()):
        apis = []
        for side in sides:
            api = COCO()
            rows = [
                {"id": n, "image_id": 1, "category_id": 1, "segmentation": one.runs,
                 "area": float(coco.area(one.runs)), "iscrowd": int(one.is_crowd),
                 "score": one.score}
                for n, one in enumerate(side, start=1)
            ]  # fmt: skip
            images = [{"id": 1, "height": 20, "width": 20}]
            api.dataset = {"images": images, "annotations": rows, "categories": [{"id": 1}]}
            api.createIndex()
            apis.append(api)
        judge = COCOeval(*apis, "segm")
        judge.evaluate()
    theirs = judge.evalImgs[0]
    is_ignored = theirs["dtIgnore"][0].astype(bool)
    hit = theirs["dtMatches"][0] > 0
    found = matches(truth, predicted)
    assert found.found == int((hit & ~is_ignored).sum())
    assert found.false == int((~hit & ~is_ignored).sum())
    assert found.truth == int((theirs["gtIgnore"] == 0).sum())


def test_a_class_that_nobody_holds_is_undefined() -> None:
    """Without true objects a class has no average precision, whatever was predicted."""
    case = ObjectCase([box(slice(0, 4), slice(0, 4))], [box(slice(0, 4), slice(0, 4), label=2)])
    found = coco_scores([case], [1, 2])
    assert found[1].ap.value == 0.0
    assert found[2].ap.value is None
    assert found[2].ap.why_undefined == "the truth holds no object"


def test_many_objects_are_counted_all() -> None:
    """Three hundred objects in an image are found, though COCO's recall ends at a hundred."""
    mask = np.zeros((60, 60), bool)
    mask[::3, ::4] = True
    objects = components(mask, 1)
    assert matches(objects, objects) == Matches(found=300)
    [scores] = coco_scores([ObjectCase(objects, objects)], [1]).values()
    assert scores.ar100.value == pytest.approx(100 / 300)
