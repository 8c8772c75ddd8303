"""The package as a Python user meets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import delineate


@pytest.mark.parametrize("name", [each for each in delineate.__all__ if not each.startswith("_")])
def test_every_public_name_is_there(name: str) -> None:
    """Each name of the package loads, and is callable."""
    assert callable(getattr(delineate, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typo fails as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = delineate.evalute


def test_importing_costs_nothing() -> None:
    """Importing the package, and looking its verbs up, leave torch out."""
    code = (
        "import sys, delineate; assert 'numpy' not in sys.modules; "
        "delineate.open_dataset, delineate.inspect, delineate.score, delineate.train; "
        "delineate.evaluate, delineate.predict, delineate.load_model; "
        "delineate.queue, delineate.ReviewLog, delineate.serve; "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
