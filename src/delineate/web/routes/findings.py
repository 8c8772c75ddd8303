"""Addresses of findings: what an audit, a scoring or the model's uncertainty has found."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from delineate.auditing.findings.finding import KINDS
from delineate.web.desk import FINDING_PATTERN
from delineate.web.desk_documents import finding_document, page_of
from delineate.web.documents import DifferenceDocument, FindingDocument, FindingsDocument
from delineate.web.finding_pictures import NAME_PATTERN, finding_picture, mask_differences
from delineate.web.pixel_answers import described, png_answer
from delineate.web.problems import RefusedError, refusals
from delineate.web.routes.cases import AtDesk, Count, Start

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


@router.get("/findings/{finding}")
def get_finding(desk: AtDesk, finding: Id) -> FindingDocument:
    """One finding with its evidence, what was decided on it, and what may be."""
    found = desk.finding(finding)
    return finding_document(desk, desk.state(), found)


@router.get("/findings/{finding}/differences", responses=refusals(422))
def get_finding_differences(desk: AtDesk, finding: Id) -> list[DifferenceDocument]:
    """What the masks of copies share with that of the first one; empty for other findings."""
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
