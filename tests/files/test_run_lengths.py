"""Run lengths of the nerve, SIIM and COCO forms."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from delineate.core.errors import DelineateError, UnreadableFileError
from delineate.files.run_lengths import (
    coco_counts,
    coco_mask,
    compressed,
    is_run_length_text,
    nerve_mask,
    nerve_text,
    siim_mask,
    siim_text,
)

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))
# Two columns of three: pixels 2 and 3 of the first, 1 and 3 of the second.
COUNTED = np.array([[0, 1], [1, 0], [1, 1]], bool)


def test_a_case_counted_by_hand() -> None:
    """Runs go down the columns and on into the next one; each form counts in its own way."""
    assert nerve_text(COUNTED) == "2 3 6 1"
    assert siim_text(COUNTED) == "1 3 1 1"
    assert coco_counts(COUNTED) == [1, 3, 1, 1]


def test_empty_and_full() -> None:
    """An empty mask is an empty text, -1, or one run of background; a full one is one run."""
    empty, full = np.zeros((3, 2), bool), np.ones((3, 2), bool)
    assert [nerve_text(empty), siim_text(empty), coco_counts(empty)] == ["", "-1", [6]]
    assert [nerve_text(full), siim_text(full), coco_counts(full)] == ["1 6", "0 6", [0, 6]]


@given(mask=masks)
def test_every_form_is_read_back(mask: np.ndarray) -> None:
    """Writing and reading gives the mask again, empty and full ones too."""
    size = mask.shape
    assert (nerve_mask(nerve_text(mask), size, where="x") == mask).all()
    assert (siim_mask(siim_text(mask), size, where="x") == mask).all()
    assert (coco_mask(coco_counts(mask), size, where="x") == mask).all()
    assert (coco_mask(compressed(coco_counts(mask)), size, where="x") == mask).all()


@given(mask=masks)
def test_coco_text_is_that_of_pycocotools(mask: np.ndarray) -> None:
    """The compressed text is the same, character by character."""
    assert (
        compressed(coco_counts(mask)).encode()
        == coco.encode(np.asfortranarray(mask, np.uint8))["counts"]
    )


def test_a_large_mask_is_that_of_pycocotools() -> None:
    """Counts of a million pixels take several characters and differences below zero."""
    mask = np.zeros((1500, 1500), bool)
    mask[3:1400, 200:900] = True
    mask[700, 10] = True
    theirs = coco.encode(np.asfortranarray(mask, np.uint8))["counts"].decode()
    assert compressed(coco_counts(mask)) == theirs
    assert (coco_mask(theirs, mask.shape, where="x") == mask).all()


@given(mask=masks)
def test_siim_is_decoded_as_the_challenge_does_it(mask: np.ndarray) -> None:
    """Gap, then length, from where the last run ended, down the columns."""
    flat = np.zeros(mask.size, bool)
    numbers = [int(word) for word in siim_text(mask).split()] if mask.any() else []
    place = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        place += gap
        flat[place : place + length] = True
        place += length
    assert (mask == flat.reshape(mask.shape[::-1]).T).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2 3 6", "expected pairs of numbers, found 3"),
        ("2 \n\nx", r"found '2 \\n\\nx'"),
        ("2 -3", "expected run lengths as whole numbers"),
        ("2 3.0", "expected run lengths as whole numbers"),
        ("nan", "found 'nan'"),
        ("2 " + "9" * 4000, "expected run lengths as whole numbers"),
        ("2 ٣", "expected run lengths as whole numbers"),
        ("2 900000000000000", "expected runs within the 6 pixels"),
        ("2 6", "expected runs within the 6 pixels of an image of 3 x 2 px"),
    ],
)
def test_what_is_no_run_or_leaves_the_image_is_refused(text: str, message: str) -> None:
    """Text, odd numbers and runs beyond the image are one line with the file's name."""
    for read in (nerve_mask, siim_mask):
        with pytest.raises(UnreadableFileError, match=message) as caught:
            read(text, (3, 2), where="t.csv: row 7")
        assert str(caught.value).startswith("t.csv: row 7: ")
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["0 2", "3 1 1 1", "2 3 4 1", "1 0"])
def test_runs_that_are_not_of_the_nerve_form_name_the_other(text: str) -> None:
    """A start of 0, one that goes back or overlaps, or an empty run are a sign of gaps."""
    with pytest.raises(UnreadableFileError, match="the encoding is rle-siim"):
        nerve_mask(text, (3, 2), where="x")


def test_neighbouring_runs_are_allowed() -> None:
    """A run may begin where the last one ended: gap 0, or the next pixel."""
    assert nerve_mask("1 2 3 1", (3, 2), where="x").sum() == 3
    assert siim_mask("0 2 0 1", (3, 2), where="x").sum() == 3
    with pytest.raises(UnreadableFileError, match="found one of none"):
        siim_mask("0 0", (3, 2), where="x")


@pytest.mark.parametrize(
    "counts",
    [
        [1, 3, 1], [1, 3, 1, 2], [7, -1], [1, 3.0, 1, 1], [True, 5], [10**30, 1], None, 6, {},
        "", "1", "\x7f\x80", "é", "0P", "PPPPPPPPPPPPPPPP1", "13110", [],
    ],
)  # fmt: skip
def test_coco_counts_that_do_not_fit_are_refused(counts: object) -> None:
    """Too few or too many pixels, negative, half a number, or something else altogether."""
    with pytest.raises(UnreadableFileError, match=r"expected .*run lengths"):
        coco_mask(counts, (3, 2), where="x")


@given(text=st.text(max_size=30), size=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_any_text_is_a_mask_or_one_line(text: str, size: tuple[int, int]) -> None:
    """Whatever stands there, each form gives a mask of the size or our error, nothing else."""
    for read in (nerve_mask, siim_mask, coco_mask):
        with suppress(DelineateError):
            assert read(text, size, where="x").shape == size


@given(text=st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=24))
def test_hostile_compressed_text_never_passes_as_more_than_the_image(text: str) -> None:
    """A mask of 5 x 7 that is written and read again is the same, or nothing is read."""
    with suppress(DelineateError):
        mask = coco_mask(text, (5, 7), where="x")
        assert (coco_mask(compressed(coco_counts(mask)), (5, 7), where="x") == mask).all()


def test_a_cell_is_told_from_other_text() -> None:
    """Runs, -1 and nothing may be run lengths; words and fractions may not."""
    assert all(map(is_run_length_text, ["", " -1", "3 4", "12"]))
    assert not any(map(is_run_length_text, ["a.png", "0.5", "-3 4", "3,4"]))
