"""Addresses of jobs: many images at once, with progress and one archive in the end."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Path, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from sse_starlette.sse import EventSourceResponse

from delineate.web.documents import JobDocument
from delineate.web.problems import RefusedError, refusals
from delineate.web.results.batch import RESULT, batch
from delineate.web.results.downloads import ZIP
from delineate.web.results.jobs import Job
from delineate.web.results.predicting import asked_thresholds
from delineate.web.results.stored import ID_PATTERN
from delineate.web.served import Served, Stopping, served_of
from delineate.web.uploads.receiving import Received, received, require_form
from delineate.workflows.mask_formats import COCO, COCO_POLYGONS, asked_formats
from delineate.workflows.prediction_writing import PredictedFiles

LOOK_S = 0.2  # between two looks at how far a job is
PING_S = 15

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "events `progress`, and in the end one `end`, each with the document of the "
        "job as `GET /jobs/{id}` answers it",
    }
}
_ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
        "description": "masks and whatever else was asked for",
    }
}

router = APIRouter(prefix="/jobs", tags=["jobs"])

Server = Annotated[Served, Depends(served_of)]
Id = Annotated[
    str,
    Path(
        alias="id",
        pattern=ID_PATTERN,
        description="of a job, from the document that answered the images",
        examples=["q3Vx0nT2b8mYcW5kRj7LdA"],
    ),
]
Threshold = Annotated[float | None, Form(ge=0, le=1, allow_inf_nan=False)]
Format = Literal["png", "rle", "rle-nerve", "rle-siim", "coco", "coco-polygons"]


@router.post(
    "",
    status_code=202,
    responses=refusals(400, 408, 413, 415),
    dependencies=[Depends(require_form)],
)
async def create_job(
    served: Server,
    images: Annotated[list[UploadFile], File(description="PNG, JPEG, TIFF, BMP, WebP or DICOM")],
    threshold: Threshold = None,
    gate_threshold: Threshold = None,
    formats: Annotated[
        list[Format], Form(max_length=16, description="further forms, as `predict --format`")
    ] = [],  # noqa: B006 - FastAPI copies it
    overlays: Annotated[bool, Form(description="pictures of the masks over the images")] = True,
    probabilities: Annotated[bool, Form(description="16-bit PNG, 65535 = certain")] = False,
    objects: Annotated[bool, Form(description="a table of all objects, measured")] = True,
) -> JobDocument:
    """Predict many images, one after the other, into an archive of what `predict` writes.

    An image that cannot be used is told among the failures, and the others are done.
    """
    _require_no_more(len(images), served.settings.most_files)
    served.jobs.require_room()
    asked = asked_thresholds(served.model, threshold, gate_threshold)
    if COCO in formats and COCO_POLYGONS in formats:
        raise RefusedError(
            422,
            "two_in_one",
            f"formats: expected {COCO} or {COCO_POLYGONS}, found both, which are one file; choose "
            "one",
        )
    files = PredictedFiles(
        probabilities=probabilities,
        overlays=overlays,
        objects=objects,
        formats=asked_formats(formats),
        threshold=asked.segmenter,
        gate_threshold=asked.gate,
    )
    folder = served.jobs.folder()
    try:
        sent = await _kept(images, served, folder)
        job = served.jobs.start(batch(served, sent, files), total=len(sent), folder=folder)
    except BaseException:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
        raise
    return job.document()


@router.get("/{id}", responses=refusals(404))
async def read_job(served: Server, id_: Id) -> JobDocument:
    """How far a job is."""
    return served.jobs.get(id_).document()


@router.get("/{id}/events", response_class=EventSourceResponse, responses=_EVENTS | refusals(404))
async def job_events(served: Server, id_: Id) -> EventSourceResponse:
    """How far a job is, whenever that changes, until it is finished or the server stops."""
    return EventSourceResponse(_progress(served.jobs.get(id_), served.stopping), ping=PING_S)


@router.get("/{id}/result", response_class=FileResponse, responses=_ARCHIVE | refusals(404))
async def read_result(served: Server, id_: Id) -> FileResponse:
    """The archive, once the job is done."""
    job = served.jobs.get(id_)
    result = job.result
    if result is None or job.document().state != "done":
        raise RefusedError(
            404,
            "not_done",
            f"result: expected a job that is done, found one that is {job.document().state}; "
            "its events tell when there is something to fetch",
        )
    return FileResponse(result, media_type=ZIP, filename=RESULT)


@router.delete("/{id}", status_code=204, responses=refusals(404))
async def delete_job(served: Server, id_: Id) -> Response:
    """Stop a job that runs or waits; forget one that is finished, with its result."""
    await run_in_threadpool(served.jobs.cancel, id_)
    return Response(status_code=204)


def _require_no_more(count: int, most: int) -> None:
    if count > most:
        raise RefusedError(
            413,
            "too_many_files",
            f"images: expected at most {most} files at once, found {count}; send them in parts",
        )


async def _kept(images: Sequence[UploadFile], served: Served, folder: FilePath) -> list[Received]:
    """What was sent, in the folder of its job."""
    kept = []
    for number, upload in enumerate(images):
        with await received(upload, served) as file:
            kept.append(Received(file.name, file.path.rename(folder / f"sent-{number}")))
    return kept


async def _progress(job: Job, stopping: Stopping) -> AsyncIterator[dict[str, Any]]:
    said: JobDocument | None = None
    while not stopping.is_begun:
        document = job.document()
        if document.state not in ("waiting", "running"):
            yield {"event": "end", "data": document.model_dump_json()}
            return
        if document != said:
            said = document
            yield {"event": "progress", "data": document.model_dump_json()}
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_S)
