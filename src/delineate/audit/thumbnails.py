"""Candidates compared on thumbnails of their contents: cheap, and rid of nearly all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from delineate.audit.alignment import Axes, even_contrast, laid, lay_on
from delineate.audit.gallery import Gallery
from delineate.audit.orientation import ORIENTATIONS, oriented

Even = NDArray[np.float32]

AT_ONCE = 4096
ALIKE = 0.6  # what copies reach by far, with bars found wrongly by a pixel as well
WORTH_LAYING = 0.3  # below it not even a small shift explains the difference


@dataclass(frozen=True)
class Candidate:
    """Two pictures that may be copies, the second oriented.

    `axes` takes pixel centres of the first's thumbnail to those of the second's once that is
    oriented; None where nobody looked for a crop or a shift.
    """

    first: int
    second: int
    orientation: str
    score: float
    axes: Axes | None = None


def alike_on_thumbnails(gallery: Gallery, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Those candidates whose thumbnails are alike in detail, with that score.

    All eight orientations are tried: coarse shapes can be most alike under a wrong one.
    """
    rest = iter(candidates)
    while batch := list(islice(rest, AT_ONCE)):
        even = even_thumbnails(gallery, sorted({p for c in batch for p in (c.first, c.second)}))
        for candidate in batch:
            found = _best(even, candidate)
            if found.score >= ALIKE:
                yield found


def even_thumbnails(gallery: Gallery, positions: Sequence[int]) -> dict[int, Even]:
    """(64, 64) float32 thumbnails of even contrast, by position."""
    thumbs = gallery.thumbs(positions)
    return {
        position: even_contrast(thumb.astype(np.float32))
        for position, thumb in zip(positions, thumbs, strict=True)
    }


def correlation(first: Even, second: Even) -> float:
    """Of two pictures of one shape, where both show something."""
    shown = np.isfinite(second)
    if shown.all():
        one, other = first.ravel(), second.ravel()
    else:
        one, other = first[shown], second[shown]
    if not one.size:
        return 0.0
    norms = float(np.sqrt(np.dot(one, one) * np.dot(other, other)))
    return float(np.dot(one, other)) / norms if norms > 0 else 0.0


def _best(even: dict[int, Even], candidate: Candidate) -> Candidate:
    first, second = even[candidate.first], even[candidate.second]
    turned = np.stack([oriented(second, name) for name in ORIENTATIONS])
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    scores = turned.reshape(len(turned), -1) @ first.ravel() / max(norms, 1e-9)
    place = int(np.argmax(scores))
    score = float(scores[place])
    if WORTH_LAYING <= score < ALIKE:
        # Bars whose edge was found a little beside its place shift the content.
        axes = lay_on(first, turned[place], np.array([[1.0, 0, 0], [0, 1, 0]]))
        score = correlation(first, laid(turned[place], axes, first.shape))
    return replace(candidate, orientation=list(ORIENTATIONS)[place], score=score)
