"""All pairs that look alike, beside correlating every pair in every orientation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.auditing.pictures import likeness
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.likeness import alike
from delineate.auditing.pictures.orientation import ORIENTATIONS, inverse, oriented

Made = Callable[[Any], Gallery]
NAMES = list(ORIENTATIONS)


def soft(seed: int, size: tuple[int, int] = (60, 80)) -> np.ndarray[Any, Any]:
    """A smooth picture."""
    noise = np.random.default_rng(seed).random(size).astype(np.float32)
    blobs = cv2.GaussianBlur(noise, (0, 0), 6)
    return cv2.normalize(blobs, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def brute_force(gallery: Gallery) -> dict[tuple[int, int], float]:
    """The best correlation of each pair over the eight orientations."""
    grids = gallery.shapes.astype(np.float64).reshape(-1, 11, 11)
    return {
        (i, j): max(float((first * oriented(second, name)).sum()) for name in NAMES)
        for (i, first), (j, second) in combinations(enumerate(grids), 2)
    }


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-0.5, 0.99))
def test_pairs_are_those_of_brute_force(gallery_of: Made, seed: int, at_least: float) -> None:
    """Every pair above the level with its correlation, whatever the sizes; no other."""
    rng = np.random.default_rng(seed)
    pictures = [soft(seed + n % 3, (int(rng.integers(20, 90)), 50)) for n in range(6)]
    turned = [np.array(oriented(p, NAMES[rng.integers(8)])) for p in pictures]
    gallery = gallery_of([*turned, np.zeros((20, 20), np.uint8)])
    found = alike(gallery, at_least=at_least)
    listed = dict(zip(zip(found.first, found.second, strict=True), found.correlation, strict=True))
    for pair, correlation in brute_force(gallery).items():
        if abs(correlation - at_least) > 1e-5:
            assert (pair in listed) == (correlation >= at_least)
        if pair in listed:
            assert listed[pair] == pytest.approx(correlation, abs=1e-5)
    assert list(found.correlation) == sorted(found.correlation, reverse=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_best_orientation_is_named(gallery_of: Made, name: str) -> None:
    """A darker, smaller and turned copy is found, with how it lies on the first."""
    first = soft(1)
    copy = cv2.resize(np.array(oriented(first, name)) // 2 + 20, None, fx=0.7, fy=0.7)
    found = alike(gallery_of([soft(2), first, copy]), at_least=0.98)
    assert (found.first.tolist(), found.second.tolist()) == ([1], [2])
    assert NAMES[found.orientation[0]] == inverse(name)


def test_blocks_are_seamless(gallery_of: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """With blocks of a few pictures every pair is there once."""
    monkeypatch.setattr(likeness, "_ROWS", 3)
    monkeypatch.setattr(likeness, "_COLUMNS", 4)
    found = alike(gallery_of([soft(n % 2) for n in range(11)]), at_least=-2)
    pairs = sorted(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == list(combinations(range(11), 2))


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_is_like_no_other(gallery_of: Made, count: int) -> None:
    """No pictures or one: no pairs."""
    assert len(alike(gallery_of([soft(1)] * count), at_least=0.5)) == 0
