"""The mean over views of one image: mirrored, and turned by quarters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Probability
from delineate.inference.settings import Repeats
from delineate.inference.tiles import Pass

# Each view: quarter turns, then whether it is mirrored left-right.
VIEWS: dict[Repeats, tuple[tuple[int, bool], ...]] = {
    "single": ((0, False),),
    "flips": ((0, False), (0, True)),
    "turns": tuple((turns, mirror) for turns in range(4) for mirror in (False, True)),
}


def view_average(one_pass: Pass, repeats: Repeats) -> Pass:
    """The pass whose probability is the mean over the views, each turned back."""

    def averaged(images: NDArray[np.float32]) -> Probability:
        total: Probability | None = None
        for turns, is_mirrored in VIEWS[repeats]:
            view = np.rot90(images, turns, axes=(2, 3))
            view = view[..., ::-1] if is_mirrored else view
            # Not `ascontiguousarray`, which keeps a side of one pixel running backwards.
            result = one_pass(view.copy())
            result = result[..., ::-1] if is_mirrored else result
            result = np.rot90(result, -turns, axes=(2, 3))
            total = result.copy() if total is None else total + result
        assert total is not None  # every kind of repeat has at least one view
        return np.ascontiguousarray(total / np.float32(len(VIEWS[repeats])))

    return averaged if repeats != "single" else one_pass
