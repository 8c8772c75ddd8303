"""Addresses of pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse

from delineate.web.rendering import page
from delineate.web.served import Served, served_of

router = APIRouter()
Here = Annotated[Served, Depends(served_of)]
# Of predictions, jobs, findings and cases alike; whether there is one is found by the page itself.
Key = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


@router.get("/")
async def landing_page(request: Request, served: Here) -> HTMLResponse:
    """What the model is for and how good it is, and where images are dropped."""
    return page(
        served, request, "landing.html", settings=served.settings, examples=list(served.examples)
    )


@router.get("/result/{key}")
async def result_page(request: Request, served: Here, key: Key) -> HTMLResponse:
    """What the model says of one image."""
    return page(served, request, "result.html", id=key)


@router.get("/batch/{key}")
async def batch_page(request: Request, served: Here, key: Key) -> HTMLResponse:
    """How far a batch of images is."""
    return page(served, request, "batch.html", id=key, settings=served.settings)


@router.get("/review")
async def review_page(request: Request, served: Here) -> HTMLResponse:
    """The findings that wait for a decision."""
    return page(served, request, "review.html")


@router.get("/review/finding/{key}")
async def finding_page(request: Request, served: Here, key: Key) -> HTMLResponse:
    """One finding."""
    return page(served, request, "finding.html", id=key)


@router.get("/review/case/{key}")
async def case_page(request: Request, served: Here, key: Key) -> HTMLResponse:
    """One image with its label, to be looked at and mended."""
    return page(served, request, "case.html", key=key)


@router.get("/cases")
async def cases_page(request: Request, served: Here) -> HTMLResponse:
    """All images of the data."""
    return page(served, request, "cases.html")


@router.get("/history")
async def history_page(request: Request, served: Here) -> HTMLResponse:
    """What was decided, the newest first."""
    return page(served, request, "history.html")
