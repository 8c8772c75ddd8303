from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from delineate.core.class_colours import MOST, SAFE, UNKNOWN, class_colours


@pytest.mark.parametrize(("count", "apart"), [(8, 25.0), (35, 25.0), (150, 15.0)])
def test_classes_are_told_apart(count: int, apart: float) -> None:
    """Any two of them differ by far more than the 2.3 of CIELAB that people just notice."""
    lab = rgb2lab(np.array(class_colours(count), np.uint8)[np.newaxis])[0]
    distance = np.linalg.norm(lab[:, np.newaxis] - lab[np.newaxis], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > apart


def test_few_classes_keep_the_safe_ones() -> None:
    """The first eight are those of Okabe and Ito, however many follow."""
    assert class_colours(5) == SAFE[:5]
    assert class_colours(100)[:8] == SAFE


def test_no_class_looks_unknown() -> None:
    """No class has the colour of pixels of which nothing is known, nor white."""
    every = class_colours(MOST)
    assert len(set(every)) == MOST
    assert not {UNKNOWN, (255, 255, 255)} & set(every)
