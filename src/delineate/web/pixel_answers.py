"""Pixels as a browser takes them, without loss."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from fastapi.responses import Response
from numpy.typing import NDArray

PNG, RAW = "image/png", "application/octet-stream"


def png_answer(pixels: NDArray[np.uint8]) -> Response:
    """(H, W) or (H, W, 3) as PNG without palette, gamma or profile: a canvas changes nothing."""
    content = imagecodecs.png_encode(np.ascontiguousarray(pixels), level=1)
    return Response(bytes(content), media_type=PNG)


def shades_answer(shades: NDArray[Any]) -> Response:
    """8 bits of grey or RGB as PNG; 16-bit grey as little-endian numbers, row by row."""
    if shades.dtype == np.uint16:
        return Response(shades.astype("<u2").tobytes(), media_type=RAW)
    return png_answer(shades)


def described(*, raw: bool = False) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of such an answer."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = {PNG: schema, RAW: schema} if raw else {PNG: schema}
    return {200: {"content": content, "description": "the pixels"}}
