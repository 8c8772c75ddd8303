"""What a model has drawn, over its image, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from delineate.core.types import Image, LabelClass
from delineate.inference.model import Model, Prediction
from delineate.report.display import Rgb
from delineate.report.gate_pictures import with_verdict
from delineate.report.legend_strip import entries_of, with_legend
from delineate.report.overlays import class_overlay, find_palette

# The palette of models behind a gate where none is asked for.
BEHIND_A_GATE = "pneumothorax"
NOTHING_OUTLINED = "nothing outlined"


def shown_classes(model: Model, palette: str) -> tuple[LabelClass, ...]:
    """The classes in the colours in which overlays show them."""
    classes = model.classes
    if len(classes) > 2 or (palette == "default" and model.card.gate is None):
        return classes
    name = BEHIND_A_GATE if palette == "default" else palette
    return classes[0], replace(classes[1], colour=find_palette(name).prediction)


def overlay_of(image: Image, prediction: Prediction, classes: Sequence[LabelClass]) -> Rgb:
    """The classes on the image; below it, where there are several, which colour is which.

    Behind a gate what that says stands there too.
    """
    picture = class_overlay(
        image, prediction.labels, classes, is_overlapping=prediction.is_overlapping
    )
    found = []
    if len(classes) > 2:
        found = entries_of(classes, prediction.labels, is_overlapping=prediction.is_overlapping)
    if prediction.gate is None:
        return with_legend(picture, found)
    is_bare = prediction.gate.is_present and not prediction.labels.any()
    return with_verdict(picture, prediction.gate, found, note=NOTHING_OUTLINED if is_bare else "")
