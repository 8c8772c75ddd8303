"""The application: its addresses, and what stands before each of them."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware

from delineate.web.bodies import Bodies
from delineate.web.failing import Unexpected, answer_errors
from delineate.web.problems import API, refusals
from delineate.web.routes import (
    cases,
    decisions,
    examples,
    findings,
    health,
    jobs,
    login,
    models,
    pages,
    predictions,
)
from delineate.web.security import Access, OwnNames, SecureHeaders, Token
from delineate.web.served import Served
from delineate.web.under_way import TakesNothingNew, UnderWay

ROOT = f"{API}/v1"
_ROUTES = (health, models, examples, predictions, jobs, cases, findings, decisions)
_DESCRIPTION = """What a segmentation model says of images, and what people decide on its labels.

Every answer that is no success is a `Problem`: one line for people, one word for programs.
A server that was started with a token asks for `Authorization: Bearer TOKEN`.
"""


def create_app(served: Served, access: Access) -> FastAPI:
    """The application of one server. Whoever calls it opens and closes what it serves."""
    under_way = UnderWay()
    app = FastAPI(
        title="Delineate",
        description=_DESCRIPTION,
        version=version("delineate"),
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation,
        middleware=[
            Middleware(SecureHeaders),
            Middleware(Unexpected),
            Middleware(OwnNames, access),
            Middleware(TakesNothingNew, served.stopping, under_way),
            Middleware(Token, access),
            Middleware(Bodies, served.settings),
        ],
    )
    app.state.served, app.state.access, app.state.under_way = served, access, under_way
    answer_errors(app)
    app.include_router(_api())
    app.include_router(pages.router, include_in_schema=False)
    app.include_router(login.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=str(files("delineate.web") / "static")))
    return app


def _api() -> APIRouter:
    """Every address below `/api/v1`, with the refusals that any of them may answer."""
    api = APIRouter(prefix=ROOT, responses=refusals(400, 401, 403, 422, 500, 503))
    for module in _ROUTES:
        api.include_router(module.router)
    return api


def _operation(route: Any) -> str:
    """The name of the function, which clients that are made from the description take over."""
    return str(route.name)
