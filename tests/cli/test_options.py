"""The options that verbs share."""

from __future__ import annotations

from typing import get_args

from delineate.cli.options import DeviceName, PaletteName, RepeatsName
from delineate.inference.settings import Repeats
from delineate.report.overlays import PALETTES


def test_palettes_are_those_of_the_overlays():
    """Every palette can be asked for by its name."""
    assert [each.value for each in PaletteName] == list(PALETTES)


def test_repeats_are_those_of_prediction():
    """Every setting of repeats can be asked for by its name."""
    assert tuple(each.value for each in RepeatsName) == get_args(Repeats)


def test_auto_leaves_the_device_to_the_workflow():
    """Only a named device is passed on."""
    assert [each.chosen for each in DeviceName] == [None, "cpu", "cuda"]
