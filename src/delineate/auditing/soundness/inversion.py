"""Masks whose foreground is everything but the objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.types import IGNORE, Labels, Mask

Sign = Literal["surround", "holes"]

# Foreground in so much of the dark around a picture, or of the frame's edge, which objects may
# touch, is all around.
_SURROUND, _EDGE = 0.9, 0.7
# Objects are holes where so much of the background lies inside, and the rest is one piece.
_ENCLOSED, _ONE_PIECE = 0.5, 0.9
# So many masks must show a sign, and such a share of those that could.
_FEWEST, _SHARE = 2, 0.8


@dataclass(frozen=True)
class Inverted:
    """By which sign masks seem inverted, in how many of those that could show one."""

    sign: Sign
    masks: int
    of_masks: int


def sign_of_inversion(labels: Labels, view: Mask | None) -> Sign | None:
    """What says that a mask of one class is inverted; None where nothing does.

    Most of the frame is foreground, and either all of the dark around the picture is, or the
    foreground is one piece that runs along the edge of the frame, and the background lies in it
    as holes. `view` is False in the dark around the picture, None where there is none.
    """
    counted = labels != IGNORE
    is_object = (labels != 0) & counted
    if _share(is_object, counted) <= 0.5:
        return None
    if view is not None and _share(is_object, counted & ~view) >= _SURROUND:
        return "surround"
    edge = np.concatenate([is_object[0], is_object[-1], is_object[:, 0], is_object[:, -1]])
    is_around = edge.mean() >= _EDGE
    return "holes" if is_around and _has_holes(is_object, counted) else None


def inverted(signs: Sequence[Sign | None]) -> Inverted | None:
    """Whether the signs of masks that hold both foreground and background agree.

    Four in five must show one, at least two.
    """
    shown = [sign for sign in signs if sign is not None]
    if len(shown) < max(_FEWEST, _SHARE * len(signs)):
        return None
    commoner: Sign = "surround" if shown.count("surround") * 2 >= len(shown) else "holes"
    return Inverted(commoner, len(shown), len(signs))


def _share(mask: Mask, where: Mask) -> float:
    counted = int(np.count_nonzero(where))
    return int(np.count_nonzero(mask & where)) / counted if counted else 0.0


def _has_holes(is_object: Mask, counted: Mask) -> bool:
    background = counted & ~is_object
    sizes_px, touches_edge = _pieces(background)
    objects_px, _ = _pieces(is_object)
    if not len(sizes_px) or not len(objects_px):
        return False
    enclosed = sizes_px[~touches_edge].sum() / sizes_px.sum()
    return bool(enclosed >= _ENCLOSED and objects_px.max() / objects_px.sum() >= _ONE_PIECE)


def _pieces(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Pixels of each connected piece, and whether it touches the edge of the frame."""
    count, labels, table, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8
    )
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touches = np.isin(np.arange(1, count), edge)
    return np.asarray(table[1:, cv2.CC_STAT_AREA], np.int32), touches
