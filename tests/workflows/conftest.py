"""A tiny set, and a run that was trained on it for a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

SUBJECTS = r"^(?:.*/)?(s\d+)_"
TINY = (
    "patches.size_px=[16, 16]",
    "patches.foreground_share=0.5",
    "model.arguments={width = 4, depth = 1}",
    "prepare.longest_side_px=none",
    "train.batch=2",
    "train.precision=float32",
    "train.learning_rate=0.02",
    "train.average_decay=0.9",
    "validation.times=3",
    "predict.tile_px=32",
    "predict.margin_px=4",
    "predict.blend_px=4",
)


def write_set(root: Path, *, classes: int = 2, subjects: int = 6) -> Path:
    """`images/` beside `masks/`: two grey pictures a subject of 41x37 with bright blocks.

    Two classes are masks of 0 and 255; more are palette indices.
    """
    rng = np.random.default_rng(11)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(2 * subjects):
        labels = np.zeros((41, 37), np.uint8)
        for index in range(1, classes):
            row, column = rng.integers(0, 25, 2)
            labels[row : row + 12, column : column + 12] = index
        image = rng.integers(0, 80, labels.shape) + labels * (160 // (classes - 1))
        name = f"s{number // 2}_{number % 2}.png"
        Image.fromarray(image.astype(np.uint8)).save(root / "images" / name)
        mask = Image.fromarray(labels * 255 if classes == 2 else labels)
        if classes > 2:
            mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [9] * 759)
        mask.save(root / "masks" / name)
    return root


def train_tiny(data: Path, out: Path, *, changes=(), **options):
    """Train a network of a few hundred parameters; 12 steps unless told otherwise."""
    if not {"steps", "minutes", "epochs", "resume"} & set(options):
        options["steps"] = 12
    if not options.get("resume"):
        options.setdefault("subjects", SUBJECTS)
        options["changes"] = (*TINY, *changes)
    return train(data, out, device="cpu", threads=1, **options)


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory) -> Path:
    """Twelve images of six subjects; not to be written to."""
    return write_set(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="session")
def tiny_run(tiny_set) -> Path:
    """A run on the tiny set; only ever added to."""
    return train_tiny(tiny_set, tiny_set.parent / "run", steps=160).folder


@pytest.fixture(scope="session")
def tiny_evaluation(tiny_run):
    """The run on its own test split."""
    return evaluate(tiny_run, threads=1, out=tiny_run.parent / "scored")


@pytest.fixture(scope="session")
def classes_run(tmp_path_factory) -> Path:
    """A run on three classes in palette masks."""
    data = write_set(tmp_path_factory.mktemp("classes") / "data", classes=3)
    return train_tiny(data, data.parent / "run", steps=160).folder
