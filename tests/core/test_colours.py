"""Numbers of colours that several parts share."""

from __future__ import annotations

from pathlib import Path

import delineate
from delineate.core.colours import IMAGENET_COLOURS
from delineate.models.torchvision_import import import_timm


def test_imagenet_is_that_of_timm():
    """Mean and deviation are those that timm's weights of ImageNet were trained with."""
    constants = import_timm().data.constants
    assert (
        constants.IMAGENET_DEFAULT_MEAN,
        constants.IMAGENET_DEFAULT_STD,
    ) == IMAGENET_COLOURS


def test_imagenet_stands_in_one_place():
    """No second copy of the numbers can go its own way."""
    package = Path(delineate.__file__).parent
    holding = [file.name for file in package.rglob("*.py") if "0.485" in file.read_text("utf-8")]
    assert holding == ["colours.py"]
