"""The search for pairs among 100,000 synthetic signatures, beside brute force.

Signatures of 580x420 pictures: 121 block sums each, with the spread of those of phantom
ultrasound (totals vary by 12 %, blocks by more), 100 pairs planted under the threshold. Upright
position only, threshold 1,000. Candidates are compared as block sums in float64: there are no
pixels to decode. Brute force is `scipy.spatial.distance.cdist` in blocks, all of it up to
10,000 signatures; beyond, a strip of 1,000 against all is timed and multiplied, which the row
says. Our time is fitted by a constant, a term with N and one with N^2 (the window of totals
that are near enough grows with N), that of brute force by N^2.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.spatial.distance import cdist

from benchmarks.timing import Row
from delineate.auditing.pictures.candidates import Search, shelf
from delineate.auditing.pictures.signature import FACTS, SIDE

SIZES = (10_000, 25_000, 50_000, 100_000)
HEIGHT, WIDTH, THRESHOLD, PLANTED = 420, 580, 1000.0, 100
STRIP, BLOCK, WHOLE = 1000, 2000, 10_000


def run() -> list[Row]:
    """A row for each size, then the growth and what it means for a million."""
    rows, ours, theirs = [], [], []
    for count in SIZES:
        sums, table = _signatures(count)
        pairs, seconds, mebibytes = _measured(lambda s=sums, t=table: _search(s, t))  # type: ignore[misc]
        if pairs != PLANTED:
            raise RuntimeError(f"{pairs} pairs found of {PLANTED} planted")
        brute = _brute_force_s(sums)
        ours.append(seconds)
        theirs.append(brute)
        how = "all pairs" if count <= WHOLE else f"a strip of {STRIP:,}, multiplied"
        note = f"{mebibytes:.0f} MiB beside {sums.nbytes / 2**20:.0f} of signatures; cdist: {how}"
        rows.append(Row(f"pairs among {count:,} signatures", seconds, "brute force", brute, note))
    million, terms = _million(ours)
    brute = theirs[-1] * (1e6 / SIZES[-1]) ** 2
    rows.append(Row("a million, extrapolated", million, "brute force", brute, terms))
    return rows


def _signatures(count: int) -> tuple[NDArray[np.float32], NDArray[np.void]]:
    random = np.random.default_rng(0)
    block = HEIGHT * WIDTH / SIDE**2
    levels = 88 * random.normal(1, 0.12, (count, 1)) + random.normal(0, 20, (count, SIDE**2))
    sums = np.rint(levels.clip(0, 255) * block)
    copies = random.permutation(count)[: 2 * PLANTED].reshape(2, -1)
    sums[copies[1]] = sums[copies[0]]
    sums[copies[1], 60] += 500
    table = np.zeros(count, FACTS)
    table["is_read"], table["height"], table["width"], table["maximum"] = True, HEIGHT, WIDTH, 255
    return sums.astype(np.float32), table


def _search(sums: NDArray[np.float32], table: NDArray[np.void]) -> int:
    search = Search(sums, THRESHOLD, frozenset(["as it is"]))
    everything = shelf(np.arange(len(sums)), sums, table)
    return sum(len(one.first) for one in search.among(everything, everything, is_turned=False))


def _measured(work: Callable[[], int]) -> tuple[int, float, float]:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - start)
    # Once more for the memory, whose tracing costs time.
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, median(times), peak / 2**20


def _brute_force_s(sums: NDArray[np.float32]) -> float:
    """Seconds for every pair once."""
    wide = sums.astype(np.float64)
    strip = len(wide) if len(wide) <= WHOLE else STRIP
    start = time.perf_counter()
    for begin in range(0, strip, BLOCK):
        mine = wide[begin : min(begin + BLOCK, strip)]
        for other in range(begin if strip == len(wide) else 0, len(wide), BLOCK):
            np.count_nonzero(cdist(mine, wide[other : other + BLOCK], "cityblock") < THRESHOLD)
    seconds = time.perf_counter() - start
    return seconds if strip == len(wide) else seconds * len(wide) / strip / 2


def _million(seconds: list[float]) -> tuple[float, str]:
    """The seconds for a million signatures, and the terms that they come from."""
    counts = np.array(SIZES) / 1e6
    terms = np.stack([np.ones_like(counts), counts, counts**2], axis=1)
    weights = 1 / np.array(seconds)  # relative errors count, or the largest size would be all
    fitted, _ = nnls(terms * weights[:, np.newaxis], np.ones_like(counts))
    words = f"{fitted[0]:.2f} + {fitted[1]:.2f} m + {fitted[2]:.2f} m^2 s for m millions"
    return float(fitted.sum()), words
