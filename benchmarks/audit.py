"""The search for copies in 5,635 frames: ours, merely decoding, imagededup, CleanVision.

The set is drawn in phantom ultrasound of 580 x 420 as LZW TIFF: 63 identical pairs, 52 of them
with contradictory masks, 68 pairs with small noise, 40 flipped or turned, 40 recompressed,
40 cropped or shifted, and 71 sequences of five frames that are alike and no copies.

`python -m benchmarks.audit --data FOLDER` keeps the drawn set for the next time (1.6 GB, two
minutes on two cores). `--peers PYTHON` names the interpreter of an environment with the peers,
which no extra of ours brings:

    python -m venv peers && peers/bin/pip install imagededup cleanvision imagecodecs

imagededup's CNN runs if the weights of its network are in torch's cache or can be fetched.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import imagecodecs
import numpy as np

from benchmarks.audit_marking import Truth, map_errors_px, marked, truth_of
from benchmarks.timing import interleaved
from delineate.auditing.copies.records import Pair
from delineate.auditing.copies.twins import TwinSearch, find_twins
from delineate.auditing.masks.contradictions import GroupMasks, masks_of_groups
from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.auditing.pictures.pairs import find_pairs
from delineate.core.types import Labels
from delineate.data.opening import open_dataset
from delineate.data.phantoms.writing import write_ultrasound
from delineate.data.sample import Sample
from delineate.files.image_files import read_image
from delineate.workflows.audit import audit as write_audit

SUBJECTS, IMAGES_PER_SUBJECT, SEED = 47, 107, 3
FAULTS = {
    "twin": 11,
    "contradictory_mask": 32,
    "contradictory_empty_mask": 20,
    "noisy_twin": 68,
    "flipped_twin": 20,
    "turned_twin": 20,
    "recompressed_twin": 40,
    "cropped_twin": 20,
    "shifted_twin": 20,
    "sequence": 71,
}
THRESHOLD = 1000.0
UNDER_THRESHOLD = ("identical", "small noise", "flipped", "turned")
"""Columns whose pairs lie under the threshold in one of the eight orientations."""

CORES = os.cpu_count() or 1
IMAGES, FILES = "decoding images by ", "decoding images and masks by "


def run(
    data: Path | None = None,
    peers: str | None = None,
    *,
    rounds: int = 3,
    searches: Sequence[str] = ("quick", "thorough"),
) -> Iterator[str]:
    """What was measured, line by line; without a folder the set is drawn into a temporary one."""
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(TemporaryDirectory())) / "phantoms"
        draw(folder)
        samples = open_dataset(folder).samples
        truth = truth_of(folder)
        yield (
            f"{len(samples)} frames, {len(truth.pairs)} planted pairs, "
            f"{len(truth.look_alikes)} pairs of frames of one sequence, {CORES} cores"
        )
        yield from _ours(folder, truth, rounds, searches)
        yield from _theirs(samples, truth, peers)


def draw(folder: Path) -> None:
    """The set, unless the folder holds it already."""
    if not (folder / "planted.json").is_file():
        print(f"drawing phantoms into {folder} ...", file=sys.stderr)
        write_ultrasound(
            folder,
            subjects=SUBJECTS,
            images_per_subject=IMAGES_PER_SUBJECT,
            seed=SEED,
            faults=FAULTS,
            processes=CORES,
        )


@dataclass(frozen=True)
class Audited:
    """What one search found, and the seconds of each of its steps."""

    seconds: Mapping[str, float]
    gallery: Gallery
    pairs: tuple[Pair, ...]
    search: TwinSearch
    masks: tuple[GroupMasks, ...]

    def __str__(self) -> str:
        """The steps with their seconds."""
        return ", ".join(f"{step} {seconds:.2f}" for step, seconds in self.seconds.items())


def audited(samples: Sequence[Sample], cache: Path | None, *, crops_and_shifts: bool) -> Audited:
    """Signatures, pairs under the threshold, twins, and their masks compared."""
    watch = _Watch()
    gallery = look_at(samples, cache=cache)
    watch.lap("signatures")
    pairs = find_pairs(gallery, THRESHOLD)
    watch.lap("pairs")
    search = find_twins(gallery, pairs, crops_and_shifts=crops_and_shifts)
    watch.lap("twins")

    def read(position: int) -> Labels | None:
        files = next(iter(samples[position].masks.values()))
        return (read_image(files[0])[..., 0] > 127).astype("uint8")

    def size_of(position: int) -> tuple[int, int]:
        row = gallery.table[position]
        return int(row["height"]), int(row["width"])

    masks = tuple(masks_of_groups(search.groups, read, size_of=size_of))
    watch.lap("masks of copies")
    return Audited(watch.laps, gallery, pairs, search, masks)


class _Watch:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = now - self._last
        self._last = now


def _ours(data: Path, truth: Truth, rounds: int, searches: Sequence[str]) -> Iterator[str]:
    samples = open_dataset(data).samples
    found: dict[str, Audited] = {}
    with ExitStack() as stack:

        def folder() -> Path:
            return Path(stack.enter_context(TemporaryDirectory()))

        kept = folder()
        rivals = _decoding(samples)
        for decode in rivals.values():
            decode()  # so that the files are in memory for all alike

        def rival(name: str, cache: Callable[[], Path], is_thorough: bool) -> None:
            def once() -> None:
                found[name] = audited(samples, cache(), crops_and_shifts=is_thorough)

            def whole() -> None:
                write_audit(
                    data,
                    folder() / "audit",
                    crops_and_shifts=is_thorough,
                    page=False,
                    cache=cache(),
                )

            rivals[name] = once
            rivals[f"whole audit, {name}"] = whole

        for search in searches:
            rival(f"{search} search", folder, search == "thorough")
            rival(f"{search} search, cached", lambda: kept, search == "thorough")
            rivals[f"{search} search, cached"]()  # fills the cache, and is marked at once
            yield from _quality(search, found[f"{search} search, cached"], truth)
        seconds = interleaved(rivals, rounds=rounds, warm_up=0)
    yield from _times(seconds, found)


def _decoding(samples: Sequence[Sample]) -> dict[str, Callable[[], object]]:
    """Merely decoding, on as many threads as there are cores: images, and masks as well."""
    images = [sample.image for sample in samples]
    masks = [path for sample in samples for paths in sample.masks.values() for path in paths]
    cv2.setNumThreads(1)
    return {
        IMAGES + "OpenCV": lambda: _decoded(_by_opencv, images),
        IMAGES + "imagecodecs": lambda: _decoded(_by_imagecodecs, images),
        FILES + "OpenCV": lambda: _decoded(_by_opencv, images + masks),
        FILES + "imagecodecs": lambda: _decoded(_by_imagecodecs, images + masks),
    }


def _decoded(decode: Callable[[Path], object], paths: Sequence[Path]) -> int:
    with ThreadPoolExecutor(CORES) as pool:
        return sum(1 for _ in pool.map(decode, paths))


def _by_opencv(path: Path) -> object:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def _by_imagecodecs(path: Path) -> object:
    return imagecodecs.tiff_decode(path.read_bytes())


def _times(seconds: Mapping[str, float], found: Mapping[str, Audited]) -> Iterator[str]:
    """Each with its ratio to merely decoding what it reads, by the faster of the two."""
    for name, each in seconds.items():
        kind = FILES if name.startswith((FILES, "whole")) else IMAGES
        least = min(seconds[other] for other in seconds if other.startswith(kind))
        steps = f" (last round: {found[name]})" if name in found else ""
        yield f"{name}: {each:.2f} s, {each / least:.2f} times{steps}"


def _quality(name: str, audit: Audited, truth: Truth) -> Iterator[str]:
    ids = audit.gallery.name
    twins = {(ids(each.first), ids(each.second)): each for each in audit.search.twins}
    yield f"{name} search: {marked(truth, twins)}"
    yield from _fits(truth, {pair: each.transform.matrix for pair, each in twins.items()})
    under = {frozenset(pair) for pair, column in truth.pairs.items() if column in UNDER_THRESHOLD}
    listed = {frozenset((ids(pair.first), ids(pair.second))) for pair in audit.pairs}
    yield (
        f"  pairs under {THRESHOLD:.0f}: {len(listed & under)} of {len(under)} planted, "
        f"{len(listed - under)} others"
    )
    yield _contradictions(audit, truth)


def _fits(truth: Truth, maps: Mapping[tuple[str, str], Sequence[float]]) -> Iterator[str]:
    plain = {pair: tuple(matrix) for pair, matrix in maps.items()}
    errors = map_errors_px(truth, plain)
    parts = [f"{name} {mid:.2f} (at most {worst:.2f})" for name, (mid, worst) in errors.items()]
    yield f"  error of the map at the worst corner, median in px: {', '.join(parts)}"


def _contradictions(audit: Audited, truth: Truth) -> str:
    """Dice of the contradictory pairs as found beside as planted, and contradictions too many."""
    name = audit.gallery.name
    wrong = {
        frozenset(map(name, each.group.members)): float(np.nanmin(each.mean_dice))
        for each in audit.masks
        if each.is_contradictory
    }
    both = set(wrong) & set(truth.dice)
    worst = max((abs(wrong[pair] - truth.dice[pair]) for pair in both), default=0.0)
    return (
        f"  contradictory masks: {len(both)} of {len(truth.dice)} planted, Dice at most "
        f"{worst:.4f} off, {len(set(wrong) - both)} others"
    )


def _theirs(samples: Sequence[Sample], truth: Truth, peers: str | None) -> Iterator[str]:
    if peers is None:
        yield "peers: skipped; --peers PYTHON names an environment with imagededup and CleanVision"
        return
    with TemporaryDirectory() as folder:
        for sample in samples:
            (Path(folder) / f"{sample.id}.tiff").symlink_to(sample.image.resolve())
        script = Path(__file__).with_name("audit_peers.py")
        done = subprocess.run(
            [peers, str(script), folder], capture_output=True, text=True, check=False
        )
    for line in done.stdout.splitlines():
        result = json.loads(line)
        if "skipped" in result:
            yield f"{result['name']}: skipped, {result['skipped']}"
        else:
            mark = marked(truth, result["pairs"])
            yield f"{result['name']}: {result['seconds']:.1f} s; {mark}"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        yield f"peers: stopped with exit code {done.returncode}: {last}"


def main(arguments: Sequence[str]) -> None:
    """Print every line as it comes."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.audit", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", type=Path, help="where the set is, or is drawn and kept")
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter with the peers")
    parser.add_argument("--rounds", type=int, default=3, help="each is timed so often (median)")
    parser.add_argument("--quick", action="store_true", help="leave out crops and shifts")
    chosen = parser.parse_args(arguments)
    searches = ("quick",) if chosen.quick else ("quick", "thorough")
    for line in run(chosen.data, chosen.peers, rounds=chosen.rounds, searches=searches):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
