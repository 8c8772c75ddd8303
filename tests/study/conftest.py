"""A small study that was trained and scored once, for tests that look at it or copy it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.files.writing import write_csv
from delineate.study.study import StudyResult, study

SIDE_PX, STEPS = 32, 4
NETWORK = """
name = "{name}"
description = "As small as can be."
[patches]
size_px = [32, 32]
[model]
arguments = {{ widths = [4, 8] }}
[train]
batch = 2
learning_rate = {rate}
[validation]
times = 2
[predict]
repeats = "single"
"""
METHOD = """
name = "cut"
description = "A threshold."
[classical]
method = "otsu"
images = 2
[classical.parameters]
levels = [2]
smoothing_px = [1.0]
flatten_px = [0.0]
tone = ["grey"]
"""


def write_squares(root: Path, count: int = 18, seed: int = 5) -> Path:
    """`images/` beside `masks/`: bright squares, with `split.csv`: 6 train, 2 validation, 10 test.

    One test image holds nothing.
    """
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        row, column = rng.integers(2, SIDE_PX - 14, 2)
        if number != count - 1:
            mask[row : row + 12, column : column + 12] = 255
        noise = rng.normal(60, 20, mask.shape)
        image = np.clip(noise + mask / 4, 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / "images" / f"{number:02}.png"), image)
        cv2.imwrite(str(root / "masks" / f"{number:02}.png"), mask)
        split = "train" if number < 6 else "validation" if number < 8 else "test"
        rows.append((f"{number:02}", f"s{number:02}", split))
    write_csv(root.parent / "parts.csv", ("id", "subject", "split"), rows)
    return root


def write_recipes(folder: Path) -> list[str]:
    """Two networks that differ in their rate of learning, and a method without one."""
    texts = {
        "slow": NETWORK.format(name="slow", rate="1e-3"),
        "fast": NETWORK.format(name="fast", rate="2e-2"),
        "cut": METHOD,
    }
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return [str(folder / f"{name}.toml") for name in texts]


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data; its split lies beside it as `parts.csv`."""
    return write_squares(tmp_path_factory.mktemp("study") / "squares")


@pytest.fixture(scope="session")
def recipes(squares: Path) -> list[str]:
    """Files of the recipes."""
    return write_recipes(squares.parent)


@pytest.fixture(scope="session")
def begin(squares: Path, recipes: list[str]) -> Callable[..., StudyResult]:
    """Starts a study of few steps on the squares."""

    def start(out: Path, **options: object) -> StudyResult:
        asked: dict[str, object] = {
            "recipes": recipes,
            "split_file": squares.parent / "parts.csv",
            "steps": STEPS,
            "threads": 1,
            "device": "cpu",
        }
        return study(squares, out, **{**asked, **options})  # type: ignore[arg-type]

    return start


@pytest.fixture(scope="session")
def whole(begin: Callable[..., StudyResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three recipes and two seeds, never interrupted; not to be written to."""
    return begin(tmp_path_factory.mktemp("whole") / "study", seeds=2).folder


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    """The same, to be spoiled at will."""
    return Path(shutil.copytree(whole, tmp_path / "copied"))
