"""Files of objects state the size of the image that they were drawn on."""

from __future__ import annotations

from delineate.core.errors import SizeMismatchError
from delineate.core.geometry import Size
from delineate.files.json_values import said


def require_stated_size(where: str, stated: tuple[object, object], size: Size) -> None:
    """Nothing, where what the file states is the image's (height, width), or is left out.

    Raises:
        SizeMismatchError: naming both.
    """
    if any(value is not None and value != true for value, true in zip(stated, size, strict=True)):
        raise SizeMismatchError(
            f"{where}: was drawn on an image of {said(stated[0])} x {said(stated[1])} px (height x "
            f"width), and the image here has {size[0]} x {size[1]}; draw on the image as it is, or "
            "bring back the one that was drawn on"
        )
