"""What the page of an audit is made of, besides the findings: looks, comparisons, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.records import SAME_PLACE, Matrix
from delineate.core.types import Image, Labels


@dataclass(frozen=True)
class Look:
    """The pixels of one sample as they are stored; what is missing or wrong is said in words.

    `labels` are those of the observer of reference, None where there are none or where they
    cannot be read. They may have another size than the image.
    """

    image: Image | None
    labels: Labels | None = None
    problem: str | None = None


@dataclass(frozen=True)
class CopyView:
    """One picture of a comparison, and how it lies on the first one.

    `matrix` takes a pixel centre (column, row) of the first picture to that of this one, row
    by row, and grey levels are `gain * first + offset`, in stored levels, as
    `delineate.auditing.copies.records.Transform` has them. The first picture has the defaults.
    `words` say how it differs from the first, such as "flipped left to right, recompressed".
    """

    sample: str
    matrix: Matrix = SAME_PLACE
    gain: float = 1.0
    offset: float = 0.0
    words: str = ""


@dataclass(frozen=True)
class Comparison:
    """Pictures to be shown side by side, with the differences of each from the first.

    `dice` and `reachable` are short texts for a line of figures, such as "0.71" and
    "0.855 for any one mask"; an empty one is not shown. `facts` are further ones, name and
    value.
    """

    copies: tuple[CopyView, ...]
    dice: str = ""
    reachable: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ThresholdRow:
    """How many pairs lie under a threshold, and how many of them are contradictory.

    `by_nerve_tool` is the same count by the rule of the nerve tool; None leaves its column
    empty. `upright` are the pairs that need neither flip nor turn.
    """

    threshold: float
    pairs: int
    contradictory: int
    by_nerve_tool: int | None = None
    upright: int | None = None


@dataclass(frozen=True)
class DifferenceHistogram:
    """How many pairs have which distance, on a logarithmic axis.

    `edges` ascend and are positive, one more than `counts`. Pairs of distance 0 have no place
    on such an axis and are counted in `identical`. Counts of bins that end at or below
    `exact_below` are exact, the others estimated from a sample of pairs and may be broken
    numbers; None: all are exact. `words` say which is which, and how many pairs there are.
    """

    edges: tuple[float, ...]
    counts: tuple[float, ...]
    identical: int
    words: str
    exact_below: float | None = None


@dataclass(frozen=True)
class SubjectShare:
    """How many of a subject's masks are empty."""

    subject: str
    empty: int
    masks: int

    @property
    def share(self) -> float:
        """The share of empty masks; 0 where there is no mask."""
        return self.empty / self.masks if self.masks else 0.0


@dataclass(frozen=True)
class HeatMap:
    """Where the masks of a class lie: the share of masks with foreground at each place.

    `shares` is (64, 64) between 0 and 1, over the height and width of the images whatever
    their size; `masks` is how many were counted. `aspect` is the usual width of an image
    divided by its height.
    """

    label_class: str
    shares: NDArray[np.floating]
    masks: int
    aspect: float = 1.0


@dataclass(frozen=True)
class AuditFigures:
    """Tables and figures of a whole data set; what is empty is left out of the page.

    `contradiction_rule` says when a pair counts as contradictory, and by the nerve tool.
    """

    thresholds: Sequence[ThresholdRow] = ()
    contradiction_rule: str = ""
    histogram: DifferenceHistogram | None = None
    subjects: Sequence[SubjectShare] = ()
    heats: Sequence[HeatMap] = ()
