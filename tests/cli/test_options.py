"""The options that verbs share."""

from __future__ import annotations

from typing import get_args

from delineate.cli.options import DeviceName, PaletteName, RepeatsName, one_or_all
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


def test_masks_are_none_one_or_several():
    """One --masks is a text, several are a list, none is None."""
    assert [one_or_all(m) for m in (None, [], ["index"])] == [None, None, "index"]
    assert one_or_all(["1=index", "2=invert"]) == ["1=index", "2=invert"]
