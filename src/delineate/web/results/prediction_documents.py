"""What the server says of a prediction: thresholds, gate, measurements, addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import nlargest
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from delineate.core.types import LabelClass
from delineate.inference.model_card import GIVEN_BY_HAND
from delineate.structure.objects import RULE, MeasuredObject
from delineate.web.documents import (
    ClassDocument,
    ClassMeasureDocument,
    GateDocument,
    ImageDocument,
    MeasurementsDocument,
    ObjectDocument,
    PredictionDocument,
    SpacingDocument,
    ThresholdDocument,
    WindowDocument,
)
from delineate.web.problems import API
from delineate.web.results.downloads import FileForm
from delineate.workflows.predicted_objects import objects_of

if TYPE_CHECKING:
    from delineate.files.spacing import Spacing
    from delineate.inference.model import Model, Prediction
    from delineate.web.results.stored import Held
    from delineate.web.uploads.decoding import Decoded

# More rows help nobody on a page; the table to download has all of them.
MOST_OBJECTS = 500


def prediction_document(model: Model, held: Held, prediction: Prediction) -> PredictionDocument:
    """The document of a held prediction; `held` has the thresholds that `prediction` was cut at."""
    decoded = held.image
    return PredictionDocument(
        id=held.id,
        model=model.card.name,
        image=image_document(decoded),
        case=held.case,
        classes=class_documents(model.classes),
        is_overlapping=prediction.is_overlapping,
        minimum_area_px=model.predict_settings.minimum_area_px,
        threshold=threshold_document(model, held.threshold),
        gate=_gate(model, prediction, held.gate_threshold),
        measurements=measurements(prediction, model.classes, decoded.spacing),
        milliseconds=round(
            1000 * ((prediction.gate_s or 0.0) + (prediction.segmenter_s or 0.0)), 3
        ),
        at=held.at,
        notes=_notes(model, decoded, prediction),
        links=_links(held.id, has_heat_map=model.gate is not None),
    )


def image_document(decoded: Decoded) -> ImageDocument:
    """What is known of an image that the server has decoded."""
    height, width, channels = decoded.image.shape
    window, spacing = decoded.window, decoded.spacing
    return ImageDocument(
        name=decoded.name,
        format=decoded.format,
        height_px=height,
        width_px=width,
        channels=channels,
        shades="uint16" if decoded.shades.dtype == np.uint16 else "uint8",
        slope=decoded.slope,
        intercept=decoded.intercept,
        window=WindowDocument(low=window.low, high=window.high, origin=window.origin),
        spacing=None
        if spacing is None
        else SpacingDocument(
            row_mm=spacing.row_mm, column_mm=spacing.column_mm, origin=spacing.origin
        ),
    )


def class_documents(classes: Sequence[LabelClass]) -> list[ClassDocument]:
    """The classes, background first."""
    return [ClassDocument(index=c.index, name=c.name, colour=c.colour) for c in classes]


def threshold_document(model: Model, threshold: float | None = None) -> ThresholdDocument:
    """The threshold in use: the model's own, or one by hand with what that means for scores."""
    own, cut = model.threshold, model.cut(threshold)
    if threshold is None:
        return ThresholdDocument(
            value=own.value, values=own.values, chosen=own.value, origin=own.origin, warning=None
        )
    chosen = own.value if own.values is None else own.values
    words = " and ".join(f"{each:.4g}" for each in np.atleast_1d(np.asarray(chosen, np.float64)))
    return ThresholdDocument(
        value=None if isinstance(cut, tuple) else cut,
        values=cut if isinstance(cut, tuple) else None,
        chosen=own.value,
        origin=GIVEN_BY_HAND,
        warning=f"The scores of this model hold at {words}, chosen by {own.origin}; "
        f"at {threshold:.4g} they are not known.",
    )


def measurements(
    prediction: Prediction, classes: Sequence[LabelClass], spacing: Spacing | None
) -> MeasurementsDocument:
    """All classes, and the largest objects of them."""
    found = objects_of(prediction, classes, spacing)
    every = [(index, each) for index, of_class in found.items() for each in of_class]
    listed = nlargest(MOST_OBJECTS, every, key=lambda pair: pair[1].area_px)
    listed.sort(key=lambda pair: (pair[0], pair[1].number))
    return MeasurementsDocument(
        rule=RULE,
        classes=_class_measures(prediction, found, spacing),
        objects=[_object(*each) for each in listed],
        unlisted=len(every) - len(listed),
    )


def _class_measures(
    prediction: Prediction,
    found: Mapping[int, Sequence[MeasuredObject]],
    spacing: Spacing | None,
) -> list[ClassMeasureDocument]:
    rows = []
    for index, objects in found.items():
        area_px = sum(each.area_px for each in objects)
        rows.append(
            ClassMeasureDocument(
                class_index=index,
                count=len(objects),
                area_px=area_px,
                area_mm2=None if spacing is None else area_px * spacing.row_mm * spacing.column_mm,
                share=area_px / prediction.labels.size,
            )
        )
    return rows


def _object(index: int, one: MeasuredObject) -> ObjectDocument:
    return ObjectDocument(
        class_index=index,
        number=one.number,
        area_px=one.area_px,
        area_mm2=one.area_mm2,
        perimeter_px=one.perimeter_px,
        perimeter_mm=one.perimeter_mm,
        major_axis_px=one.major_axis_px,
        minor_axis_px=one.minor_axis_px,
        major_axis_mm=one.major_axis_mm,
        minor_axis_mm=one.minor_axis_mm,
        orientation_degrees=one.orientation_degrees,
        row_px=one.centroid_px[0],
        column_px=one.centroid_px[1],
        box_px=one.box_px,
        mean_probability=one.mean_probability,
    )


def _gate(model: Model, prediction: Prediction, threshold: float | None) -> GateDocument | None:
    verdict, cut = prediction.gate, model.gate_cut(threshold)
    if verdict is None or cut is None or model.card.gate is None:
        return None
    return GateDocument(
        probability=verdict.probability,
        threshold=cut,
        is_present=verdict.is_present,
        rule=model.card.gate.rule if threshold is None else GIVEN_BY_HAND,
        has_heat_map=model.gate is not None,
    )


def _notes(model: Model, decoded: Decoded, prediction: Prediction) -> list[str]:
    """What a person must know to read the picture and the figures."""
    doubt = model.card.preparation.doubt(decoded.image)
    notes = [] if doubt is None else [f"This image is {doubt}."]
    if prediction.gate is not None and not prediction.gate.is_present:
        notes.append("The gate finds nothing in this image, so that nothing was outlined in it.")
    elif not prediction.labels.any():
        notes.append("Nothing in this image reaches the threshold.")
    smallest = model.predict_settings.minimum_area_px
    if smallest > 1:
        notes.append(f"Objects of less than {smallest} px are left out, as the model card has it.")
    if decoded.spacing is None:
        notes.append("Lengths are in pixels: the file does not say how large a pixel is.")
    return notes


def _links(id_: str, *, has_heat_map: bool) -> dict[str, Any]:
    base = f"{API}/v1/predictions/{id_}"
    names = ["shades", "labels", "probability", "measurements"]
    forms = [each for each in get_args(FileForm) if has_heat_map or each != "heat_map"]
    links: dict[str, Any] = {"self": base} | {each: f"{base}/{each}" for each in names}
    if has_heat_map:
        links["heat_map"] = f"{base}/heat_map"
    return links | {"files": {each: f"{base}/files/{each}" for each in forms}}
