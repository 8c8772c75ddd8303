"""Addresses of health."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from delineate.web.documents import HealthDocument
from delineate.web.served import Served, served_of

router = APIRouter(tags=["health"])


@router.get("/health", response_model=HealthDocument, responses={503: {"model": HealthDocument}})
async def health(request: Request, served: Annotated[Served, Depends(served_of)]) -> JSONResponse:
    """Whether the server takes work: `ok`, or, with 503, `stopping`.

    This address needs no token; how much waits is said only to those who have it.
    """
    is_stopping = served.stopping.is_begun
    is_known = request.app.state.access.is_known(request)
    document = HealthDocument(
        status="stopping" if is_stopping else "ok",
        version=version("delineate") if is_known else None,
        waiting=served.predictor.waiting if is_known else None,
        room=served.predictor.room if is_known else None,
    )
    return JSONResponse(document.model_dump(), 503 if is_stopping else 200)
