"""Methods without a network as segmenters: the same path as a network's, but for tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from delineate.classical.catalogue import find_method
from delineate.classical.method import Method
from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.core.geometry import Size
from delineate.core.types import Image, Mask, Probability
from delineate.inference.field_of_view import background_outside, field_of_view
from delineate.inference.model_card import ModelCard
from delineate.inference.preparation import Preparation, resize_labels, resize_probability
from delineate.inference.repeats import view_average
from delineate.inference.segmenter import Segmenter
from delineate.inference.settings import PredictSettings

# Of the settings of prediction those that say how a network's tiles lie.
_OF_TILES = ("tile_px", "margin_px", "blend_px")


def classical_segmenter(
    method: Method,
    preparation: Preparation,
    settings: PredictSettings,
    *,
    has_dark_surround: bool,
    threads: int | None = None,
) -> Segmenter:
    """Prepared, parted as a whole, averaged over views, and brought back to native size.

    With a dark surround the method looks at the field of view alone, and all outside it is
    background.
    """
    use_threads(threads)

    def one_pass(images: NDArray[np.float32]) -> Probability:
        return np.stack([method.probability(each[:-1], each[-1] > 0) for each in images])

    averaged = view_average(one_pass, settings.repeats)

    def of_one(image: Image) -> Probability:
        image = image[..., None] if image.ndim == 2 else image
        tones = preparation(image)
        size_px = (tones.shape[1], tones.shape[2])
        view = view_of(image, size_px, has_dark_surround=has_dark_surround)
        # The view goes with the tones, so that it is mirrored and turned as they are.
        probability = averaged(np.concatenate([tones, view[None]]).astype(np.float32)[None])[0]
        native = np.ascontiguousarray(resize_probability(probability, image.shape[:2]))
        return background_outside(native, image) if has_dark_surround else native

    def segment(images: Sequence[Image]) -> list[Probability]:
        return [of_one(each) for each in images]

    return segment


def view_of(image: Image, size_px: Size, *, has_dark_surround: bool) -> Mask:
    """(H, W) at working size: the field of view of an image with a dark surround, else all."""
    view = field_of_view(image) if has_dark_surround else None
    if view is None:
        return np.ones(size_px, bool)
    return resize_labels(view.astype(np.uint8), size_px) > 0


def use_threads(threads: int | None) -> None:
    """Let the libraries take so many threads from here on; None changes nothing."""
    if threads is not None:
        cv2.setNumThreads(threads)
        threadpool_limits(threads)


def read_method(file: Path, card: ModelCard) -> Method:
    """The method of a card with what it learnt.

    Raises:
        SettingsError: a method that this version does not know.
        UnreadableFileError: what it learnt is damaged, or is of other images or classes.
    """
    if card.classical is None:
        raise TypeError("the card of a network holds no method")
    kind = find_method(card.classical.method)
    try:
        method = kind.model_validate(card.classical.learnt)
        method.require_fits(channels=card.preparation.channels, classes=len(card.classes))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["classical.learnt", *map(str, first["loc"])])
        raise _damaged(file, f"{where}: {first['msg']}") from error
    except ValueError as error:
        raise _damaged(file, f"classical.learnt: {error}") from error
    return method


def _damaged(file: Path, reason: str) -> UnreadableFileError:
    return UnreadableFileError(f"{file}: {reason}; copy the model folder again, or train anew")


def require_no_tiles(changes: Mapping[str, Any]) -> None:
    """Refuse settings that only a network has a use for.

    Raises:
        SettingsError: naming them.
    """
    asked = [name for name in _OF_TILES if name in changes]
    if asked:
        raise SettingsError(
            f"{', '.join(asked)}: a method without a network sees the whole image, and has no "
            "tiles; leave it out"
        )


def require_processor(device: str | None) -> None:
    """Refuse a device other than the processor.

    Raises:
        SettingsError: naming it.
    """
    if device not in (None, "cpu"):
        raise SettingsError(
            f"--device {device}: a method without a network runs on the processor; leave the "
            "option out"
        )
