"""Overlays: every colour where it belongs, at native size."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from delineate.core.errors import SettingsError, SizeMismatchError
from delineate.core.types import IGNORE, LabelClass, default_classes
from delineate.report.overlays import (
    DIMMED,
    PALETTES,
    class_legend,
    class_overlay,
    labels_to_rgb,
    legend,
    outline,
    overlay,
)

GREY = np.full((6, 8, 1), 100, np.uint8)
TRUTH = np.zeros((6, 8), np.uint8)
TRUTH[1:5, 0:4] = 1
PREDICTION = np.zeros((6, 8), np.uint8)
PREDICTION[1:5, 2:6] = 1

# Vienot, Brettel and Mollon (1999) in linear RGB, as tabulated by Machado, Oliveira and
# Fernandes (2009) for severity 1.
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
                   (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


def linear(colour: tuple[int, int, int]) -> np.ndarray:
    """sRGB in linear light."""
    share = np.asarray(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB under D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(light, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", sorted(PALETTES))
def test_opaque_marks_have_the_colours_of_the_legend(name: str) -> None:
    """With full opacity hit, missed and false pixels have exactly their legend's colours."""
    drawn = overlay(GREY, TRUTH, PREDICTION, palette=name, opacity=1.0)
    hit, missed, false = legend(name)
    assert tuple(drawn[2, 3]) == hit.colour
    assert tuple(drawn[2, 0]) == missed.colour
    assert tuple(drawn[2, 5]) == false.colour


def test_named_palettes_have_their_hues() -> None:
    """Nerve is purple, yellow, green; vessel misses blue and errs red; pneumothorax green, red."""

    def strongest(colour: tuple[int, int, int]) -> str:
        return "".join(
            name for name, value in zip("rgb", colour, strict=True) if value > 0.6 * max(colour)
        )

    hues = {name: tuple(strongest(entry.colour) for entry in legend(name)) for name in PALETTES}
    assert hues["nerve"] == ("rb", "rg", "g")
    assert hues["vessel"] == ("rgb", "b", "r")
    assert hues["pneumothorax"] == ("rg", "g", "r")


@pytest.mark.parametrize("name", sorted(set(PALETTES) - {"vessel"}))
def test_the_image_stays_where_nothing_is_marked(name: str) -> None:
    """A pixel that is neither true nor predicted keeps its value."""
    assert (overlay(GREY, TRUTH, PREDICTION, palette=name)[0] == 100).all()


def test_vessels_lie_on_a_darker_grey_image() -> None:
    """The vessel palette takes the colour from the image below and darkens it."""
    red = np.zeros((6, 8, 3), np.uint8)
    red[..., 0] = 200
    drawn = overlay(red, TRUTH, PREDICTION, palette="vessel")[0, 0]
    backdrop = PALETTES["vessel"].backdrop
    assert backdrop is not None
    assert drawn.tolist() == [round(200 * 0.299 * backdrop)] * 3


def test_half_opacity_mixes_image_and_colour() -> None:
    """A mark of opacity one half is the mean of the image and its colour."""
    drawn = overlay(GREY, TRUTH, PREDICTION, palette="nerve", opacity=0.5)
    expected = np.rint((100 + np.array(PALETTES["nerve"].hit.colour)) / 2)
    assert np.abs(drawn[2, 3] - expected).max() <= 1


def test_native_size_is_kept() -> None:
    """The overlay has the image's height and width, also for one row and odd sizes."""
    for size in ((1, 7), (33, 1), (580, 420)):
        zeros = np.zeros(size, np.uint8)
        assert overlay(np.zeros((*size, 3), np.uint8), zeros, zeros).shape == (*size, 3)


def test_outside_the_region_is_dim_and_without_marks() -> None:
    """Pixels outside the region are dimmed, whatever was predicted there."""
    region = np.zeros((6, 8), np.bool_)
    region[:, :4] = True
    drawn = overlay(GREY, TRUTH, PREDICTION, region=region, opacity=1.0)
    assert tuple(drawn[2, 5]) == (round(100 * DIMMED),) * 3
    assert tuple(drawn[2, 3]) == PALETTES["default"].hit.colour


def test_ignored_truth_carries_no_marks() -> None:
    """A prediction where the truth is not known is neither hit nor false."""
    truth = TRUTH.copy()
    truth[2, 5] = IGNORE
    drawn = overlay(GREY, truth, PREDICTION, opacity=1.0)
    assert tuple(drawn[2, 5]) == (round(100 * DIMMED),) * 3


def test_masks_and_labels_draw_the_same() -> None:
    """Booleans and any label but 0 are foreground."""
    from_bool = overlay(GREY, TRUTH.astype(bool), PREDICTION.astype(bool))
    assert (from_bool == overlay(GREY, TRUTH * 3, PREDICTION * 2)).all()


def test_sixteen_bit_images_can_be_drawn_on() -> None:
    """A 16-bit image is windowed first; the marks are the same colours."""
    image = np.linspace(0, 60000, 48).astype(np.uint16).reshape(6, 8, 1)
    drawn = overlay(image, TRUTH, PREDICTION, opacity=1.0)
    assert tuple(drawn[2, 0]) == PALETTES["default"].missed.colour


def test_the_inputs_are_left_alone() -> None:
    """Drawing changes neither the image nor the masks."""
    image, truth, prediction = GREY.copy(), TRUTH.copy(), PREDICTION.copy()
    overlay(image, truth, prediction, palette="vessel", region=truth.astype(bool))
    assert (image == GREY).all()
    assert (truth == TRUTH).all()
    assert (prediction == PREDICTION).all()


