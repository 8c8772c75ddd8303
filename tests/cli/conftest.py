"""Small folders of images and masks, and the program run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from delineate.cli.main import app

Delineate = Callable[..., Result]
SIDE_PX = 32


def write_pairs(root: Path, count: int = 6, seed: int = 5) -> Path:
    """`images/` beside `masks/`: grey PNGs with a bright square, and the square as 0/255."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        row, column = rng.integers(2, SIDE_PX - 14, 2)
        mask[row : row + 12, column : column + 12] = 255
        image = np.clip(rng.normal(60, 10, mask.shape) + mask / 2, 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / "images" / f"{number:02}.png"), image)
        cv2.imwrite(str(root / "masks" / f"{number:02}.png"), mask)
    return root


@pytest.fixture
def delineate() -> Delineate:
    """The program, called with arguments; paths may be given as such."""

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)

    return call


@pytest.fixture
def make_pairs() -> Callable[..., Path]:
    """Writes a number of pairs into a folder; those of one seed begin with the same images."""
    return write_pairs


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Six images with a mask each, to be spoiled at will."""
    return write_pairs(tmp_path / "pairs")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose few steps on six small images are enough to have a model."""
    data = write_pairs(tmp_path_factory.mktemp("trained") / "data")
    out = data.parent / "run"
    arguments = ["train", data, "--out", out, "--steps", 3, "--threads", 1, "--device", "cpu"]
    smaller = ["--set", "model.arguments={width = 4, depth = 4}", "--set", "train.batch=2"]
    result = CliRunner().invoke(
        app, [str(each) for each in [*arguments, *smaller]], catch_exceptions=False
    )
    assert result.exit_code == 0, result.stderr
    return out
