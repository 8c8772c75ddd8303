"""Pages, and refusals in the form that the asker reads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from delineate.web.documents import Problem
from delineate.web.problems import API

if TYPE_CHECKING:
    from delineate.web.served import Served


def page(served: Served, request: Request, template: str, **values: object) -> HTMLResponse:
    """A page of `web/pages`, with the model that is served, and whether there is data to review."""
    has_review = served.desk is not None
    text = render(request, template, model=served.document, has_review=has_review, **values)
    return HTMLResponse(text)


def bare_page(request: Request, template: str, status: int, **values: object) -> HTMLResponse:
    """A page for anybody: it says nothing of what is served."""
    text = render(request, template, model=None, has_review=False, status=status, **values)
    return HTMLResponse(text, status)


def problem(
    request: Request,
    status: int,
    kind: str,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """What went wrong: a `Problem` below `/api`, a page elsewhere."""
    answer: Response
    if is_of_api(request.url.path):
        answer = JSONResponse(Problem(error=message, kind=kind).model_dump(), status)
    else:
        answer = bare_page(request, "problem.html", status, message=message)
    answer.headers.update(headers or {})
    return answer


def is_of_api(path: str) -> bool:
    """Whether programs ask there, who read JSON; `/api` itself is a page."""
    return path.startswith(f"{API}/v")


def render(request: Request, template: str, **values: object) -> str:
    """The text of a page; everything put into it is escaped."""
    return _environment().get_template(template).render(path=request.url.path, **values)


def coded(text: str) -> Markup:
    """The text with what stands between backticks as code.

    Examples:
        >>> str(coded("of `links`, < 3"))
        'of <code>links</code>, &lt; 3'
    """
    parts = [
        Markup("<code>{}</code>").format(part) if number % 2 else Markup.escape(part)
        for number, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("delineate.web", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["delineate_version"] = version("delineate")
    environment.filters["coded"] = coded
    return environment
