"""Addresses of pages."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, Response

from delineate.web.api_page import documents, operations
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


@router.get("/api")
async def api_page(request: Request, served: Here) -> HTMLResponse:
    """How programs ask, from the description itself."""
    description = request.app.openapi()
    has_token = request.app.state.access.token is not None
    return page(
        served,
        request,
        "api.html",
        description_address=request.app.openapi_url,
        operations=operations(description),
        documents=documents(description),
        has_token=has_token,
        lines=_curl(
            str(request.base_url).rstrip("/"),
            has_token=has_token,
            has_review=served.desk is not None,
        ),
        client=_client(),
    )


@router.get("/api/client.py")
async def client_example(served: Here) -> Response:
    """A small client to begin with."""
    return Response(_client(), media_type="text/x-python")


def _client() -> str:
    return (files("delineate.web") / "pages" / "client.py").read_text(encoding="utf-8")


def _curl(address: str, *, has_token: bool, has_review: bool) -> list[tuple[str, str]]:
    """What each line does, and the line."""
    curl = 'curl -H "Authorization: Bearer $TOKEN"' if has_token else "curl"
    api = f"{address}/api/v1"
    review = ("The decisions, the newest first", f"{curl} {api}/decisions")
    return [
        ("What the model says of an image", f"{curl} -F image=@scan.png {api}/predictions"),
        (
            "The mask alone, as a PNG of class indices",
            f"{curl} -F image=@scan.png -o mask.png '{api}/predictions?answer=mask'",
        ),
        (
            "Many images as one job, whose document says where its events and its result are",
            f"{curl} -F images=@scan.png -F images=@other.png {api}/jobs",
        ),
        ("What the model is for, and how good it is", f"{curl} {api}/models"),
        *([review] if has_review else []),
    ]
