"""Label maps whose classes overlap, compared class by class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from delineate.auditing.masks.joint_labels import joint_labels
from delineate.auditing.masks.mask_comparison import compare
from delineate.auditing.masks.mask_facts import mask_facts
from delineate.auditing.masks.mask_shapes import shapes_of
from delineate.auditing.masks.reachable import reachable
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE
from delineate.data.opening import open_dataset

CODES = hnp.arrays(np.uint8, (2, 3, 4), elements=st.integers(0, 7) | st.just(IGNORE))


def bits(labels: np.ndarray, index: int) -> np.ndarray:
    """One class alone, unknown where the codes are."""
    own = is_class(labels, index, is_overlapping=True).astype(np.uint8)
    return np.where(labels == IGNORE, IGNORE, own).astype(np.uint8)


def test_dice_counted_by_hand() -> None:
    """Class 1 agrees on one of two pixels each, class 2 on all."""
    first = np.array([[0b01, 0b11, 0b10, 0]], np.uint8)
    second = np.array([[0, 0b11, 0b11, 0]], np.uint8)
    found = compare(first, second, is_overlapping=True)
    assert found is not None
    assert found.dice == {1: pytest.approx(0.5), 2: 1.0}
    assert found.foreground_dice == pytest.approx(4 / 5)
    assert found.differing_px == 2


@given(CODES)
def test_each_class_is_compared_as_if_alone(pair: np.ndarray) -> None:
    """Dice of a class, with and without tolerance, is that of the two masks of this class."""
    first, second = pair
    found = compare(first, second, is_overlapping=True)
    joint = joint_labels([first, second], is_overlapping=True)
    if found is None:
        assert ((first == IGNORE) | (second == IGNORE)).all()
        return
    assert set(found.dice) == set(joint.classes)
    for index, dice in found.dice.items():
        alone = compare(bits(first, index), bits(second, index))
        assert alone is not None
        assert dice == pytest.approx(alone.dice[1])


@given(CODES)
def test_unexplained_pixels_are_those_of_all_classes(pair: np.ndarray) -> None:
    """What resampling does not explain is counted for each class and added up."""
    first, second = pair
    found = compare(first, second, tolerance_px=1.0, is_overlapping=True)
    if found is None:
        return
    alone = [
        compare(bits(first, index), bits(second, index), tolerance_px=1.0) for index in (1, 2, 3)
    ]
    if found.differing_px:
        assert found.unexplained_px == sum(each.unexplained_px for each in alone if each)


@given(CODES)
def test_the_best_is_reached_class_by_class(pair: np.ndarray) -> None:
    """Classes that may overlap are answered each by itself: the mean of their own bests."""
    best = reachable(list(pair), is_overlapping=True)
    joint = joint_labels(list(pair), is_overlapping=True)
    if best is None or not joint.classes:
        return
    alone = [reachable([bits(each, index) for each in pair]) for index in joint.classes]
    assert best.lower == pytest.approx(np.mean([each.lower for each in alone if each]))
    assert best.upper == pytest.approx(np.mean([each.upper for each in alone if each]))


def test_shapes_of_classes_that_lie_on_each_other() -> None:
    """Each class has its whole area, that which another covers too."""
    labels = np.zeros((6, 6), np.uint8)
    labels[1:5, 1:5] |= 1
    labels[2:4, 2:4] |= 4
    labels[0, 0] = IGNORE
    present = np.unique(labels).tolist()
    shapes = shapes_of(labels, present, is_overlapping=True)
    assert [(shape.numbers[0], shape.numbers[1]) for shape in shapes] == [(1, 16), (3, 4)]
    assert shapes[0].numbers[5] == 0  # the vessel is no hole in the organ


def test_facts_of_masks_that_overlap(tmp_path: Path) -> None:
    """Foreground counts each pixel once; areas, holes and borders are those of each class."""
    organ, vessel = np.zeros((2, 8, 8), np.uint8)
    organ[0:6, 1:7], vessel[2:4, 2:4] = 255, 255
    for folder, values in (
        ("images", organ // 2),
        ("masks/organ", organ),
        ("masks/vessel", vessel),
    ):
        (tmp_path / folder).mkdir(parents=True)
        for name in "ab":
            Image.fromarray(values).save(tmp_path / folder / f"{name}.png")
    facts = mask_facts(open_dataset(tmp_path, overlapping=True))
    assert facts.problems == ()
    assert facts.masks["foreground_px"].tolist() == [36, 36]
    assert facts.masks["border_px"].tolist() == [[6, 0, 0, 0]] * 2
    assert facts.shapes["label"].tolist() == [1, 2, 1, 2]
    assert facts.shapes["area_px"].tolist() == [36, 4, 36, 4]
    assert facts.shapes["holes"].tolist() == [0, 0, 0, 0]
    assert str(facts.encodings["reference"]) == "binary"
