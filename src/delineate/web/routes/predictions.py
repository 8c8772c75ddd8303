"""Addresses of predictions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, File, Form, Path, Query, Response, UploadFile
from fastapi.concurrency import run_in_threadpool

from delineate.files.mask_files import index_mask_png
from delineate.files.writing import csv_text
from delineate.web.documents import PredictionDocument
from delineate.web.pixel_answers import described, png_answer, shades_answer
from delineate.web.problems import RefusedError, refusals
from delineate.web.results.downloads import MEDIA_TYPES, FileForm, download
from delineate.web.results.predicting import (
    asked_thresholds,
    cut_again,
    heat_map_of,
    passed,
    predicted,
)
from delineate.web.results.prediction_documents import prediction_document
from delineate.web.results.stored import ID_PATTERN
from delineate.web.served import Served, served_of
from delineate.web.uploads.receiving import received, require_one_image
from delineate.workflows.predicted_objects import HEADER, channel_of, objects_of, rows_of

router = APIRouter(prefix="/predictions", tags=["predictions"])

Server = Annotated[Served, Depends(served_of)]
Id = Annotated[
    str,
    Path(
        alias="id",
        pattern=ID_PATTERN,
        description="of a prediction, from the document that answered the image",
        examples=["q3Vx0nT2b8mYcW5kRj7LdA"],
    ),
]
_SEGMENTER = "where probability becomes foreground; of classes that overlap, of each of them"
_GATE = "the probability that there is anything to find from which an image is outlined"
_LEFT_OUT = "; left out, the model's own, or the one that the image was sent with"
Threshold = Annotated[
    float | None, Query(ge=0, le=1, allow_inf_nan=False, description=_SEGMENTER + _LEFT_OUT)
]
GateThreshold = Annotated[
    float | None, Query(ge=0, le=1, allow_inf_nan=False, description=_GATE + _LEFT_OUT)
]


def _bytes(description: str, *types: str) -> dict[int | str, dict[str, Any]]:
    """What a route declares that answers with bytes of these types."""
    binary = {"type": "string", "format": "binary"}
    content = {each: {"schema": {} if each == "application/json" else binary} for each in types}
    return {200: {"description": description, "content": content}}


@router.post(
    "",
    status_code=201,
    response_model=PredictionDocument,
    responses=_bytes("With `answer=mask`: the mask as `predict` writes it", "image/png")
    | refusals(400, 408, 413, 415, 422, 503),
    dependencies=[Depends(require_one_image)],
)
async def create_prediction(
    served: Server,
    image: Annotated[UploadFile, File(description="PNG, JPEG, TIFF, BMP, WebP or DICOM")],
    threshold: Annotated[
        float | None, Form(ge=0, le=1, allow_inf_nan=False, description=_SEGMENTER)
    ] = None,
    gate_threshold: Annotated[
        float | None, Form(ge=0, le=1, allow_inf_nan=False, description=_GATE)
    ] = None,
    frame: Annotated[
        int | None, Form(ge=1, le=100_000, description="of a DICOM file of several, from 1")
    ] = None,
    answer: Annotated[
        Literal["document", "mask"],
        Query(description="`mask` answers with the picture alone, and nothing is kept"),
    ] = "document",
) -> Any:
    """Outline what the model finds in an image, and keep the result for a while."""
    asked = asked_thresholds(served.model, threshold, gate_threshold)
    if answer == "mask" and served.model.card.is_overlapping:
        raise RefusedError(
            422,
            "several_masks",
            "answer: expected `document`, for the classes of this model overlap, so that no one "
            "mask holds them, found `mask`; fetch `files/mask` of the document",
        )
    with await received(image, served) as file:
        decoded = await served.decoder.decode(file.path, name=file.name, frame=frame)
    if answer == "document":
        return await predicted(served, decoded, threshold=threshold, gate_threshold=gate_threshold)
    prediction = await passed(served, decoded.image, asked)
    content = await run_in_threadpool(index_mask_png, prediction.labels, served.model.classes)
    return Response(content, media_type="image/png")


@router.get("/{id}", response_model=PredictionDocument, responses=refusals(404))
async def read_prediction(
    served: Server, id_: Id, threshold: Threshold = None, gate_threshold: GateThreshold = None
) -> PredictionDocument:
    """A prediction, at these thresholds; the model runs again only where its gate opens by them."""
    held, prediction = await cut_again(
        served, id_, threshold=threshold, gate_threshold=gate_threshold
    )
    return await run_in_threadpool(prediction_document, served.model, held, prediction)


@router.delete("/{id}", status_code=204, responses=refusals(404))
async def delete_prediction(served: Server, id_: Id) -> None:
    """Forget the image and all that was predicted of it."""
    served.store.get(id_)
    served.store.drop(id_)


@router.get(
    "/{id}/shades",
    response_class=Response,
    responses=described(raw=True) | refusals(404),
)
async def read_shades(served: Server, id_: Id) -> Response:
    """The image as it is looked at: 8 bits of grey or RGB as PNG, or 16-bit shades as bytes.

    The latter, where the document says `uint16`, come low byte first, row after row.
    """
    return await run_in_threadpool(shades_answer, served.store.get(id_).image.shades)


@router.get(
    "/{id}/labels",
    response_class=Response,
    responses=_bytes(
        "8-bit grey PNG of class indices; where classes overlap, bit N-1 stands for class N",
        "image/png",
    )
    | refusals(404),
)
async def read_labels(
    served: Server, id_: Id, threshold: Threshold = None, gate_threshold: GateThreshold = None
) -> Response:
    """Which class each pixel has."""
    _, prediction = await cut_again(served, id_, threshold=threshold, gate_threshold=gate_threshold)
    return await run_in_threadpool(png_answer, prediction.labels)


@router.get(
    "/{id}/probability/{index}",
    response_class=Response,
    responses=_bytes(
        "float32, low byte first, row after row: height times width of the image",
        "application/octet-stream",
    )
    | refusals(404),
)
async def read_probability(
    served: Server,
    id_: Id,
    index: Annotated[int, Path(ge=0, le=254, description="of the class")],
    gate_threshold: GateThreshold = None,
) -> Response:
    """How probable one class is at each pixel; 0 everywhere where the gate is closed."""
    _, prediction = await cut_again(served, id_, gate_threshold=gate_threshold)
    try:
        channel = channel_of(prediction, index)
    except IndexError:
        raise RefusedError(
            404,
            "no_such_class",
            f"probability: this model has no map of class {index}; its classes are in the "
            "document, and the background has a map only beside several classes",
        ) from None
    return Response(channel.astype("<f4").tobytes(), media_type="application/octet-stream")


@router.get(
    "/{id}/heat_map",
    response_class=Response,
    responses=_bytes("8-bit grey PNG, 255 where most comes from", "image/png") | refusals(404),
)
async def read_heat_map(served: Server, id_: Id) -> Response:
    """Where the classifier before the model has looked (Grad-CAM)."""
    heat = await heat_map_of(served, served.store.get(id_))
    grey = np.rint(heat * 255).astype(np.uint8)
    return await run_in_threadpool(png_answer, grey)


@router.get(
    "/{id}/measurements",
    response_class=Response,
    responses=_bytes("a row an object, as `predict --objects` writes it", "text/csv")
    | refusals(404),
)
async def read_measurements(
    served: Server, id_: Id, threshold: Threshold = None, gate_threshold: GateThreshold = None
) -> Response:
    """Every object that was found, measured."""
    held, prediction = await cut_again(
        served, id_, threshold=threshold, gate_threshold=gate_threshold
    )

    def table() -> str:
        classes = served.model.classes
        found = objects_of(prediction, classes, held.image.spacing)
        return csv_text(HEADER, rows_of(held.image.name, classes, found))

    return Response(await run_in_threadpool(table), media_type="text/csv")


@router.get(
    "/{id}/files/{form}",
    response_class=Response,
    responses=_bytes("the file, or several of them as ZIP", *MEDIA_TYPES) | refusals(404),
)
async def read_file(
    served: Server,
    id_: Id,
    form: Annotated[FileForm, Path(description="`all` is everything in one ZIP")],
    threshold: Threshold = None,
    gate_threshold: GateThreshold = None,
) -> Response:
    """What `delineate predict` writes of the image, with the same names and bytes."""
    held, prediction = await cut_again(
        served, id_, threshold=threshold, gate_threshold=gate_threshold
    )
    wants_heat = form == "heat_map" or (form == "all" and served.model.gate is not None)
    made = await run_in_threadpool(
        download,
        served.model,
        held,
        prediction,
        form,
        heat_map=await heat_map_of(served, held) if wants_heat else None,
        scratch=served.scratch,
    )
    return Response(made.content, media_type=made.media_type, headers=made.headers)
