"""Views lie on each other again."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from delineate.inference.repeats import view_average
from delineate.inference.settings import Repeats


@pytest.mark.parametrize("repeats", get_args(Repeats))
def test_each_view_is_turned_back(repeats: Repeats) -> None:
    """A pass that changes nothing gives the image itself, whatever the views."""
    image = np.random.default_rng(0).random((1, 2, 5, 7), np.float32)
    assert np.allclose(view_average(lambda views: views, repeats)(image), image)
