"""imagededup and CleanVision on a folder of pictures; runs in an environment of their own.

`PYTHON benchmarks/audit_peers.py FOLDER` prints one JSON line for each method: name, seconds,
and the pairs by threshold, or why it did not run. `benchmarks.audit` calls it.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

Pairs = list[tuple[str, str]]

HAMMING = (0, 4, 10)
"""Distances of hashes that are tried; 10 is what imagededup takes unless told otherwise."""

COSINE = (0.9, 0.99)


def main(folder: Path) -> None:
    """Run every method there is."""
    warnings.simplefilter("ignore")
    # One thread of OpenMP a process: both peers start as many processes as there are cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _let_torchvision_import()
    for name, method in METHODS.items():
        _report(name, method, folder)


def perceptual_hash(folder: Path) -> Iterator[tuple[str, float, Pairs]]:
    """imagededup's PHash: 64 bits a picture, compared by its compiled search."""
    from imagededup.methods import PHash

    hasher = PHash(verbose=False)
    started = time.perf_counter()
    codes = hasher.encode_images(str(folder))
    coded_s = time.perf_counter() - started
    for distance in HAMMING:
        started = time.perf_counter()
        found = hasher.find_duplicates(encoding_map=codes, max_distance_threshold=distance)
        seconds = coded_s + time.perf_counter() - started
        yield f"at a distance of {distance} bits", seconds, _unique(found)


def network(folder: Path) -> Iterator[tuple[str, float, Pairs]]:
    """imagededup's CNN; its weights must be in torch's cache, or be to be had."""
    from imagededup.methods import CNN

    finder = CNN(verbose=False)
    started = time.perf_counter()
    codes = finder.encode_images(str(folder))
    coded_s = time.perf_counter() - started
    for similarity in COSINE:
        started = time.perf_counter()
        found = finder.find_duplicates(
            encoding_map=codes, min_similarity_threshold=similarity, outfile=None
        )
        seconds = coded_s + time.perf_counter() - started
        yield f"at a similarity of {similarity}", seconds, _unique(found)


def cleanvision(folder: Path) -> Iterator[tuple[str, float, Pairs]]:
    """CleanVision's exact and near duplicates alone, then all that it looks for."""
    from cleanvision import Imagelab

    both = {"exact_duplicates": {}, "near_duplicates": {}}
    for words, issues in (("duplicates only", both), ("all its issues", None)):
        started = time.perf_counter()
        # It finds `.tiff` and no `.tif`.
        lab = Imagelab(filepaths=sorted(str(path) for path in folder.iterdir()))
        lab.find_issues(issue_types=issues, verbose=False)
        seconds = time.perf_counter() - started
        sets = [group for kind in both for group in lab.info[kind]["sets"]]
        pairs = [pair for group in sets for pair in combinations(map(_stem, group), 2)]
        yield words, seconds, sorted({tuple(sorted(pair)) for pair in pairs})


METHODS: Mapping[str, Callable[[Path], Iterator[tuple[str, float, Pairs]]]] = {
    "imagededup PHash": perceptual_hash,
    "imagededup CNN": network,
    "CleanVision": cleanvision,
}


def _report(
    name: str, method: Callable[[Path], Iterator[tuple[str, float, Pairs]]], folder: Path
) -> None:
    try:
        full = f"{name} {version(name.split()[0].lower())}"
        with redirect_stdout(sys.stderr):
            results = list(method(folder))
    except Exception as problem:  # noqa: BLE001 - a peer may fail in any way; it is told and passed over
        why = str(problem).strip().splitlines() or [type(problem).__name__]
        print(json.dumps({"name": name, "skipped": f"{type(problem).__name__}: {why[0]}"}))
        return
    for words, seconds, pairs in results:
        print(json.dumps({"name": f"{full}, {words}", "seconds": seconds, "pairs": pairs}))


def _unique(found: Mapping[str, list[str]]) -> Pairs:
    pairs = {tuple(sorted((_stem(name), _stem(other)))) for name in found for other in found[name]}
    return sorted(pairs)


def _stem(name: str) -> str:
    return Path(name).stem


def _let_torchvision_import() -> None:
    """Declare what PyPI's torchvision misses beside a torch without CUDA; imagededup imports it."""
    try:
        import torch
    except ImportError:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    globals()["_torchvision"] = library  # it is undone when the library is collected


if __name__ == "__main__":
    main(Path(sys.argv[1]))
