"""Which class a cluster is, from how many training pixels of each class lie in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
# Row k: how much of each class cluster k stands for; rows sum to 1.
Table = tuple[tuple[float, ...], ...]


def class_table(counts: Counts, *, is_soft: bool) -> Table:
    """The (K, C) share of each class in each cluster, from counts (K, C).

    Of two classes and a soft probability it is what was counted, so that a threshold decides
    which clusters are foreground. Else each cluster belongs to one class, matched for the
    highest Dice: `matched`.
    """
    if is_soft and counts.shape[1] == 2:
        total = counts.sum(axis=1, keepdims=True)
        prior = counts.sum(axis=0) / max(counts.sum(), 1)
        shares = np.where(total > 0, counts / np.maximum(total, 1e-12), prior)
    else:
        shares = np.eye(counts.shape[1])[matched(counts)]
    return tuple(tuple(float(value) for value in row) for row in shares)


def matched(counts: Counts) -> NDArray[np.intp]:
    """The class of each cluster for which the mean Dice of the foreground classes is highest.

    Of two classes the best there is: clusters join the foreground in the order of their share of
    it. Of more, that to which single changes lead from the class most frequent in each cluster,
    and from the class that has the largest part of itself in it.
    """
    if counts.shape[1] == 2:
        return _best_two(counts)
    of_cluster, of_class = counts, counts / np.maximum(counts.sum(axis=0), 1e-12)
    found = [_climbed(counts, start.argmax(axis=1)) for start in (of_cluster, of_class)]
    return max(found, key=lambda assignment: mean_dice(counts, assignment))


def mean_dice(counts: Counts, assignment: NDArray[np.intp]) -> float:
    """The mean over foreground classes of Dice where each cluster is the class it is given.

    Classes of which there is no pixel do not count.
    """
    present = [k for k in range(1, counts.shape[1]) if counts[:, k].sum() > 0]
    values = [
        2 * counts[assignment == k, k].sum() / (counts[assignment == k].sum() + counts[:, k].sum())
        for k in present
    ]
    return float(np.mean(values)) if values else 0.0


def _best_two(counts: Counts) -> NDArray[np.intp]:
    total = counts.sum(axis=1)
    order = np.argsort(-counts[:, 1] / np.maximum(total, 1e-12), kind="stable")
    hits, size = np.cumsum(counts[order, 1]), np.cumsum(total[order])
    dice = 2 * hits / np.maximum(size + counts[:, 1].sum(), 1e-12)
    assignment = np.zeros(len(counts), np.intp)
    if dice.max() > 0:
        assignment[order[: int(dice.argmax()) + 1]] = 1
    return assignment


def _climbed(counts: Counts, start: NDArray[np.intp]) -> NDArray[np.intp]:
    best, best_score = start.copy(), mean_dice(counts, start)
    is_better = True
    while is_better:
        is_better = False
        for cluster in range(len(counts)):
            for index in range(counts.shape[1]):
                changed = best.copy()
                changed[cluster] = index
                score = mean_dice(counts, changed)
                if score > best_score + 1e-12:
                    best, best_score, is_better = changed, score, True
    return best
