"""Addresses of decisions: the log, and what is added to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sse_starlette.sse import EventSourceResponse

from delineate.web.documents import DecisionDocument, DecisionRequest, DecisionsDocument
from delineate.web.problems import refusals
from delineate.web.review.desk import KEY_PATTERN, Desk
from delineate.web.review.desk_documents import page_of
from delineate.web.routes.cases import AtDesk, Count, Server, Start
from delineate.web.served import Stopping

LOOK_S = 0.4  # between two looks at whether the log has grown
PING_S = 15

router = APIRouter(tags=["decisions"], responses=refusals(404))


@router.get("/decisions")
def list_decisions(
    desk: AtDesk,
    start: Start = 0,
    count: Count = 50,
    case: Annotated[
        str | None, Query(pattern=KEY_PATTERN, description="only those that speak of this case")
    ] = None,
) -> DecisionsDocument:
    """The log, the newest decision first, with what became of each."""
    state = desk.state()
    found = state.rows if case is None else state.touching([desk.sample(case).id])
    total = len(found)
    rows = found[max(0, total - start - count) : max(0, total - start)]
    return DecisionsDocument(
        page=page_of("/decisions", total=total, start=start, count=count, asked={"case": case}),
        last=state.newest,
        decisions=list(reversed(rows)),
    )


@router.post("/decisions", status_code=201, responses=refusals(400, 408, 409, 413))
def decide(desk: AtDesk, request: DecisionRequest) -> DecisionDocument:
    """Add one decision to the log, whole or not at all.

    It is on a finding, or on a case that no finding is about, or it takes another one back.
    """
    return desk.decide(request)


@router.get(
    "/decisions/events",
    response_class=EventSourceResponse,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": 'event `decision` with `{"last": N}`: at once, and whenever it grows',
        }
    },
)
async def decision_events(served: Server, desk: AtDesk) -> EventSourceResponse:
    """Tell whenever somebody has decided, here or in a terminal, until either side ends."""
    return EventSourceResponse(_growth(desk, served.stopping), ping=PING_S)


async def _growth(desk: Desk, stopping: Stopping) -> AsyncIterator[dict[str, Any]]:
    changes = last = -1
    while not stopping.is_begun:
        # Four bytes of the file say whether it is worth a question.
        if desk.log.changes != changes:
            changes = desk.log.changes
            newest = await asyncio.to_thread(desk.log.newest)
            if newest != last:
                last = newest
                yield {"event": "decision", "data": json.dumps({"last": last})}
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_S)
