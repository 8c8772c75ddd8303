"""Addresses of examples."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from delineate.web.documents import ExampleDocument, PredictionDocument
from delineate.web.pixel_answers import PNG, described
from delineate.web.problems import API, refusals
from delineate.web.results.predicting import predicted
from delineate.web.served import Served, served_of

router = APIRouter(prefix="/examples", tags=["examples"])
Server = Annotated[Served, Depends(served_of)]
Key = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["5feceb66ffc86f38"])]


@router.get("")
async def examples(served: Server) -> list[ExampleDocument]:
    """Images to try the model on, none of which it was trained on."""
    return [
        ExampleDocument(
            key=each.key,
            name=each.shown_name,
            thumbnail=f"{API}/v1/examples/{each.key}/thumbnail",
        )
        for each in served.examples
    ]


@router.get("/{key}/thumbnail", response_class=Response, responses=described() | refusals(404))
async def example_thumbnail(key: Key, served: Server) -> Response:
    """A small picture of an example."""
    return Response(await served.examples.thumbnail(key), media_type=PNG)


@router.post("/{key}/prediction", status_code=201, responses=refusals(404))
async def example_prediction(key: Key, served: Server) -> PredictionDocument:
    """What the model says of an example."""
    return await predicted(served, await served.examples.decoded(key))
