"""The process that decodes files which nobody has looked at: it may die of them, and has no rights.

It speaks with its server over one socket. A request is a line of JSON; the answer is the length
of a line of JSON, that line, and the bytes of the arrays that it announces. Nothing is pickled,
so that a process which a file has taken over can hand back wrong pixels and no more.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import (
    DelineateError,
    SeveralFramesError,
    TooManyPixelsError,
    UnknownFormatError,
)
from delineate.core.types import Image
from delineate.files.formats import read_content
from delineate.files.shades import Picture, Shades, ShownWindow, picture_from
from delineate.report.display import to_rgb

READY = b"\x01"
LENGTH = struct.Struct("<I")
_OPEN_FILES = 64
_AS_THEY_ARE = ShownWindow(0.0, 255.0, "8 bits, as they are")
_DEEP_COLOURS = ShownWindow(
    0.0, 255.0, "colours of more than 8 bits, between the 0.5th and 99.5th percentile of all"
)


def serve(link: socket.socket, *, largest_pixels: int, memory_bytes: int, limit_s: float) -> None:
    """Answer requests until the server hangs up."""
    # Whatever a decoder imports late is imported before its rights are gone.
    import pydicom.pixels.decoders  # noqa: F401

    _give_up_rights(memory_bytes)
    link.sendall(READY)
    with link.makefile("rb") as lines:
        for line in lines:
            # The default action ends this process, in the middle of a codec too, and even where
            # the server is gone.
            signal.setitimer(signal.ITIMER_REAL, limit_s)
            header, arrays = _answer(json.loads(line), largest_pixels)
            signal.setitimer(signal.ITIMER_REAL, 0)
            written = json.dumps(header).encode()
            link.sendall(LENGTH.pack(len(written)) + written)
            for array in arrays:
                link.sendall(np.ascontiguousarray(array).data.cast("B"))


def _give_up_rights(memory_bytes: int) -> None:
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: 0,  # not a byte into any file
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    for kind, most in limits.items():
        # Some systems know no limit on addresses.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _answer(request: dict[str, Any], largest_pixels: int) -> tuple[dict[str, Any], list[Any]]:
    name, path = request["name"], Path(request["path"])
    try:
        content = read_content(path)
        picture = picture_from(
            Path(name), content, max_pixels=largest_pixels, frame=request["frame"]
        )
        return _described(picture)
    except Exception as error:  # noqa: BLE001 - hostile bytes raise anything in a decoder
        return _refusal(error, name, path), []


def _described(picture: Picture) -> tuple[dict[str, Any], list[Any]]:
    image = picture.image
    shades, slope, intercept, window = _shown(image, picture.shades)
    arrays = [image]
    # What is the same is sent once.
    if not np.may_share_memory(shades, image):
        arrays.append(shades)
    spacing = picture.spacing
    header = {
        "format": picture.format,
        "arrays": [{"shape": each.shape, "type": each.dtype.name} for each in arrays],
        "slope": slope,
        "intercept": intercept,
        "window": [window.low, window.high, window.origin],
        "spacing": spacing and [spacing.row_mm, spacing.column_mm, spacing.origin],
    }
    return header, arrays


def _shown(image: Image, shades: Shades | None) -> tuple[NDArray[Any], float, float, ShownWindow]:
    if shades is not None:
        return shades.steps, shades.slope, shades.intercept, shades.window
    if image.dtype == np.uint8:
        return image, 1.0, 0.0, _AS_THEY_ARE
    return to_rgb(image), 1.0, 0.0, _DEEP_COLOURS


def _refusal(error: Exception, name: str, path: Path) -> dict[str, Any]:
    status, kind = 422, "unreadable_file"
    said = str(error).replace(str(path), name).replace("--frame", "frame")
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, MemoryError):
        cause = cause.__context__
    if cause is not None:
        status, kind = 413, "too_much_memory"
        said = f"{name}: expected an image that takes less memory than one may have here; reduce it"
    elif isinstance(error, TooManyPixelsError):
        status, kind = 413, "too_many_pixels"
    elif isinstance(error, SeveralFramesError):
        kind = "several_frames"
    elif isinstance(error, UnknownFormatError):
        status, kind = 415, "unknown_format"
    elif not isinstance(error, DelineateError):
        said = f"{name}: expected a whole image, found one that cannot be decoded; export it anew"
    return {"refusal": [status, kind, " ".join(said.split())]}


if __name__ == "__main__":
    _descriptor, _pixels, _memory, _seconds = sys.argv[1:]
    serve(
        socket.socket(fileno=int(_descriptor)),
        largest_pixels=int(_pixels),
        memory_bytes=int(_memory),
        limit_s=float(_seconds),
    )
