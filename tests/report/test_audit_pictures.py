"""The pictures of an audit."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from delineate.core.types import IGNORE, LabelClass, default_classes
from delineate.data.sample import Sample
from delineate.report.audit_content import CopyView, Look
from delineate.report.audit_pictures import (
    AGREEMENT,
    OUTLINE_ALPHA,
    TINT_ALPHA,
    Drawing,
    agreement_legend,
    marks_rgba,
    reduced_labels,
)
from delineate.report.display import Picture
from delineate.report.overlays import IGNORED_COLOUR

BINARY = default_classes(2)
DRAWING = Drawing(BINARY, 30)
MASKED = Sample("a", Path("a.png"), "7", {"1st": (Path("m.png"),)}, split="train")


def square(begin: int = 10, end: int = 30) -> np.ndarray:
    """A square of foreground in 40 x 60 pixels."""
    labels = np.zeros((40, 60), np.uint8)
    labels[begin:end, begin:end] = 1
    return labels


def grey(value: int = 90) -> np.ndarray:
    """An even picture."""
    return np.full((40, 60, 1), value, np.uint8)


def pixels_of(picture: Picture | None) -> np.ndarray:
    """What an embedded picture holds."""
    assert picture is not None
    data = b64decode(picture.uri.partition(",")[2])
    return np.asarray(PillowImage.open(BytesIO(data)))


def test_a_sample_is_a_reduced_picture_with_its_mask_as_a_layer() -> None:
    """Image and mask have one size and lie on each other, and details name subject and split."""
    shown = DRAWING.sample(MASKED, Look(grey(), square()))
    assert shown.details == ("subject 7", "train")
    assert shown.remark == ""
    assert pixels_of(shown.picture).shape == (20, 30, 3)
    marks = pixels_of(shown.marks)
    assert marks.shape == (20, 30, 4)
    assert marks[10, 10].tolist() == [*BINARY[1].colour, TINT_ALPHA]
    assert marks[5, 10].tolist() == [*BINARY[1].colour, OUTLINE_ALPHA]
    assert marks[0, 0, 3] == 0


@pytest.mark.parametrize(
    ("look", "remark"),
    [
        (Look(grey(), square() * 0), "its mask is empty"),
        (Look(grey(), square() * 0 + IGNORE), "its mask is empty"),
        (Look(grey(), np.ones((4, 9), np.uint8)), "its mask has another size, 4x9 px"),
        (Look(grey(), None, "m.png: cut short"), "m.png: cut short"),
        (Look(None, None, "a.png: cut short"), "a.png: cut short"),
        (Look(None), "it cannot be read"),
    ],
)
def test_what_cannot_be_seen_is_said(look: Look, remark: str) -> None:
    """Empty masks, masks of another size and unreadable files have their words."""
    assert DRAWING.sample(MASKED, look).remark == remark


def test_a_sample_without_a_mask_says_so_after_its_own_words() -> None:
    """The words of a copy come first."""
    shown = DRAWING.sample(Sample("b", Path("b.png")), Look(grey()), words="turned left")
    assert shown.remark == "turned left; no mask"
    assert shown.marks is None


def test_the_mask_difference_has_a_colour_for_each_outcome() -> None:
    """Pixels of both, of the first and of the other mask are coloured as the legend says."""
    drawing = Drawing(BINARY, 60)
    shown = drawing.mask_difference(
        Look(grey(), square(10, 30)), Look(grey(), square(18, 38)), CopyView("b")
    )
    assert shown is not None
    assert shown.remark == "both 144 px, only the first 256 px, only the other 256 px"
    marks = pixels_of(shown.marks)
    for place, outcome in (((24, 24), 1), ((13, 13), 2), ((35, 35), 3)):
        assert tuple(marks[place][:3]) == AGREEMENT[outcome].colour


def test_there_is_no_mask_difference_without_two_masks_that_fit() -> None:
    """A missing mask or one of another size is not compared."""
    good = Look(grey(), square())
    for other in (Look(grey()), Look(grey(), np.ones((4, 9), np.uint8)), Look(None)):
        assert DRAWING.mask_difference(good, other, CopyView("b")) is None
        assert DRAWING.mask_difference(other, good, CopyView("b")) is None


def test_the_image_difference_is_amplified_and_grey_where_unknown() -> None:
    """Its name states the factor; what the copy does not show is neither black nor white."""
    other = Look(grey(91)[:, :30])
    shown = Drawing(BINARY, 60).image_difference(Look(grey(90)), other, CopyView("b"))
    assert shown is not None
    assert (shown.name, shown.remark) == (
        "image difference × 64",
        "on average 1 grey levels a pixel",
    )
    pixels = pixels_of(shown.picture)
    assert pixels[20, 10].tolist() == pytest.approx([64, 64, 64], abs=3)
    assert pixels[20, 50].tolist() == pytest.approx(list(IGNORED_COLOUR), abs=3)


def test_thin_lines_survive_being_reduced() -> None:
    """A line of one pixel is still there at half the size; background does not grow over it."""
    labels = np.zeros((40, 60), np.uint8)
    labels[21] = 3
    assert (reduced_labels(labels, (20, 30)) == 3).any()
    assert reduced_labels(labels, (40, 60)) is labels


def test_classes_that_meet_are_told_apart_by_an_edge() -> None:
    """The border between two classes is drawn, and what is unknown is even grey."""
    classes = default_classes(3)
    labels = np.ones((20, 20), np.uint8)
    labels[:, 10:] = 2
    labels[15:] = IGNORE
    rgba = marks_rgba(labels, classes, 40)
    assert rgba[5, 9].tolist() == [*classes[1].colour, OUTLINE_ALPHA]
    assert rgba[5, 10].tolist() == [*classes[2].colour, OUTLINE_ALPHA]
    assert rgba[5, 4].tolist() == [*classes[1].colour, 40]
    assert {tuple(pixel) for pixel in rgba[15:].reshape(-1, 4)} == {(*IGNORED_COLOUR, 150)}


def test_the_legend_has_another_class_only_where_there_are_several() -> None:
    """A binary task cannot disagree about the class."""
    assert "of another class in each" not in [one.words for one in agreement_legend(BINARY)]
    three = (*BINARY, LabelClass(2, "b", (1, 2, 3)))
    assert "of another class in each" in [one.words for one in agreement_legend(three)]
