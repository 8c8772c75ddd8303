"""Copies of a picture: what is told of each of them is what was done."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.auditing.pictures.orientation import inverse, orientation_matrix, oriented
from delineate.core.seeds import stream
from delineate.data.phantoms import copies
from delineate.data.phantoms.copies import COPIES, TURNS, Copy
from delineate.data.phantoms.picture import Picture

SIZE = (84, 116)
DRAWS = range(12)


def _picture(number: int, *, channels: int = 1) -> Picture:
    """Smooth enough to be compared after a resize, with a disc as its mask."""
    rng = stream(0, "test picture", number)
    noise = rng.standard_normal((*SIZE, 3), dtype=np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 4) * 400 + 128
    image = np.clip(soft, 0, 255).astype(np.uint8)
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (60, 40), 17, 255, -1)
    return Picture(image if channels == 3 else np.ascontiguousarray(image[..., 0]), mask)


def _made(kind: str, number: int, *, channels: int = 1) -> tuple[Picture, Copy]:
    picture = _picture(number, channels=channels)
    return picture, COPIES[kind](stream(1, kind, number), picture)


def _laid_back(pixels: np.ndarray, copy: Copy, how: int) -> np.ndarray:
    matrix = np.array(copy.evidence["matrix"]).reshape(2, 3)
    return cv2.warpAffine(pixels, matrix, SIZE[::-1], flags=how | cv2.WARP_INVERSE_MAP)


def _shown(copy: Copy) -> np.ndarray:
    """Where the copy shows the picture: not outside of it, not in what falls free by a shift."""
    inside = np.ones(copy.picture.image.shape[:2], np.uint8)
    seen = _laid_back(inside, copy, cv2.INTER_NEAREST) > 0
    return cv2.erode(seen.astype(np.uint8), np.ones((5, 5)), borderValue=0) > 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", COPIES)
def test_the_matrix_lays_the_copy_back_on_the_picture(kind: str, channels: int) -> None:
    """Image and mask agree with those of the picture wherever the copy shows it."""
    for number in DRAWS:
        picture, copy = _made(kind, number, channels=channels)
        shown = _shown(copy)
        assert shown.mean() > 0.6
        back = _laid_back(copy.picture.image, copy, cv2.INTER_LINEAR)
        likeness = np.corrcoef(back[shown].ravel(), picture.image[shown].ravel())[0, 1]
        # Half a pixel aside would cost a correlation of 0.004.
        assert likeness > (0.97 if kind in ("recompressed_twin", "toned_twin") else 0.999)
        mask = _laid_back(copy.picture.mask, copy, cv2.INTER_NEAREST)
        assert set(np.unique(copy.picture.mask)) <= {0, 255}
        assert (mask != picture.mask)[shown].mean() < 0.01


@pytest.mark.parametrize("kind", COPIES)
def test_every_copy_differs_from_its_picture(kind: str) -> None:
    """In its pixels or in its size, and says so in words and figures."""
    for number in DRAWS:
        picture, copy = _made(kind, number)
        assert not np.array_equal(copy.picture.image, picture.image)
        assert copy.words
        assert len(copy.evidence) >= 2


@given(seed=st.integers(0, 2**20), channels=st.sampled_from([1, 3]), level=st.integers(0, 255))
def test_noise_has_the_distance_that_is_told(seed: int, channels: int, level: int) -> None:
    """Between the thresholds 100 and 1000, exactly, in luminance and at the ends of the range."""
    rng = stream(seed, "pixels")
    shape = (40, 50, 3) if channels == 3 else (40, 50)
    image = np.clip(rng.integers(-9, 10, shape) + level, 0, 255).astype(np.uint8)
    copy = copies.noisy(stream(seed, "noise"), Picture(image, None))
    first, second = (
        cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) if channels == 3 else each
        for each in (image, copy.picture.image)
    )
    distance = int(np.abs(first.astype(int) - second).sum())
    assert distance == copy.evidence["distance"]
    assert 100 < distance < 1000


def test_turns_carry_the_names_of_the_audit() -> None:
    """What was done, and what undoes it, are orientations of the audit."""
    seen = set()
    for number in DRAWS:
        picture, copy = _made("turned_twin", number)
        name, undone_by = copy.evidence["orientation"], copy.evidence["undone_by"]
        assert np.array_equal(copy.picture.image, oriented(picture.image, name))
        assert np.array_equal(copy.picture.mask, oriented(picture.mask, name))
        assert undone_by == inverse(name)
        there = orientation_matrix(undone_by, copy.picture.image.shape)
        assert np.allclose(np.ravel(there), copy.evidence["matrix"])
        seen.add(name)
    assert seen == set(TURNS)


def test_tone_follows_the_formula_that_is_told() -> None:
    """Gain, offset and gamma give the copy from the picture, pixel by pixel."""
    for number in DRAWS:
        picture, copy = _made("toned_twin", number)
        gain, offset, gamma = (float(copy.evidence[key]) for key in ("gain", "offset", "gamma"))
        linear = np.clip((gain * picture.image.astype(float) + offset) / 255, 0, 1)
        assert np.array_equal(copy.picture.image, np.rint(255 * linear**gamma).astype(np.uint8))
        assert copy.evidence["mean_difference"] > 1


def test_crops_keep_at_least_85_percent_of_a_side() -> None:
    """Some stay as small as they are, some are enlarged to the old size."""
    for number in DRAWS:
        _, copy = _made("cropped_twin", number)
        for side, key in zip(SIZE, ("height_px", "width_px"), strict=True):
            assert 0.845 * side <= copy.evidence[key] <= 0.975 * side
        assert (copy.picture.image.shape == SIZE) is copy.evidence["is_resized_back"]
    kinds = {_made("cropped_twin", number)[1].evidence["is_resized_back"] for number in DRAWS}
    assert kinds == {True, False}


def test_shifts_stay_within_15_percent_and_take_every_fill() -> None:
    """The size stays; what comes in at the sides is black, repeated, mirrored or wrapped."""
    fills = set()
    for number in range(24):
        picture, copy = _made("shifted_twin", number)
        rows, columns = copy.evidence["shift_rows_px"], copy.evidence["shift_columns_px"]
        assert 1 <= abs(rows) <= 0.16 * SIZE[0]
        assert 2 <= abs(columns) <= 0.16 * SIZE[1]
        assert copy.picture.image.shape == SIZE
        if copy.evidence["fill"] == "wrap":
            rolled = np.roll(picture.image, (rows, columns), (0, 1))
            assert np.array_equal(copy.picture.image, rolled)
        fills.add(copy.evidence["fill"])
    assert fills == set(copies.FILLS)


def test_bars_are_even_and_outside_of_the_content() -> None:
    """The told bars hold one grey level in the image and no foreground in the mask."""
    for number in DRAWS:
        _, copy = _made("letterboxed_twin", number)
        height, width = copy.picture.image.shape
        top, bottom, left, right = (
            int(copy.evidence[f"{side}_px"]) for side in ("top", "bottom", "left", "right")
        )
        assert top + bottom + left + right > 0
        bars = np.ones((height, width), bool)
        bars[top : height - bottom, left : width - right] = False
        assert (copy.picture.image[bars] == copy.evidence["level"]).all()
        assert not copy.picture.mask[bars].any()
