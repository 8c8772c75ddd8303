"""Where a photograph ends."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.data.opening import open_dataset
from delineate.data.phantoms.fundus import photograph
from delineate.data.reading import read_region
from delineate.files.image_files import read_image
from delineate.inference.field_of_view import agrees, background_outside, field_of_view


def _disc(size: int = 64, radius: int = 24) -> np.ndarray:
    """A bright disc with a dark spot in it on black, (H, W, 3)."""
    image = np.zeros((size, size, 3), np.uint8)
    cv2.circle(image, (size // 2, size // 2), radius, (180, 90, 40), -1)
    cv2.circle(image, (size // 2, size // 2), 5, (0, 0, 0), -1)
    return image


def test_the_dark_surround_is_outside_and_dark_spots_are_not() -> None:
    """Only what is dark and connected with the frame lies outside."""
    view = field_of_view(_disc())
    assert view is not None
    assert view[32, 32]
    assert not view[0, 0]
    assert not view[2, 32]


def test_the_rim_is_kept() -> None:
    """What is found is grown, so that no pixel of the disc is lost."""
    image = _disc()
    view = field_of_view(image)
    assert view is not None
    assert view[image.max(axis=2) > 0].all()


@pytest.mark.parametrize("level", [0, 120])
def test_an_image_that_fills_its_frame_has_no_surround(level: int) -> None:
    """A constant image, even a black one, has no field of view of its own."""
    assert field_of_view(np.full((40, 50, 1), level, np.uint8)) is None


def test_other_types_and_ranges_are_told_alike() -> None:
    """The same picture in 16 bits or as floats has the same field of view."""
    image = _disc()
    expected = field_of_view(image)
    for other in (image.astype(np.uint16) * 200, (image / 255).astype(np.float32)):
        assert (field_of_view(other) == expected).all()


def test_outside_becomes_background_of_either_kind() -> None:
    """One channel becomes 0, several become certain background; inside nothing changes."""
    image = _disc()
    view = field_of_view(image)
    assert view is not None
    one = background_outside(np.full((1, 64, 64), 0.7, np.float32), image)
    assert (one[0][~view] == 0).all()
    assert (one[0][view] == np.float32(0.7)).all()
    three = background_outside(np.full((3, 64, 64), 1 / 3, np.float32), image)
    assert (three[0][~view] == 1).all()
    assert (three[1:, ~view] == 0).all()
    assert np.allclose(three.sum(axis=0), 1)


def test_outside_nothing_is_there_of_classes_that_overlap() -> None:
    """No channel is the background, so that all of them become 0."""
    image = _disc()
    view = field_of_view(image)
    assert view is not None
    two = background_outside(np.full((2, 64, 64), 0.7, np.float32), image, is_overlapping=True)
    assert (two[:, ~view] == 0).all()
    assert (two[:, view] == np.float32(0.7)).all()


def test_a_region_that_is_something_else_does_not_agree() -> None:
    """Half a disc is no field of view, nor is anything where none is seen."""
    view = field_of_view(_disc())
    assert view is not None
    assert agrees(view, view)
    half = view.copy()
    half[:, :32] = False
    assert not agrees(view, half)
    assert not agrees(None, view)


def test_phantom_photographs_agree_with_their_region() -> None:
    """The drawn field of view of a fundus phantom is found in its pixels."""
    phantom = photograph(0, 21, size_px=(146, 141))
    assert agrees(field_of_view(phantom.image), phantom.region)


def test_drive_photographs_agree_with_their_regions(shared_data: Path) -> None:
    """On every training photograph of DRIVE the field of view stands for the region."""
    training = open_dataset(shared_data / "drive" / "DRIVE").only("train")
    assert len(training.samples) == 20
    for sample in training.samples:
        region = read_region(sample)
        assert region is not None
        assert agrees(field_of_view(read_image(sample.image)), region), sample.id
