"""Human agreement between observers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.auditing.masks.agreement import observer_agreement
from delineate.data.opening import open_dataset
from delineate.data.sample import Dataset, Sample
from delineate.files.mask_encoding import MaskEncoding


def save(path: Path, values: np.ndarray) -> Path:
    """Write a picture of these values."""
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


@pytest.fixture
def drawn(tmp_path: Path) -> Dataset:
    """Three images of two observers: half overlap, both empty, and one that only one drew."""
    square, shifted = np.zeros((20, 20)), np.zeros((20, 20))
    square[5:15, 0:10], shifted[5:15, 5:15] = 255, 255
    pictures = {"a": (square, shifted), "b": (square * 0, square * 0), "c": (square, None)}
    samples = []
    for name, (one, two) in pictures.items():
        masks = {"1": (save(tmp_path / f"{name}_1.png", one),)}
        if two is not None:
            masks["2"] = (save(tmp_path / f"{name}_2.png", two),)
        image = save(tmp_path / f"{name}.png", square * 0 + 90)
        samples.append(Sample(name, image, masks=masks))
    encodings = dict.fromkeys("12", MaskEncoding("binary"))
    return Dataset(tmp_path, "manifest", "made", tuple(samples), encodings)


def test_dice_pooled_and_per_image(drawn: Dataset) -> None:
    """Half overlap scores one half, two empty masks 1, and images of one observer are left out."""
    (found,) = observer_agreement(drawn)
    assert (found.first, found.second, found.images) == ("1", "2", 2)
    assert found.mean_dice == 0.75
    assert found.pooled_dice == 0.5


def test_pixels_outside_of_the_region_do_not_count(drawn: Dataset, tmp_path: Path) -> None:
    """Inside a region that only shows the overlap, both agree in full."""
    inside = np.zeros((20, 20))
    inside[:, 5:10] = 255
    region = save(tmp_path / "region.png", inside)
    samples = tuple(replace(sample, region=region) for sample in drawn.samples)
    (found,) = observer_agreement(replace(drawn, samples=samples))
    assert found.mean_dice == 1.0


def test_an_unreadable_mask_is_left_out(drawn: Dataset) -> None:
    """A damaged file is another's finding; the other images are still compared."""
    drawn.samples[0].masks["2"][0].write_bytes(b"no mask")
    (found,) = observer_agreement(drawn)
    assert (found.images, found.mean_dice) == (1, 1.0)


def test_one_observer_agrees_with_nobody(drawn: Dataset) -> None:
    """Without a second observer there is no agreement to tell."""
    alone = tuple(replace(s, masks={"1": s.masks["1"]}) for s in drawn.samples)
    assert observer_agreement(replace(drawn, samples=alone)) == ()


def test_observers_of_drive(shared_data: Path) -> None:
    """DRIVE's second observer agrees with the first by 0.788 in the mean, 0.789 pooled."""
    dataset = open_dataset(shared_data / "drive/DRIVE")
    encodings = {"1": MaskEncoding("binary"), "2": MaskEncoding("index")}
    (found,) = observer_agreement(replace(dataset, encodings=encodings))
    assert found.images == 20
    assert round(found.mean_dice, 3) == 0.788
    assert round(found.pooled_dice, 3) == 0.789
