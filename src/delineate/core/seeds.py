"""One seed, many independent named streams."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, name: str, *index: int) -> np.random.Generator:
    """The random generator of one purpose, and within it of one step or item.

    Streams of different names or indices are independent, and each can be entered
    anywhere: step 5,000 of a training needs no replay of the steps before it.

    Examples:
        >>> stream(7, "patch", 3).integers(1000) == stream(7, "patch", 3).integers(1000)
        np.True_
    """
    key = (crc32(name.encode()), *index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def stream_seed(seed: int, name: str, *index: int) -> int:
    """An integer seed below 2**31 for libraries that keep their own generator."""
    return int(stream(seed, name, *index).integers(2**31))
