"""From an image to what the model says of it, and again at other thresholds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from delineate.core.types import HeatMap, Image
from delineate.inference.model import Model, Prediction
from delineate.inference.postprocess import labels_from_probability
from delineate.inference.verdict import verdict_of
from delineate.web.documents import PredictionDocument
from delineate.web.problems import RefusedError
from delineate.web.results.prediction_documents import prediction_document
from delineate.web.results.stored import Held

if TYPE_CHECKING:
    from delineate.web.served import Served
    from delineate.web.uploads.decoding import Decoded


@dataclass(frozen=True)
class Thresholds:
    """Where to cut; None is the model's own."""

    segmenter: float | None = None
    gate: float | None = None


async def predicted(
    served: Served,
    decoded: Decoded,
    *,
    threshold: float | None = None,
    gate_threshold: float | None = None,
    case: str | None = None,
) -> PredictionDocument:
    """Predict an image and keep what comes out; `case` is its key where it is one of the data.

    Raises:
        RefusedError: a threshold that the model has no use for (422), or a full queue (503).
        DelineateError: an image that does not fit the model.
    """
    asked = asked_thresholds(served.model, threshold, gate_threshold)
    prediction = await passed(served, decoded.image, asked)
    held = Held(decoded, prediction, asked.segmenter, asked.gate, case)
    served.store.put(held)
    return await asyncio.to_thread(prediction_document, served.model, held, prediction)


async def passed(served: Served, image: Image, asked: Thresholds) -> Prediction:
    """One image through the model, in its turn."""
    return await served.predictor.predict(
        image, threshold=asked.segmenter, gate_threshold=asked.gate
    )


async def cut_again(
    served: Served, id_: str, *, threshold: float | None = None, gate_threshold: float | None = None
) -> tuple[Held, Prediction]:
    """A held prediction at these thresholds, or at those that it was asked for with.

    Nothing goes through the model again, unless a gate that was closed opens.

    Raises:
        RefusedError: there is no such prediction (404), the model has no use for the threshold
            (422), or the queue is full (503).
    """
    held = served.store.get(id_)
    asked = asked_thresholds(
        served.model,
        held.threshold if threshold is None else threshold,
        held.gate_threshold if gate_threshold is None else gate_threshold,
    )
    image = held.image.image
    prediction = await asyncio.to_thread(recut, served.model, image, held.prediction, asked)
    if prediction is None:
        prediction = await passed(served, image, asked)
        served.store.change(id_, prediction=prediction)
    return replace(held, threshold=asked.segmenter, gate_threshold=asked.gate), prediction


def recut(model: Model, image: Image, made: Prediction, asked: Thresholds) -> Prediction | None:
    """An earlier prediction at other thresholds; None where only another pass can tell."""
    gate_cut = model.gate_cut(asked.gate)
    verdict = None
    if made.gate is not None and gate_cut is not None:
        verdict = verdict_of(made.gate.probability, gate_cut)
        if not verdict.is_present:
            return replace(
                model.nothing(image, verdict), gate_s=made.gate_s, segmenter_s=made.segmenter_s
            )
        if not made.gate.is_present:
            return None
    labels = labels_from_probability(
        made.probability,
        threshold=model.cut(asked.segmenter),
        minimum_area_px=model.predict_settings.minimum_area_px,
    )
    return replace(made, labels=labels, gate=verdict)


def asked_thresholds(
    model: Model, threshold: float | None, gate_threshold: float | None
) -> Thresholds:
    """Where somebody wants to cut. The model's own value, given by name, is no other one.

    Raises:
        RefusedError: a threshold for several classes, or for a gate that is not there.
    """
    card = model.card
    if threshold is not None and len(card.classes) > 2 and not card.is_overlapping:
        raise RefusedError(
            422,
            "no_threshold",
            "threshold: expected none, for this model has several classes of which the likeliest "
            f"counts, found {threshold:g}; leave it out",
        )
    if gate_threshold is not None and card.gate is None:
        raise RefusedError(
            422,
            "no_gate",
            "gate_threshold: expected none, for this model has no gate and outlines in every "
            f"image, found {gate_threshold:g}; leave it out",
        )
    gate = None if card.gate is None or gate_threshold == card.gate.threshold else gate_threshold
    return Thresholds(None if threshold == model.threshold.value else threshold, gate)


async def heat_map_of(served: Served, held: Held) -> HeatMap:
    """Where the gate has looked, (H, W) from 0 to 1; kept for the next time.

    Raises:
        RefusedError: 404, a model without a classifier as gate.
    """
    if served.model.gate is None:
        raise RefusedError(
            404,
            "no_heat_map",
            "heat_map: expected a model behind a classifier, found none that could show where it "
            "looked; leave it out",
        )
    if held.heat_map is not None:
        return held.heat_map
    heat = await served.predictor.heat_map(held.image.image)
    served.store.change(held.id, heat_map=heat)
    return heat
