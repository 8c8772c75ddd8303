"""Addresses of models."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from delineate.web.documents import ModelDocument
from delineate.web.problems import RefusedError, refusals
from delineate.web.served import Served, served_of

router = APIRouter(tags=["models"])


@router.get("/models")
async def models(served: Annotated[Served, Depends(served_of)]) -> list[ModelDocument]:
    """The models that are served: one."""
    return [served.document]


@router.get("/models/{name:path}", responses=refusals(404))
async def model(
    name: Annotated[str, Path(max_length=500, examples=["vessel, seed 0"])],
    served: Annotated[Served, Depends(served_of)],
) -> ModelDocument:
    """What the model of that name is for, how good it is, and what it must not be used for."""
    if name != served.document.name:
        raise RefusedError(
            404, "not_found", "model: no such one here; /api/v1/models lists those there are"
        )
    return served.document
