"""Pixels for the eye."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from delineate.core.errors import SettingsError
from delineate.report.display import drawing, photograph, shrunk, to_rgb


def test_eight_bits_are_shown_as_they_are() -> None:
    """A uint8 grey image becomes three equal channels of the same values."""
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    shown = to_rgb(image)
    assert shown.shape == (16, 16, 3)
    assert (shown == image).all()


def test_sixteen_bits_are_windowed_between_percentiles() -> None:
    """The window's ends become black and white, its middle grey, and outliers do not stretch it."""
    values = np.linspace(1000, 3000, 1001).astype(np.uint16)
    image = np.concatenate([values, [0], [65535]]).astype(np.uint16)[None, :, None]
    shown = to_rgb(image)[0, :, 0]
    assert shown[0] == 0
    assert shown[1000] == 255
    assert abs(int(shown[500]) - 127) <= 2


def test_channels_share_one_window() -> None:
    """A dark channel stays darker than a bright one."""
    image = np.zeros((8, 8, 3), np.float32)
    image[..., 0] = np.linspace(0, 1, 64).reshape(8, 8)
    image[..., 1] = image[..., 0] / 2
    shown = to_rgb(image)
    assert shown[-1, -1, 0] == 255
    assert 120 < shown[-1, -1, 1] < 135
    assert shown[..., 2].max() == 0


def test_what_is_not_finite_is_black() -> None:
    """NaN and infinity are black and leave the rest as it would be."""
    image = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10, 1).copy()
    image[5, 5] = np.nan
    image[5, 6] = np.inf
    shown = to_rgb(image)
    assert shown[5, 5].tolist() == [0, 0, 0]
    assert shown[5, 6].tolist() == [0, 0, 0]
    assert shown[9, 9].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("fill", "grey"), [(0.0, 128), (7.5, 128), (np.nan, 0)])
def test_an_image_of_one_value_is_grey(fill: float, grey: int) -> None:
    """There is nothing to window in a constant image: it is mid-grey, or black without a number."""
    assert (to_rgb(np.full((4, 4, 1), fill, np.float32)) == grey).all()


def test_few_bright_pixels_do_not_vanish() -> None:
    """Where both percentiles are the same value, the whole range is shown."""
    image = np.zeros((100, 100), np.uint16)
    image[50, 50] = 900
    assert to_rgb(image)[50, 50, 0] == 255


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([np.uint8, np.uint16, np.float32]))
def test_native_size_is_kept(height: int, width: int, kind: type) -> None:
    """Whatever comes in, (H, W, 3) uint8 of the same size comes out."""
    shown = to_rgb(np.ones((height, width, 1), kind))
    assert shown.shape == (height, width, 3)
    assert shown.dtype == np.uint8


def test_channels_first_is_refused() -> None:
    """An array with its channels first is an error that says what was expected."""
    with pytest.raises(SettingsError, match=r"expected \(H, W\).*found \(3, 10, 10\)"):
        to_rgb(np.zeros((3, 10, 10), np.uint8))


def test_pictures_are_shrunk_but_never_enlarged() -> None:
    """The longer side meets the limit; a small picture stays as it is."""
    assert shrunk(np.zeros((100, 300, 3), np.uint8), 60).shape == (20, 60, 3)
    assert shrunk(np.zeros((10, 30, 3), np.uint8), 60).shape == (10, 30, 3)
    assert shrunk(np.zeros((1, 900, 3), np.uint8), 60).shape == (1, 60, 3)


def test_embedded_pictures_can_be_decoded_again() -> None:
    """A drawing survives its data URI without loss; a photograph keeps its size."""
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    made = drawing(rgb, "mask", "a mask", 100)
    kind, _, data = made.uri.partition(",")
    assert kind == "data:image/png;base64"
    assert (np.asarray(PillowImage.open(BytesIO(b64decode(data)))) == rgb).all()
    shown = photograph(rgb, "image", "an image", 15)
    assert shown.uri.startswith("data:image/jpeg;base64,")
    assert (shown.height_px, shown.width_px) == (10, 15)