def test_an_unknown_palette_proposes_the_nearest() -> None:
    """A palette's misspelt name is answered with the nearest known one."""
    with pytest.raises(SettingsError, match="unknown palette 'vesel'; did you mean 'vessel'"):
        overlay(GREY, TRUTH, PREDICTION, palette="vesel")


def test_sizes_that_differ_are_refused() -> None:
    """A prediction at another size is an error that names both sizes."""
    with pytest.raises(SizeMismatchError, match=r"prediction: .*6 x 8.*found 3 x 4"):
        overlay(GREY, TRUTH, PREDICTION[::2, ::2])


def test_the_default_palette_can_be_told_apart_without_hue() -> None:
    """Its colours differ by 15 in lightness, and by 30 for each kind of colour blindness."""
    colours = [entry.colour for entry in legend()]
    for one, other in combinations(colours, 2):
        assert abs(lab(linear(one))[0] - lab(linear(other))[0]) > 15
        for matrix in BLINDNESS.values():
            seen = [lab(np.asarray(matrix) @ linear(colour)) for colour in (one, other)]
            assert np.linalg.norm(seen[0] - seen[1]) > 30


def test_the_false_area_of_the_default_palette_is_striped() -> None:
    """Large false areas alternate between two strengths, so that no colour is needed."""
    image = np.zeros((60, 60, 1), np.uint8)
    prediction = np.ones((60, 60), np.uint8)
    drawn = overlay(image, np.zeros_like(prediction), prediction)[20:40, 20:40]
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 2
    assert legend()[2].has_stripes


def test_an_outline_is_the_edge_of_the_mask() -> None:
    """The outline of a square is its border, and it lies inside the mask."""
    mask = np.zeros((9, 9), np.bool_)
    mask[2:7, 2:7] = True
    edge = outline(mask)
    assert edge.sum() == 16
    assert not (edge & ~mask).any()
    assert not edge[3:6, 3:6].any()


def test_classes_are_tinted_and_outlined() -> None:
    """A class's edge has its own colour, its inside a mixture, and background the image."""
    classes = (*default_classes(2), LabelClass(2, "vessel", (10, 20, 230)))
    labels = np.zeros((12, 12), np.uint8)
    labels[3:10, 3:10] = 2
    drawn = class_overlay(np.full((12, 12, 1), 100, np.uint8), labels, classes, opacity=0.5)
    assert tuple(drawn[3, 3]) == (10, 20, 230)
    assert np.abs(drawn[6, 6] - np.array([55, 60, 165])).max() <= 1
    assert tuple(drawn[0, 0]) == (100, 100, 100)


def test_classes_outside_the_region_are_not_drawn() -> None:
    """Outside the region there is only the dimmed image."""
    labels = np.ones((6, 8), np.uint8)
    region = np.zeros((6, 8), np.bool_)
    drawn = class_overlay(GREY, labels, default_classes(2), region=region)
    assert (drawn == round(100 * DIMMED)).all()


def test_labels_become_flat_colours() -> None:
    """Several classes have their colours, a single foreground is white, unknown pixels grey."""
    labels = np.array([[0, 1, 2, IGNORE]], np.uint8)
    classes = default_classes(3)
    drawn = labels_to_rgb(labels, classes)[0]
    assert [tuple(pixel) for pixel in drawn] == [
        (0, 0, 0),
        classes[1].colour,
        classes[2].colour,
        (128, 128, 128),
    ]
    assert labels_to_rgb(labels[:, :2], default_classes(2))[0, 1].tolist() == [255, 255, 255]


def test_a_label_without_class_is_refused() -> None:
    """A label beyond the classes is an error that names it."""
    with pytest.raises(SettingsError, match=r"expected class indices below 2, found \[7\]"):
        labels_to_rgb(np.array([[0, 7]], np.uint8), default_classes(2))


def test_legends_say_what_colours_mean() -> None:
    """Each legend has three different colours with words; of classes, the background has none."""
    for name in PALETTES:
        entries = legend(name)
        assert len({entry.colour for entry in entries}) == 3
        assert len({entry.words for entry in entries}) == 3
    assert [entry.words for entry in class_legend(default_classes(3))] == ["class 1", "class 2"]


def opened(path: Path) -> np.ndarray:
    """The values of a file, indices for a palette."""
    with PillowImage.open(path) as picture:
        return np.asarray(picture)


def test_a_real_photograph_is_drawn_at_its_size(shared_data: Path) -> None:
    """On a DRIVE photograph observer 2 hits, misses and errs in the three colours."""
    folder = shared_data / "drive" / "DRIVE" / "test"
    image = opened(folder / "images" / "01_test.tif")
    truth = opened(folder / "1st_manual" / "01_manual1.gif") > 0
    second = opened(folder / "2nd_manual" / "01_manual2.gif") > 0
    drawn = overlay(image, truth, second, palette="vessel", opacity=1.0)
    assert drawn.shape == (584, 565, 3)
    expected = (truth & second, truth & ~second, second & ~truth)
    for entry, where in zip(legend("vessel"), expected, strict=True):
        assert (drawn[where] == entry.colour).all()
        assert where.sum() > 1000


def test_a_prediction_beside_no_truth_has_a_colour():
    """It is drawn as a hit, but red where truth and prediction are green and red."""
    colours = {name: palette.prediction for name, palette in PALETTES.items()}
    assert colours["pneumothorax"] == PALETTES["pneumothorax"].false.colour == (230, 40, 40)
    for name in ("default", "nerve", "vessel"):
        assert colours[name] == PALETTES[name].hit.colour
