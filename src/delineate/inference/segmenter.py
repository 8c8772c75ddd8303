"""From an image as it was read to probability at its own size: the same path everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from delineate.core.types import Image, Probability
from delineate.inference.batches import in_passes
from delineate.inference.field_of_view import background_outside
from delineate.inference.preparation import Preparation, resize_probability
from delineate.inference.repeats import view_average
from delineate.inference.settings import PredictSettings
from delineate.inference.tiles import Pass, tiled

# (H, W) or (H, W, C) images to the (C, H, W) probability of each, at its own size.
Segmenter = Callable[[Sequence[Image]], list[Probability]]


def segmenter(
    one_pass: Pass,
    preparation: Preparation,
    settings: PredictSettings,
    stride_px: int,
    *,
    lost_px: int = 0,
    has_dark_surround: bool = False,
    is_overlapping: bool = False,
    has_presence_head: bool = False,
) -> Segmenter:
    """Prepared, predicted in tiles and views, and brought back to native size.

    A pass of an unpadded network loses `lost_px` at each side. With a dark surround, which the
    network has not been trained on, all outside the field of view is background. The last channel
    of a network with a head for presence comes along as it is: see `split_presence`. Images of
    one working size share passes, as `in_passes` has it: alone or beside others what comes of an
    image is the same but for rounding.
    """
    whole = view_average(tiled(one_pass, settings, stride_px, lost_px=lost_px), settings.repeats)

    def native_size(image: Image, probability: Probability) -> Probability:
        native = np.ascontiguousarray(resize_probability(probability, image.shape[:2]))
        if not has_dark_surround:
            return native
        if not has_presence_head:
            return background_outside(native, image, is_overlapping=is_overlapping)
        maps = background_outside(native[:-1], image, is_overlapping=is_overlapping)
        return np.concatenate([maps, native[-1:]])

    def segment(images: Sequence[Image]) -> list[Probability]:
        images = [each[..., None] if each.ndim == 2 else each for each in images]
        inputs = [preparation(each) for each in images]
        found = in_passes(whole, inputs)
        return [native_size(*each) for each in zip(images, found, strict=True)]

    return segment
