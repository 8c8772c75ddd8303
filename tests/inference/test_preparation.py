"""From an image as read to network input, and from probability to labels at native size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import SettingsError
from delineate.core.seeds import stream
from delineate.inference.postprocess import labels_from_probability, without_small_objects
from delineate.inference.preparation import (
    Preparation,
    fit_preparation,
    resize_image,
    resize_labels,
    resize_probability,
    with_channels,
)
from delineate.inference.segmenter import segmenter
from delineate.inference.settings import PredictSettings, PrepareSettings

PLAIN = PrepareSettings()
STILL = Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.25,))


def pictures(dtype, channels: int, low: float, high: float) -> list[np.ndarray]:
    """Three random images between low and high, both of which occur."""
    rng = stream(1, "pictures")
    made = [rng.uniform(low, high, (30, 41, channels)).astype(dtype) for _ in range(3)]
    made[0][0, 0], made[2][-1, -1] = low, high
    return made


def test_bytes_keep_their_full_range():
    """Eight bits are mapped by 0 to 255, whatever range the training images use."""
    preparation = fit_preparation(pictures(np.uint8, 3, 40, 90), PLAIN)
    assert preparation.full_range == (0, 255)
    assert preparation.channels == 3


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [(np.uint16, 300, 4095), (np.float32, -1000.0, 400.0)]
)
def test_other_types_take_the_range_of_the_training(dtype, low, high):
    """Sixteen bits and floats are mapped by the extremes over all training images."""
    preparation = fit_preparation(pictures(dtype, 1, low, high), PLAIN)
    assert preparation.full_range == (low, high)
    unit = preparation.unit(pictures(dtype, 1, low, high)[0])
    assert 0 <= unit.min() <= unit.max() <= 1
    assert unit.dtype == np.float32


def test_twelve_bits_are_doubted_by_a_model_of_eight():
    """Whole images of 16 bits are not, nor is anything of the type of training."""
    twelve = pictures(np.uint16, 1, 0, 4095)[2]
    assert "end at 4095 of 65535" in (STILL.doubt(twelve) or "")
    assert STILL.unit(twelve).max() < 0.07
    assert STILL.doubt(pictures(np.uint16, 1, 0, 60000)[0]) is None
    assert STILL.doubt(np.zeros((8, 8, 1), np.uint8)) is None
    of_twelve = fit_preparation(pictures(np.uint16, 1, 0, 4095), PLAIN)
    assert of_twelve.doubt(twelve) is None
    assert of_twelve.doubt(pictures(np.uint8, 1, 0, 255)[0]) is None


@pytest.mark.parametrize(("dtype", "high"), [(np.uint8, 255), (np.uint16, 9000), (np.float32, 2)])
@pytest.mark.parametrize("channels", [1, 3])
def test_training_images_come_out_standard(dtype, channels, high):
    """Over the training images each channel has mean 0 and deviation 1."""
    images = pictures(dtype, channels, 0, high)
    preparation = fit_preparation(images, PLAIN)
    prepared = np.concatenate([preparation(each).reshape(channels, -1) for each in images], 1)
    assert prepared.dtype == np.float32
    assert prepared.mean(axis=1) == pytest.approx(0, abs=1e-4)
    assert prepared.std(axis=1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-7])
def test_constant_images_stay_finite(value):
    """Images of one value come out as 0, and another value not as an enormous number."""
    images = [np.full((50, 51, 1), value, np.float32)] * 3
    preparation = fit_preparation(images, PLAIN)
    assert np.abs(preparation(images[0])).max() < 1e-5
    assert np.abs(preparation(images[0] + 0.5)).max() < 10


def test_grey_files_of_three_equal_channels_are_grey():
    """RGB files that hold only grey are worked on as one channel, unless told otherwise."""
    images = [np.repeat(each, 3, axis=2) for each in pictures(np.uint8, 1, 0, 255)]
    assert fit_preparation(images, PLAIN).channels == 1
    assert fit_preparation(images, PrepareSettings(channels="colour")).channels == 3
    colour = pictures(np.uint8, 3, 0, 255)
    assert fit_preparation(colour, PLAIN).channels == 3
    assert fit_preparation(colour, PrepareSettings(channels="grey")).channels == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_and_colour_change_into_each_other(dtype):
    """Grey is repeated to colour; grey colour comes back by luma; pure red counts 0.299."""
    grey = pictures(dtype, 1, 0, 200)[0]
    colour = with_channels(grey, 3)
    assert colour.shape == (30, 41, 3)
    assert colour.dtype == dtype
    assert np.abs(with_channels(colour, 1).astype(float) - grey).max() < 1e-3
    red = np.array([[[200, 0, 0]]], dtype)
    assert with_channels(red, 1).item() == pytest.approx(59.8, abs=0.21)


@pytest.mark.parametrize("shape", [(5, 5, 4), (5, 5, 2), (5, 5, 3, 1)])
def test_other_numbers_of_channels_are_refused(shape):
    """An alpha channel is not repeated, nor mixed into the grey."""
    with pytest.raises(SettingsError, match="found"):
        STILL(np.zeros(shape, np.uint8))


UNFIT = [
    (np.zeros((0, 5), np.uint8), r"expected at least one pixel, found shape \(0, 5"),
    (np.zeros((5, 0, 3), np.uint8), "expected at least one pixel"),
    (np.zeros((8, 9), np.int64), r"expected one of the types uint8, .*found int64; convert"),
    (np.zeros((8, 9), bool), "found bool; convert"),
    (np.full((8, 9), np.nan, np.float32), "expected finite values, found 72 of 72 that are not"),
    (np.full((2, 2), np.inf), "expected finite values, found 4 of 4"),
]


@pytest.mark.parametrize(("image", "message"), UNFIT)
@pytest.mark.parametrize("pixel_type", ["uint8", "float32"])
def test_arrays_that_are_no_pictures_are_refused(image, message, pixel_type):
    """Nothing, other types and numbers that are none are named, whatever the model learnt from."""
    preparation = STILL.model_copy(update={"pixel_type": pixel_type})
    with pytest.raises(SettingsError, match=message):
        preparation(image[..., None] if image.ndim == 2 else image)


@given(height=st.integers(1, 4000), width=st.integers(1, 4000), longest=st.integers(16, 1000))
def test_longest_side_keeps_the_shape(height, width, longest):
    """Only larger images are reduced, to that very side, in proportion but for rounding."""
    preparation = STILL.model_copy(update={"longest_side_px": longest})
    rows, columns = preparation.working_size_px((height, width))
    if max(height, width) <= longest:
        assert (rows, columns) == (height, width)
    else:
        assert max(rows, columns) == longest
        scale = longest / max(height, width)
        assert abs(rows - height * scale) <= 1
        assert abs(columns - width * scale) <= 1
        assert min(rows, columns) >= 1


@pytest.mark.parametrize("working", [{"longest_side_px": 40}, {"size_px": (32, 64)}, {}])
def test_probability_comes_back_at_native_size(working):
    """Whatever the working size, a smooth picture passes through to its own size."""
    preparation = Preparation(
        channels=1, full_range=(0, 255), mean=(0.0,), deviation=(1.0,), **working
    )
    rows, columns = np.mgrid[:83, :57]
    image = (100 + rows + columns).astype(np.uint8)
    segment = segmenter(lambda images: images, preparation, PredictSettings(), 1)
    (probability,) = segment([image])
    assert probability.shape == (1, 83, 57)
    assert probability.dtype == np.float32
    # Half a reduced pixel is lost at the border.
    assert np.abs(probability[0] * 255 - image).max() < (3.5 if working else 1e-3)
    assert (segment([image[..., None]])[0] == probability).all()


def test_labels_are_never_mixed_by_resizing():
    """Resized labels hold only values that were there."""
    labels = stream(2, "labels").choice(np.array([0, 3, 255], np.uint8), (37, 41))
    for size_px in [(20, 20), (74, 82), (38, 40), (1, 1)]:
        resized = resize_labels(labels, size_px)
        assert resized.shape == size_px
        assert set(np.unique(resized)) <= {0, 3, 255}
    assert (resize_labels(labels, (37, 41)) == labels).all()


def test_image_and_labels_stay_aligned():
    """An edge lies at the same place in image and labels at working size."""
    labels = np.zeros((96, 96), np.uint8)
    labels[:, 48:] = 1
    image = (labels * 200)[..., None]
    small = resize_image(image, (32, 32))[..., 0] > 100
    assert (small == resize_labels(labels, (32, 32))).all()


def test_probabilities_of_classes_still_sum_to_one():
    """Resizing each channel linearly keeps the sum."""
    raw = stream(3, "p").random((3, 20, 30), np.float32)
    resized = resize_probability(raw / raw.sum(axis=0), (45, 33))
    assert resized.sum(axis=0) == pytest.approx(1, abs=1e-5)


def test_threshold_itself_is_foreground():
    """A pixel at the threshold counts; several classes take the highest."""
    probability = np.array([[[0.2, 0.5, 0.7]]], np.float32)
    assert labels_from_probability(probability, threshold=0.5).tolist() == [[0, 1, 1]]
    classes = np.array([[[0.2, 0.5]], [[0.3, 0.1]], [[0.5, 0.4]]], np.float32)
    assert labels_from_probability(classes, threshold=None).tolist() == [[2, 0]]


def test_small_objects_go_by_class():
    """Objects of a class below the minimum become background; corners connect."""
    labels = np.array(
        [
            [1, 0, 0, 0, 2],
            [0, 1, 0, 0, 2],
            [0, 0, 0, 0, 2],
            [1, 0, 2, 0, 0],
            [1, 0, 0, 0, 1],
        ],
        np.uint8,
    )
    kept = without_small_objects(labels, 3)
    assert (kept == np.where(np.arange(5)[None] * (labels == 2) == 4, labels, 0)).all()
    assert (without_small_objects(labels, 2)[:2, :2] == labels[:2, :2]).all()
    assert (without_small_objects(labels, 1) == labels).all()


def test_touching_classes_are_apart():
    """Two classes side by side are two objects, each judged by its own area."""
    labels = np.array([[1, 2, 2, 2]], np.uint8)
    assert without_small_objects(labels, 2).tolist() == [[0, 2, 2, 2]]


def test_small_objects_of_overlapping_classes_leave_the_others():
    """A pixel loses the class whose object is small there, and keeps what else it belongs to."""
    codes = np.array([[0b01, 0b01, 0b11, 0b10, 0b00, 0b10]], np.uint8)
    kept = without_small_objects(codes, 2, is_overlapping=True)
    assert kept.tolist() == [[0b01, 0b01, 0b11, 0b10, 0, 0]]
    assert without_small_objects(codes, 3, is_overlapping=True).tolist() == [[1, 1, 1, 0, 0, 0]]
    assert without_small_objects(codes, 4, is_overlapping=True).tolist() == [[0] * 6]


def test_thresholds_of_overlapping_classes_come_with_their_smallest_objects():
    """Probability of two classes that overlap becomes codes, small objects of each taken away."""
    probability = np.array([[[0.6, 0.7, 0.2]], [[0.1, 0.8, 0.1]]], np.float32)
    found = labels_from_probability(probability, threshold=(0.5, 0.5))
    assert found.tolist() == [[0b01, 0b11, 0]]
    found = labels_from_probability(probability, threshold=(0.5, 0.5), minimum_area_px=2)
    assert found.tolist() == [[0b01, 0b01, 0]]
