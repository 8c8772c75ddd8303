"""What any model can reach on pictures that are labelled in several ways.

The best mean score of any one mask X against the masks M1 ... Mn of one picture, where two
empty masks score 1. It holds for a model that gives one answer for all copies of the picture,
and for these pictures alone.

Dice, exactly. For n = 2, let A be the smaller mask, B the larger, U their union:

    best = max of the mean Dice of A and the mean Dice of U.

Pixels outside of U only add to the denominators, and each pixel of both A and B adds to both
Dice values; so X holds the intersection, q pixels of A alone and r of B alone. With
s = |X| fixed, the sum 2(i + q)/(s + |A|) + 2(i + r)/(s + |B|) is linear in q, rising as
|A| <= |B|: A's pixels come first. Along r = 0 the sum is, with t = i + q,
2 - 2|A|/(t + |A|) + 2i/(t + |B|), which rises as |A|/(t + |A|)^2 >= i/(t + |B|)^2. From X = A
on it is 2|A|/(2|A| + r) + 2(i + r)/(|A| + |B| + r), whose derivative has the sign of
r(sqrt|U| - sqrt|A|) - sqrt|A|(|A| + |B|) + 2|A| sqrt|U|: that rises with r, so that the sum
first falls and then rises, and is largest at an end: A or U.

For any n the mean is linear in X once s = |X| is fixed: a pixel weighs the sum of
2/(s + |Mk|) over the masks that hold it, and the best X of size s holds the s heaviest pixels.
Sizes are searched by parting intervals: between sizes l and h no X scores more than the h
heaviest pixels with the weights at l. An empty X is tried apart.

IoU. 1 - IoU is a metric (Levandowsky and Winter, Nature 234 (1971) 34), so that
IoU(X, A) + IoU(X, B) <= 1 + IoU(A, B), and A reaches this: for n = 2 the best is
(1 + IoU(A, B))/2, exactly. For more, the mean over all pairs of that value is an upper bound;
the lower one is what a concrete mask reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.masks.joint_labels import JointLabels, joint_labels
from delineate.core.types import Labels, Mask

DICE, IOU = "dice", "iou"
_MOST_WEIGHTS = 4_000_000
_CLOSE = 1e-12
_SPLIT = 8


@dataclass(frozen=True)
class Reachable:
    """The best mean score of any one mask lies from `lower` to `upper`.

    `lower` is reached by the mask that `reached_by` names.
    """

    score: str
    lower: float
    upper: float
    reached_by: str

    @property
    def is_exact(self) -> bool:
        """Whether both bounds are one."""
        return self.upper - self.lower < 1e-9

    def __str__(self) -> str:
        """The value, or both bounds.

        Examples:
            >>> print(Reachable("dice", 0.75, 0.75, "the union"))
            0.750
            >>> print(Reachable("iou", 0.5, 0.625, "the union"))
            0.500 to 0.625
        """
        exact = f"{self.upper:.3f}"
        return exact if self.is_exact else f"{self.lower:.3f} to {exact}"


@dataclass(frozen=True)
class MeanReachable:
    """Bounds of the mean over groups of copies, and over their labelled images."""

    score: str
    groups: int
    images: int
    by_group: tuple[float, float]
    by_image: tuple[float, float]


@dataclass(frozen=True)
class Votes:
    """The masks of one picture by kind of pixel: which masks hold it.

    `holds` (T, n) bool has a row for each combination that occurs, `pixels` (T,) how many
    pixels have it.
    """

    holds: NDArray[np.bool_]
    pixels: NDArray[np.int64]

    @property
    def areas(self) -> NDArray[np.int64]:
        """(n,) pixels of each mask."""
        total: NDArray[np.int64] = self.pixels @ self.holds.astype(np.int64)
        return total


def reachable(
    labels: Sequence[Labels], score: str = DICE, *, is_overlapping: bool = False
) -> Reachable | None:
    """The best mean score of any one label map against all of these, which share one grid.

    Each class that any of them holds is scored by itself, two empty masks scoring 1, and the
    mean over classes counts. With several classes the upper bound lets each class have its
    own best mask, even where these overlap; classes that may overlap reach it. Pixels that any
    label map ignores do not count;
    None where no pixel is left.

    Raises:
        ValueError: fewer than two label maps, or a score other than dice and iou.
        SizeMismatchError: label maps of different shapes.
    """
    if len(labels) < 2 or score not in (DICE, IOU):
        raise ValueError(
            f"expected two masks or more and dice or iou, found {len(labels)}, {score}"
        )
    joint = joint_labels(labels, is_overlapping=is_overlapping)
    if not joint.compared_px:
        return None
    if not joint.classes:
        return Reachable(score, 1.0, 1.0, "an empty mask")
    votes = [Votes(joint.holds(index), joint.pixels) for index in joint.classes]
    best = [best_mask(each, score) for each in votes]
    if len(best) == 1:
        return best[0]
    upper = float(np.mean([each.upper for each in best]))
    if is_overlapping:
        lower = float(np.mean([each.lower for each in best]))
        return Reachable(score, lower, upper, "the best mask of each class")
    tried = [(_mean_of_map(each, joint, score), name) for each, name in _label_maps(joint.labels)]
    lower, name = max(tried, key=lambda found: found[0])
    return Reachable(score, lower, max(lower, upper), name)


def best_mask(votes: Votes, score: str = DICE) -> Reachable:
    """The same for masks of one class, by their votes."""
    candidates = [(mean_score(mask, votes, score), name) for mask, name in _candidates(votes)]
    lower, name = max(candidates, key=lambda found: found[0])
    if score == IOU:
        return Reachable(score, lower, max(lower, _iou_bound(votes)), name)
    if votes.holds.shape[1] == 2:  # the smaller mask or the union is best: both were tried
        return Reachable(score, lower, lower, name)
    best, upper = _best_dice(votes)
    if best > lower + _CLOSE:
        lower, name = best, "the pixels that weigh most, by how many hold them and how large"
    return Reachable(score, lower, max(lower, upper), name)


def votes_of(masks: Sequence[Mask]) -> Votes:
    """Which masks hold which pixels, counted; the masks are boolean, (H, W) of one shape."""
    joint = joint_labels([mask.astype(np.uint8) for mask in masks])
    return Votes(joint.labels != 0, joint.pixels)


def mean_score(taken: NDArray[np.bool_], votes: Votes, score: str = DICE) -> float:
    """The mean score of the mask that takes these of the kinds of pixels, (T,) bool."""
    common = (votes.pixels * taken) @ votes.holds.astype(np.int64)
    size = int(votes.pixels[taken].sum())
    both = size + votes.areas
    above, below = (2 * common, both) if score == DICE else (common, both - common)
    values = np.where(below > 0, above / np.maximum(below, 1), 1.0)
    return float(values.mean())


def mean_reachable(found: Iterable[tuple[Reachable, int]]) -> MeanReachable | None:
    """The mean over groups, each with how many labelled images it has; None without any."""
    groups = list(found)
    if not groups:
        return None
    lower = np.array([each.lower for each, _ in groups])
    upper = np.array([each.upper for each, _ in groups])
    images = np.array([count for _, count in groups])
    total = int(images.sum())
    by_image = (float(lower @ images / total), float(upper @ images / total))
    by_group = (float(lower.mean()), float(upper.mean()))
    return MeanReachable(groups[0][0].score, len(groups), total, by_group, by_image)


def _label_maps(labels: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Each label map, and each with the classes of the others where it is background.

    `labels` (T, n) are the combinations; so are the answers, (T,).
    """
    for k in range(labels.shape[1]):
        yield labels[:, k], _ordinal(k)
        filled = labels[:, k].copy()
        for other in labels.T:
            np.copyto(filled, other, where=filled == 0)
        yield filled, f"{_ordinal(k)}, and where it is background the others"


