"""What lies outside the field of view, from training to prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from delineate.data.opening import open_dataset
from delineate.data.phantoms.writing import write_fundus
from delineate.data.sample import TEST
from delineate.files.image_files import read_image
from delineate.inference.field_of_view import field_of_view
from delineate.inference.model import load_model
from delineate.workflows.train import train

SMALL = (
    "patches.size_px=[32, 32]",
    "model.arguments={width = 4, depth = 2}",
    "train.batch=2",
    "validation.times=1",
    "predict.repeats=single",
)


def test_a_model_of_discs_says_background_around_discs(tmp_path: Path) -> None:
    """Trained inside fields of view, a model claims nothing outside that of a new image."""
    write_fundus(tmp_path / "eyes", training=3, test=1, seed=1, size_px=(96, 92))
    run = train(tmp_path / "eyes", tmp_path / "run", recipe="vessel", changes=SMALL, steps=2)
    assert run.document["has_dark_surround"] is True
    image = read_image(open_dataset(tmp_path / "eyes").only(TEST).samples[0].image)
    view = field_of_view(image)
    assert view is not None
    probability = load_model(tmp_path / "run").probability(image)[0]
    assert (probability[~view] == 0).all()
    assert (probability[view] > 0).mean() > 0.99


def test_a_model_without_regions_treats_every_pixel_alike(tmp_path: Path, tiny_set: Path) -> None:
    """Black around an image stays the network's own affair where nothing was left out."""
    run = train(tiny_set, tmp_path / "run", changes=(*SMALL, "train.batch=4"), steps=2)
    assert run.document["has_dark_surround"] is False
    image = np.zeros((64, 64, 1), np.uint8)
    image[16:48, 16:48] = 200
    probability = load_model(tmp_path / "run").probability(image)
    assert (probability > 0).all()
