from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.types import IGNORE
from delineate.data.examination import Examined, examine
from delineate.data.opening import open_dataset
from delineate.data.sample import Sample


def save(path: Path, values) -> None:
    """Write a picture of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path) -> Path:
    """Two images with an index mask each, of classes 0 to 2 and unknown pixels."""
    for name in "ab":
        save(tmp_path / f"images/{name}.png", np.zeros((2, 5, 3)))
        save(tmp_path / f"masks/{name}.png", [[0, 1, 1, 2, IGNORE]] * 2)
    return tmp_path


def test_facts_of_a_sample(root):
    """Size, channels, type and pixels of each class are counted."""
    first, _ = examine(open_dataset(root, masks="index,ignore:255"))
    assert (first.size_px, first.channels, first.dtype) == ((2, 5), 3, "uint8")
    assert first.pixels == {"reference": {0: 2, 1: 4, 2: 2, IGNORE: 2}}
    assert first.foreground_share("reference") == 0.75
    assert first.problems == ()


def test_bad_image_does_not_stop_the_next(root):
    """An unreadable image is a problem of its own sample."""
    (root / "images/a.png").write_text("no image")
    bad, good = examine(open_dataset(root, masks="index,ignore:255"))
    assert bad.size_px is None
    assert "a.png" in bad.problems[0]
    assert good.problems == ()


def test_misfitting_mask_leaves_the_image(root):
    """A mask that does not fit is a problem; the facts of the image stay."""
    save(root / "masks/a.png", np.zeros((3, 3)))
    bad, _ = examine(open_dataset(root, masks="index"))
    assert bad.size_px == (2, 5)
    assert bad.foreground_share("reference") is None
    assert "found 3x3" in bad.problems[0]


def test_unknown_encoding_is_passed_over(root):
    """Masks of an observer without an encoding are not decoded."""
    first, _ = examine(open_dataset(root))
    assert first.pixels == {}
    assert first.problems == ()


def test_nothing_known_is_no_foreground():
    """A mask that says nothing anywhere has no foreground."""
    sample = Sample("a", Path("a.png"))
    examined = Examined(sample, (1, 1), 1, "uint8", {"x": {IGNORE: 1}}, None, ())
    assert examined.foreground_share("x") == 0.0
