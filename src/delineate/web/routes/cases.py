"""Addresses of cases: the images of the data, and their labels as people decided them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from delineate.core.errors import DelineateError
from delineate.core.types import Labels
from delineate.data.reading import read_region
from delineate.data.sample import Sample
from delineate.web.documents import CaseDocument, CasesDocument, PredictionDocument
from delineate.web.pixel_answers import described, png_answer, shades_answer
from delineate.web.problems import RefusedError, refusals
from delineate.web.results.predicting import predicted
from delineate.web.results.prediction_documents import image_document
from delineate.web.review.case_labels import CaseLabels
from delineate.web.review.desk import KEY_PATTERN, Desk
from delineate.web.review.desk_documents import case_document, found_cases, page_of
from delineate.web.review.finding_pictures import thumbnail
from delineate.web.served import Served, served_of
from delineate.web.uploads.decoding import Decoded

router = APIRouter(tags=["cases"], responses=refusals(404))

Key = Annotated[
    str, Path(pattern=KEY_PATTERN, description="the first 16 hex digits of SHA-256 of the id")
]
Server = Annotated[Served, Depends(served_of)]


def desk_of(served: Server) -> Desk:
    """The desk of this server.

    Raises:
        RefusedError: 404, it has no data to review.
    """
    if served.desk is None:
        raise RefusedError(
            404,
            "no_data",
            "there is no data to review; start the server with a run folder, or with --data DATA "
            "and --review FOLDER",
        )
    return served.desk


AtDesk = Annotated[Desk, Depends(desk_of)]
Start = Annotated[int, Query(ge=0, le=10_000_000, description="how many to pass over")]
Count = Annotated[int, Query(ge=1, le=500, description="at most so many")]


@router.get("/cases")
def list_cases(
    desk: AtDesk,
    start: Start = 0,
    count: Count = 50,
    split: Annotated[Literal["train", "validation", "test"] | None, Query()] = None,
    search: Annotated[
        str | None, Query(max_length=200, description="part of the id or the subject")
    ] = None,
    state: Annotated[Literal["all", "mended", "dropped", "unlabelled"], Query()] = "all",
) -> CasesDocument:
    """The cases in the order of the data."""
    log = desk.with_labels()
    found = found_cases(desk, split=split, search=search, state=state)
    asked = {"split": split, "search": search, "state": state}
    return CasesDocument(
        page=page_of("/cases", total=len(found), start=start, count=count, asked=asked),
        cases=[case_document(desk, log, each) for each in found[start : start + count]],
    )


@router.get("/cases/{key}")
async def get_case(served: Server, desk: AtDesk, key: Key) -> CaseDocument:
    """One case. An image that cannot be read is told as its `problem`."""
    sample = desk.sample(key)
    image = problem = None
    try:
        image = image_document(await _decoded(served, desk, sample))
    except DelineateError as error:
        problem = desk.in_words(str(error))
    state = await run_in_threadpool(desk.with_labels)
    return await run_in_threadpool(case_document, desk, state, sample, image=image, problem=problem)


@router.get(
    "/cases/{key}/shades", response_class=Response, responses=described(raw=True) | refusals(422)
)
async def get_case_shades(served: Server, desk: AtDesk, key: Key) -> Response:
    """The image: 8 bits of grey or RGB as PNG, or 16-bit grey as little-endian numbers."""
    decoded = await _decoded(served, desk, desk.sample(key))
    return await run_in_threadpool(shades_answer, decoded.shades)


@router.get("/cases/{key}/labels", response_class=Response, responses=described() | refusals(422))
def get_case_labels(
    desk: AtDesk,
    key: Key,
    observer: Annotated[
        str | None, Query(max_length=300, description="one of those who drew the case")
    ] = None,
) -> Response:
    """Class indices as decided, 255 where nothing is known; codes where classes overlap.

    Those of the observer of reference unless another one is asked for. Background everywhere,
    where there is no mask.
    """
    desk.with_labels()
    sample = desk.sample(key)
    if observer is not None and observer not in sample.masks:
        raise RefusedError(
            404, "no_observer", f"observer: no '{observer}' drew this case; it lists those who did"
        )
    return _labels_answer(desk, sample, partial(CaseLabels.decided, observer=observer))


@router.get("/cases/{key}/original", response_class=Response, responses=described() | refusals(422))
def get_case_original(desk: AtDesk, key: Key) -> Response:
    """Class indices as the files have them; otherwise as `labels`."""
    return _labels_answer(desk, desk.sample(key), CaseLabels.filed)


@router.get("/cases/{key}/region", response_class=Response, responses=described() | refusals(422))
def get_case_region(desk: AtDesk, key: Key) -> Response:
    """1 where pixels count, 0 elsewhere, of a case that links to it."""
    sample = desk.sample(key)
    try:
        region = read_region(sample)
    except DelineateError as problem:
        raise desk.unusable(problem) from problem
    if region is None:
        raise RefusedError(404, "no_region", "region: none; all of this case's pixels count")
    return png_answer(region.astype(np.uint8))


@router.get(
    "/cases/{key}/thumbnail", response_class=Response, responses=described() | refusals(422)
)
def get_case_thumbnail(desk: AtDesk, key: Key) -> Response:
    """A small picture with the labels, as decided, outlined."""
    desk.with_labels()
    return png_answer(thumbnail(desk, desk.sample(key)))


@router.post("/cases/{key}/prediction", status_code=201)
async def predict_case(
    served: Server,
    desk: AtDesk,
    key: Key,
    threshold: Annotated[float | None, Query(ge=0, le=1)] = None,
    gate_threshold: Annotated[float | None, Query(ge=0, le=1)] = None,
) -> PredictionDocument:
    """What the model says of a case; its label is not looked at."""
    decoded = await _decoded(served, desk, desk.sample(key))
    return await predicted(
        served, decoded, threshold=threshold, gate_threshold=gate_threshold, case=key
    )


async def _decoded(served: Served, desk: Desk, sample: Sample) -> Decoded:
    try:
        return await served.decoder.decode(sample.image, name=sample.id)
    except RefusedError:
        raise
    except DelineateError as problem:
        raise desk.unusable(problem) from problem


def _labels_answer(
    desk: Desk, sample: Sample, read: Callable[[CaseLabels, Sample], Labels | None]
) -> Response:
    try:
        labels = read(desk.labels, sample)
    except DelineateError as problem:
        raise desk.unusable(problem) from problem
    return png_answer(np.zeros(desk.size_px(sample), np.uint8) if labels is None else labels)
