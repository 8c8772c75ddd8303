"""A small data set with copies in it, and the log of its review."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from delineate.auditing.findings.finding import Finding
from delineate.auditing.pictures.orientation import orientation_matrix
from delineate.auditing.review.review_log import FILE, ReviewLog

SIZE_PX = (12, 16)
UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def box(top: int, left: int, *, value: int = 255) -> NDArray[np.uint8]:
    """A mask of 12x16 pixels with one square of four by four."""
    mask = np.zeros(SIZE_PX, np.uint8)
    mask[top : top + 4, left : left + 4] = value
    return mask


MASKS = {
    "a": box(2, 2),
    "b": box(4, 4),
    "c": np.fliplr(box(3, 3)).copy(),
    "d": np.zeros(SIZE_PX, np.uint8),
    "e": box(0, 0),
}


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """`images/` beside `masks/`: a and b are one picture, c is it flipped left to right."""
    rng = np.random.default_rng(4)
    picture = rng.integers(0, 255, SIZE_PX, dtype=np.uint8)
    pictures = {"a": picture, "b": picture, "c": np.fliplr(picture)}
    for name in ("images", "masks"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name, mask in MASKS.items():
        image = pictures.get(name, rng.integers(0, 255, SIZE_PX, dtype=np.uint8))
        cv2.imwrite(str(tmp_path / "data" / "images" / f"{name}.png"), image)
        cv2.imwrite(str(tmp_path / "data" / "masks" / f"{name}.png"), mask)
    return tmp_path / "data"


def copies_evidence(count: int = 3) -> Mapping[str, Any]:
    """How a, b and c lie on each other."""
    flip = orientation_matrix("flipped left to right", SIZE_PX).ravel().tolist()
    return {"size_px": list(SIZE_PX), "matrices": [list(UPRIGHT), list(UPRIGHT), flip][:count]}


TRIPLE = Finding(
    "contradictory_twins", ("a", "b", "c"), "a, b and c differ", copies_evidence(), badness=0.5
)
DOUBLE = Finding(
    "contradictory_twins", ("a", "b"), "a and b differ", copies_evidence(2), badness=0.4
)
ODD = Finding("unusual_mask", ("e",), "the mask of e lies in a corner", {"distance": 9.0})
BALANCE = Finding("class_balance", (), "a fifth of the masks are empty")


@pytest.fixture
def make_log(tmp_path: Path) -> Callable[..., ReviewLog]:
    """A function that makes a review log of findings."""

    def make(*findings: Finding, **options: Any) -> ReviewLog:
        path = tmp_path / FILE
        return ReviewLog.create(path, findings=findings, facts={"source": "data"}, **options)

    return make
