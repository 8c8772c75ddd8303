"""Addresses of findings: what an audit, a scoring or the model's uncertainty has found."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from delineate.auditing.findings.finding import KINDS
from delineate.web.documents import (
    DifferenceDocument,
    FindingDocument,
    FindingsDocument,
    JobDocument,
)
from delineate.web.pixel_answers import described, png_answer
from delineate.web.problems import RefusedError, refusals
from delineate.web.results.jobs import Job
from delineate.web.review.desk import FINDING_PATTERN
from delineate.web.review.desk_documents import finding_document, page_of
from delineate.web.review.finding_pictures import NAME_PATTERN, finding_picture, mask_differences
from delineate.web.routes.cases import AtDesk, Count, Server, Start
from delineate.workflows.queue import filled

router = APIRouter(tags=["findings"], responses=refusals(404))

Id = Annotated[str, Path(pattern=FINDING_PATTERN)]


@router.get("/findings")
def list_findings(
    desk: AtDesk,
    start: Start = 0,
    count: Count = 50,
    kind: Annotated[str | None, Query(max_length=64, pattern="^[a-z_]+$")] = None,
    queue: Annotated[Literal["audit", "model", "uncertain", "asked"] | None, Query()] = None,
    state: Annotated[Literal["open", "decided", "all"], Query()] = "all",
) -> FindingsDocument:
    """What was found last, by kind and the worst of each kind first."""
    if kind is not None and kind not in KINDS:
        raise RefusedError(404, "no_kind", f"kind: no '{kind}'; expected one of {', '.join(KINDS)}")
    log = desk.state()
    found = [
        each
        for each in log.findings
        if (kind is None or each.kind == kind)
        and (queue is None or KINDS[each.kind].queue == queue)
        and (state == "all" or (each.id in log.open) == (state == "open"))
    ]
    asked = {"kind": kind, "queue": queue, "state": state}
    return FindingsDocument(
        page=page_of("/findings", total=len(found), start=start, count=count, asked=asked),
        open=len(log.open),
        decided=len(log.findings) - len(log.open),
        kinds=dict(Counter(each.kind for each in log.findings)),
        findings=[finding_document(desk, log, each) for each in found[start : start + count]],
    )


@router.post("/findings", status_code=202)
async def make_findings(
    served: Server,
    desk: AtDesk,
    count: Annotated[int, Query(ge=1, le=500, description="at most so many of a kind")] = 20,
    split: Annotated[Literal["train", "validation", "test", "all"], Query()] = "all",
) -> JobDocument:
    """Look with the model for labels that it contradicts, worst cases and doubts.

    What a model found before gives way to what it finds now; decisions stay. It is a job: its
    events tell how far it is, and nothing changes where it is cancelled.
    """
    served.jobs.require_room()

    def work(job: Job) -> None:
        model = served.predictor.queued_model
        found = filled(desk.reviewed, model, count=count, split=split, progress=job)
        for each in found.failures:
            job.fail_in_part(desk.in_words(each))

    folder = await run_in_threadpool(served.jobs.folder)
    return served.jobs.start(work, total=len(desk.samples), folder=folder).document()


@router.get("/findings/{finding}")
def get_finding(desk: AtDesk, finding: Id) -> FindingDocument:
    """One finding with its evidence, what was decided on it, and what may be."""
    found = desk.finding(finding)
    return finding_document(desk, desk.state(), found)


@router.get("/findings/{finding}/differences", responses=refusals(422))
def get_finding_differences(desk: AtDesk, finding: Id) -> list[DifferenceDocument]:
    """What each mask shares with that of the first sample; empty where no `maps` are known."""
    desk.with_labels()
    return mask_differences(desk, desk.finding(finding))


@router.get(
    "/findings/{finding}/pictures/{name}",
    response_class=Response,
    responses=described() | refusals(422),
)
def get_finding_picture(
    desk: AtDesk, finding: Id, name: Annotated[str, Path(pattern=NAME_PATTERN)]
) -> Response:
    """A picture that the finding lists, under the labels as decided."""
    desk.with_labels()
    return png_answer(finding_picture(desk, desk.finding(finding), name))