def _mean_of_map(answer: NDArray[np.uint8], joint: JointLabels, score: str) -> float:
    """The mean score of one label map against all, over the classes that these hold."""
    values = [
        mean_score(answer == index, Votes(joint.labels == index, joint.pixels), score)
        for index in joint.classes
    ]
    return float(np.mean(values))


def _candidates(votes: Votes) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Masks with a name: agreed by so many, each of the masks, none."""
    count = votes.holds.shape[1]
    held = votes.holds.sum(axis=1)
    yield held >= 1, "the union"
    yield held == count, "the intersection"
    for least in range(2, count):
        yield held >= least, f"the pixels that at least {least} of {count} hold"
    for k in range(count):
        yield votes.holds[:, k], _ordinal(k)
    yield np.zeros(len(held), dtype=np.bool_), "an empty mask"


def _ordinal(place: int) -> str:
    return f"mask {place + 1}"


def _iou_bound(votes: Votes) -> float:
    bounds = []
    for first, second in combinations(range(votes.holds.shape[1]), 2):
        both = int(votes.pixels[votes.holds[:, first] & votes.holds[:, second]].sum())
        either = int(votes.pixels[votes.holds[:, first] | votes.holds[:, second]].sum())
        bounds.append((1 + (both / either if either else 1.0)) / 2)
    return float(np.mean(bounds))


def _best_dice(votes: Votes) -> tuple[float, float]:
    """The best mean Dice of a mask that is not empty, and a bound of it: equal when settled."""
    held = votes.holds.any(axis=1)
    votes = Votes(votes.holds[held], votes.pixels[held])
    total = int(votes.pixels.sum())
    if not total:
        return 0.0, 0.0
    low, high = np.array([1]), np.array([total])
    best = 0.0
    while True:
        ends = np.unique(np.concatenate([low, high]))
        best = max(best, float(_heaviest(votes, ends, ends).max()))
        bounds = _heaviest(votes, low, high)
        is_open = (bounds > best + _CLOSE) & (high > low)
        if not is_open.any():
            return best, best
        if is_open.sum() * _SPLIT * len(votes.pixels) > _MOST_WEIGHTS:
            return best, float(bounds[is_open].max())
        low, high = _parted(low[is_open], high[is_open])


def _parted(
    low: NDArray[np.int64], high: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each interval of whole numbers in parts that cover it, none of them twice."""
    edges = low[:, None] + (high - low + 1)[:, None] * np.arange(_SPLIT + 1) // _SPLIT
    starts, ends = edges[:, :-1].ravel(), edges[:, 1:].ravel() - 1
    kept = starts <= ends
    return starts[kept], ends[kept]


def _heaviest(
    votes: Votes, sizes: NDArray[np.int64], taken_px: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(S,) weight of the heaviest pixels, so many of them, with the weights at these sizes."""
    inverse = 2 / (sizes[:, None] + votes.areas)  # (S, n)
    weights = inverse @ votes.holds.T / votes.holds.shape[1]  # (S, T)
    order = np.argsort(-weights, axis=1)
    pixels = votes.pixels[order]
    before = np.cumsum(pixels, axis=1) - pixels
    taken = np.clip(taken_px[:, None] - before, 0, pixels)
    result: NDArray[np.float64] = (taken * np.take_along_axis(weights, order, axis=1)).sum(axis=1)
    return result
