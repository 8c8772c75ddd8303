"""Neck ultrasound phantoms: seeded, honest about where the nerve is, not too easy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from delineate.data.phantoms import ultrasound

SMALL = (126, 174)


def _contrast(frame: ultrasound.Frame, plain: ultrasound.Frame) -> float:
    """How much more the picture changes inside the mask than outside of it."""
    change = np.abs(frame.image.astype(float) - plain.image.astype(float))
    return float(change[frame.mask].mean() / (change[~frame.mask].mean() + 1e-9))


def test_same_seed_gives_the_same_frame() -> None:
    """A frame is a function of seed, subject and number."""
    one, two = (
        ultrasound.frame(ultrasound.anatomy(5, 3, SMALL), 2, has_nerve=True) for _ in range(2)
    )
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.mask, two.mask)


@pytest.mark.parametrize(("seed", "subject", "number"), [(6, 3, 2), (5, 4, 2), (5, 3, 1)])
def test_another_seed_subject_or_number_gives_another_frame(
    seed: int, subject: int, number: int
) -> None:
    """Nothing repeats by accident."""
    one = ultrasound.frame(ultrasound.anatomy(5, 3, SMALL), 2, has_nerve=True)
    other = ultrasound.frame(ultrasound.anatomy(seed, subject, SMALL), number, has_nerve=True)
    assert np.abs(one.image.astype(float) - other.image).mean() > 5


def test_the_default_is_the_size_of_the_real_frames() -> None:
    """580 wide, 420 high, 8 bits, grey."""
    frame = ultrasound.frame(ultrasound.anatomy(1, 1), 1, has_nerve=True)
    assert frame.image.shape == frame.mask.shape == (420, 580)
    assert frame.image.dtype == np.uint8


@pytest.mark.parametrize("subject", range(1, 7))
def test_the_mask_sits_on_the_nerve(subject: int) -> None:
    """Taking the nerve out of the scene changes the picture inside the mask, not elsewhere."""
    anatomy = ultrasound.anatomy(2, subject, (210, 290))
    clear = ultrasound.Anatomy(**{**vars(anatomy), "nerve_contrast": 1.0})
    faint = ultrasound.Anatomy(**{**vars(anatomy), "nerve_contrast": 0.0})
    frame = ultrasound.frame(clear, 1, has_nerve=True)
    assert _contrast(frame, ultrasound.frame(faint, 1, has_nerve=True)) > 6


@pytest.mark.parametrize("shift_px", [(0, 12), (0, -12), (12, 0), (-12, 0)])
def test_a_shifted_mask_fits_worse(shift_px: tuple[int, int]) -> None:
    """The mask sits on the nerve better than beside it."""
    fits, misfits = [], []
    for subject in range(1, 7):
        anatomy = ultrasound.anatomy(2, subject, (210, 290))
        clear = ultrasound.Anatomy(**{**vars(anatomy), "nerve_contrast": 1.0})
        faint = ultrasound.Anatomy(**{**vars(anatomy), "nerve_contrast": 0.0})
        frame = ultrasound.frame(clear, 1, has_nerve=True)
        plain = ultrasound.frame(faint, 1, has_nerve=True)
        moved = np.roll(frame.mask, shift_px, axis=(0, 1))
        fits.append(_contrast(frame, plain))
        misfits.append(_contrast(ultrasound.Frame(frame.image, moved), plain))
    assert np.mean(fits) > 1.3 * np.mean(misfits)


def test_a_frame_without_nerve_has_an_empty_mask() -> None:
    """No nerve, no foreground."""
    assert not ultrasound.frame(ultrasound.anatomy(1, 1, SMALL), 1, has_nerve=False).mask.any()


@pytest.mark.parametrize("subject", range(1, 9))
def test_the_nerve_lies_wholly_inside_the_frame(subject: int) -> None:
    """One piece, of a plausible size, that touches no border."""
    anatomy = ultrasound.anatomy(9, subject, SMALL)
    for number in range(1, 6):
        mask = ultrasound.frame(anatomy, number, has_nerve=True).mask
        border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert not border.any()
        assert 0.008 < mask.mean() < 0.07
        assert cv2.connectedComponents(mask.astype(np.uint8))[0] == 2


@pytest.mark.parametrize("count", [1, 2, 7, 120])
def test_half_of_the_frames_show_the_nerve(count: int) -> None:
    """Exactly half over two subjects, whatever the number a subject."""
    shown = [sum(ultrasound.nerve_plan(3, subject, count)) for subject in (1, 2)]
    assert sum(shown) == count
    assert abs(shown[0] - shown[1]) <= 1


def test_frames_of_one_subject_are_more_alike_than_those_of_two() -> None:
    """Anatomy belongs to the subject."""

    def coarse(subject: int, number: int) -> np.ndarray:
        image = ultrasound.frame(
            ultrasound.anatomy(4, subject, SMALL), number, has_nerve=False
        ).image
        small = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 4)
        return np.asarray((small - small.mean(1, keepdims=True)).ravel())

    def alike(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.corrcoef(one, other)[0, 1])

    first = {subject: coarse(subject, 1) for subject in range(1, 7)}
    second = {subject: coarse(subject, 2) for subject in range(1, 7)}
    same = np.mean([alike(first[s], second[s]) for s in first])
    other = np.mean([alike(first[s], second[t]) for s in first for t in first if s != t])
    assert same > other + 0.3


def test_brightness_alone_does_not_find_the_nerve() -> None:
    """Neither side of any threshold, Otsu's among them, comes near the nerve."""
    frames = [
        ultrasound.frame(ultrasound.anatomy(8, subject, SMALL), 1, has_nerve=True)
        for subject in range(1, 7)
    ]
    best = 0.0
    for threshold in range(10, 250, 10):
        for is_bright in (True, False):
            scores = []
            for frame in frames:
                found = (frame.image >= threshold) == is_bright
                overlap = np.count_nonzero(found & frame.mask)
                scores.append(2 * overlap / (found.sum() + frame.mask.sum()))
            best = max(best, float(np.mean(scores)))
    assert best < 0.25


def test_speckle_is_there_and_brightness_spans_the_range() -> None:
    """Pictures are neither flat nor burnt out, as the real ones are not."""
    for subject in range(1, 6):
        image = ultrasound.frame(ultrasound.anatomy(3, subject), 1, has_nerve=False).image
        assert 70 < image.mean() < 150
        assert 38 < image.std() < 75
        fine = image.astype(np.float32) - cv2.GaussianBlur(image.astype(np.float32), (0, 0), 3)
        assert fine.std() > 8
