"""Frames in sequence: told by their numbers and by what neighbours have in common."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.auditing.copies.records import FrameSequence, LookAlike
from delineate.auditing.copies.sequences import find_sequences, mark_sequences, series_and_number
from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.core.seeds import stream
from delineate.data.opening import open_dataset
from delineate.data.sample import Sample


def film(folder: Path, name: str, frames: int, step: float) -> list[Sample]:
    """Pictures that turn into another one by steps; with step 1 each is new."""
    rng = stream(1, name)
    made = []
    field = rng.normal(size=(96, 128))
    for k in range(frames):
        field = (1 - step) * field + np.sqrt(2 * step - step**2) * rng.normal(size=(96, 128))
        grey = cv2.GaussianBlur(field, (0, 0), 3.0)
        path = folder / f"{name}_{k:03d}.png"
        cv2.imwrite(str(path), np.clip(128 + 60 * grey / grey.std(), 0, 255).astype(np.uint8))
        made.append(Sample(path.stem, path))
    return made


def gallery_of(samples: list[Sample]) -> Gallery:
    """What the audit sees of them."""
    return look_at(samples, cache=None)


def test_a_film_is_a_sequence_and_a_collection_is_none(tmp_path: Path) -> None:
    """Neighbours that are alike make a sequence, numbers alone do not."""
    samples = film(tmp_path, "film", 14, 0.3) + film(tmp_path, "single", 14, 1.0)
    (sequence,) = find_sequences(gallery_of(samples))
    assert sequence.name == "film_"
    assert sequence.members == tuple(range(14))
    assert sequence.neighbour_similarity > sequence.distant_similarity + 0.1


def test_the_order_is_that_of_the_numbers(tmp_path: Path) -> None:
    """Members stand in the order of their numbers, whatever the order of the samples."""
    samples = film(tmp_path, "film", 12, 0.3)[::-1]
    (sequence,) = find_sequences(gallery_of(samples))
    assert sequence.members == tuple(reversed(range(12)))


@pytest.mark.parametrize("frames", [0, 1, 4])
def test_few_pictures_are_no_sequence(frames: int, tmp_path: Path) -> None:
    """Nothing is said of a handful of pictures."""
    assert find_sequences(gallery_of(film(tmp_path, "film", frames, 0.1))) == ()


def test_unreadable_frames_are_left_out(tmp_path: Path) -> None:
    """A damaged frame does not break the sequence."""
    samples = film(tmp_path, "film", 14, 0.3)
    samples[5].image.write_bytes(b"nothing")
    (sequence,) = find_sequences(gallery_of(samples))
    assert 5 not in sequence.members
    assert len(sequence.members) == 13


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Seq05VD_f02040", ("Seq05VD_f", 2040)),
        ("0001TP_006690", ("0001TP_", 6690)),
        ("train_3", ("train_", 3)),
        ("TCGA_CS_4943_20000902_12", ("TCGA_CS_4943_20000902_", 12)),
        ("21_training", ("*_training", 21)),
        ("cat", None),
    ],
)
def test_ids_have_a_series_and_a_number(name: str, expected: tuple[str, int] | None) -> None:
    """The last number counts; the rest is what a series shares."""
    assert series_and_number(name) == expected


def test_look_alikes_of_one_sequence_are_marked() -> None:
    """Only those whose both pictures are frames of it."""
    sequence = FrameSequence("film_", (0, 1, 2), 0.9, 0.1)
    inside, outside = LookAlike(0, 2, 0.9, "detail"), LookAlike(1, 7, 0.9, "detail")
    marked = mark_sequences([inside, outside], [sequence])
    assert marked[0].why == "both are frames of the sequence film_; detail"
    assert marked[1] == outside


def test_real_sequences(shared_data: Path) -> None:
    """Sections of `em_membrane` and scenes of `camvid` are sequences, `drive` is none."""
    found = {}
    for folder in ("em_membrane", "camvid", "drive/DRIVE"):
        dataset = open_dataset(shared_data / folder)
        found[folder] = {s.name for s in find_sequences(gallery_of(list(dataset.samples)))}
    assert found["em_membrane"] == {"train_", "test_"}
    assert found["camvid"] == {"0001TP_", "0006R0_f", "0016E5_", "Seq05VD_f"}
    assert found["drive/DRIVE"] == set()
