"""Recall of the search for copies by kind of change, and false copies among real look-alikes.

Changes are planted into real pictures (`../shared/data`, or `DELINEATE_TEST_DATA`) and drawn
ones. A copy counts as found where its stated map is right to `RIGHT_PX` at every corner.
`python -m benchmarks.twin_recall [SET ...]` prints tables; nothing is kept.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import box_axes, composed, inverted
from delineate.auditing.copies.twins import TwinSearch, find_twins
from delineate.auditing.copies.window_middles import TRIED
from delineate.auditing.pictures.gallery import look_at
from delineate.auditing.pictures.orientation import ORIENTATIONS, orientation_matrix, oriented
from delineate.core.seeds import stream
from delineate.data.sample import Sample
from delineate.files.image_files import read_image

RIGHT_PX = 1.5
SEED = 7  # those before it showed what to mend, so that none of them is held out any more
ORIGINALS = 12  # of each set, for each kind of change
PATTERNS = {
    "camvid": ("camvid/*/*.png",),
    "usgra": ("usgra/images/*.png", "usgra/test/images/*.png"),
    "nerve_jpeg": ("nerve_jpeg/*/images/*.jpg",),
    "lgg": ("lgg/kaggle_3m/*/*.tif",),
    "drive": ("drive/DRIVE/*/images/*.tif",),
    "em_membrane": ("em_membrane/train/image/*.png", "em_membrane/test/*.png"),
    "dsb2018": ("dsb2018/stage1_train/*/images/*.png",),
}

Grey = NDArray[np.uint8]
Map = NDArray[np.float64]
Planted = tuple[Grey, Map]  # a copy, and the map from the original's pixel centres to its own
Change = Callable[[Grey, np.random.Generator], Planted]

SAME = np.array([[1.0, 0, 0], [0, 1, 0]])


def jpeg(grey: Grey, quality: int) -> Grey:
    """Through JPEG and back."""
    content = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)


def webp(grey: Grey, quality: int) -> Grey:
    """Through WebP and back."""
    content = cv2.imencode(".webp", grey, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)


def toned(grey: Grey, gain: float = 1, offset: float = 0, gamma: float = 1) -> Grey:
    """Another gamma, contrast and brightness, clipped to 8 bits."""
    levels = 255 * (grey / 255.0) ** gamma * gain + offset
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def resized(grey: Grey, factor: float) -> Planted:
    """Smaller or larger."""
    height, width = grey.shape
    size = (round(height * factor), round(width * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    copy = np.asarray(cv2.resize(grey, size[::-1], interpolation=how), np.uint8)
    return copy, box_axes((0, 0, height, width), (0, 0, *size))


def letterboxed(grey: Grey, rng: np.random.Generator) -> Planted:
    """With even bars at top and bottom, at the sides, or all around."""
    height = grey.shape[0]
    bar = [int(n) for n in rng.integers(8, max(9, height // 5), 2)]
    bars = [(*bar, 0, 0), (0, 0, *bar), (*bar, *bar)][rng.integers(3)]
    level = int(rng.choice([0, 0, 128, 255]))
    top, bottom, left, right = bars
    copy = cv2.copyMakeBorder(
        grey, top, bottom, left, right, cv2.BORDER_CONSTANT, value=[float(level)]
    )
    return np.asarray(copy, np.uint8), _moved(top, left)


def cropped(grey: Grey, rng: np.random.Generator, *, least: float, back: bool) -> Planted:
    """Cropped to a share of each side between `least` and 0.97; `back` to the old size."""
    height, width = grey.shape
    size = tuple(round(n * rng.uniform(least, min(0.97, least + 0.12))) for n in (height, width))
    top, left = (
        int(rng.integers(0, n - m + 1)) for n, m in zip((height, width), size, strict=True)
    )
    part = np.ascontiguousarray(grey[top : top + size[0], left : left + size[1]])
    if not back:
        return part, _moved(-top, -left)
    copy = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
    box = (top, left, top + size[0], left + size[1])
    return np.asarray(copy, np.uint8), box_axes(box, (0, 0, height, width))


FILLS = {
    "even": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "mirror": cv2.BORDER_REFLECT_101,
    "wrapped": cv2.BORDER_WRAP,
}


def shifted(grey: Grey, rng: np.random.Generator, fill: str) -> Planted:
    """Shifted along both axes by 2 to 15 % of the side."""
    height, width = grey.shape
    down, right = (
        round(rng.uniform(0.02, 0.15) * n) * int(rng.choice([-1, 1])) for n in (height, width)
    )
    if fill == "wrapped":
        return np.roll(grey, (down, right), (0, 1)), _moved(down, right)
    copy = cv2.warpAffine(
        grey, _moved(down, right), (width, height), flags=cv2.INTER_NEAREST,
        borderMode=FILLS[fill], borderValue=int(rng.choice([0, 128, 255])),
    )  # fmt: skip
    return np.asarray(copy, np.uint8), _moved(down, right)


def flipped(grey: Grey, rng: np.random.Generator) -> Planted:
    """Under a flip or upside down: crops and shifts are not looked for under quarter turns."""
    name = TRIED[rng.integers(1, len(TRIED))]
    size = (grey.shape[0], grey.shape[1])
    return np.ascontiguousarray(oriented(grey, name)), inverted(orientation_matrix(name, size))


def turned(grey: Grey, rng: np.random.Generator) -> Planted:
    """Under one of the seven other orientations."""
    name = list(ORIENTATIONS)[rng.integers(1, 8)]
    size = (grey.shape[0], grey.shape[1])
    return np.ascontiguousarray(oriented(grey, name)), inverted(orientation_matrix(name, size))


def mixed(grey: Grey, rng: np.random.Generator) -> Grey:
    """Another gamma, then JPEG of quality 40 to 95."""
    return jpeg(toned(grey, gamma=rng.uniform(0.75, 1.3)), int(rng.integers(40, 96)))


def _then(first: Change, second: Change) -> Change:
    def both(grey: Grey, rng: np.random.Generator) -> Planted:
        once, there = first(grey, rng)
        twice, further = second(once, rng)
        return twice, composed(further, there)

    return both


def _still(change: Callable[[Grey, np.random.Generator], Grey]) -> Change:
    return lambda grey, rng: (change(grey, rng), SAME)


def _moved(down: float, right: float) -> Map:
    return np.array([[1.0, 0, right], [0, 1, down]])


def _crop(least: float, back: bool) -> Change:
    return lambda grey, rng: cropped(grey, rng, least=least, back=back)


def _shift(fill: str) -> Change:
    return lambda grey, rng: shifted(grey, rng, fill)


def _noisy(grey: Grey, rng: np.random.Generator) -> Grey:
    return np.asarray(np.clip(np.rint(grey + rng.normal(0, 3, grey.shape)), 0, 255), np.uint8)


QUICK: dict[str, Change] = {
    "noise of 3 levels": _still(_noisy),
    "JPEG 95": _still(lambda grey, _: jpeg(grey, 95)),
    "JPEG 75": _still(lambda grey, _: jpeg(grey, 75)),
    "JPEG 50": _still(lambda grey, _: jpeg(grey, 50)),
    "JPEG 30": _still(lambda grey, _: jpeg(grey, 30)),
    "WebP 50": _still(lambda grey, _: webp(grey, 50)),
    "gamma 0.7": _still(lambda grey, _: toned(grey, gamma=0.7)),
    "gamma 1.4": _still(lambda grey, _: toned(grey, gamma=1.4)),
    "contrast 0.7": _still(lambda grey, _: toned(grey, gain=0.7, offset=20)),
    "contrast 1.3, clipped": _still(lambda grey, _: toned(grey, gain=1.3)),
    "brightness +30, clipped": _still(lambda grey, _: toned(grey, offset=30)),
    "brightness -30, clipped": _still(lambda grey, _: toned(grey, offset=-30)),
    "resize 0.5": lambda grey, _: resized(grey, 0.5),
    "resize 0.75": lambda grey, _: resized(grey, 0.75),
    "resize 1.5": lambda grey, _: resized(grey, 1.5),
    "resize 2": lambda grey, _: resized(grey, 2),
    "bars": letterboxed,
    "bars, resize 0.6": _then(letterboxed, lambda grey, _: resized(grey, 0.6)),
    "flip or turn": turned,
    "flip or turn, gamma, JPEG": _then(turned, _still(mixed)),
    "resize 0.6, gamma, JPEG": _then(lambda grey, _: resized(grey, 0.6), _still(mixed)),
}
"""Changes that the quick search should find."""

THOROUGH: dict[str, Change] = {
    "crop 0.85 to 0.97": _crop(0.85, back=False),
    "crop, resized back": _crop(0.85, back=True),
    "crop, gamma, JPEG": _then(_crop(0.85, back=True), _still(mixed)),
    "shift, even": _shift("even"),
    "shift, edge": _shift("edge"),
    "shift, mirror": _shift("mirror"),
    "shift, wrapped": _shift("wrapped"),
    "shift, JPEG 60": _then(_shift("even"), _still(lambda grey, _: jpeg(grey, 60))),
    "flip, crop": _then(flipped, _crop(0.85, back=True)),
    "flip, shift": _then(flipped, _shift("mirror")),
}
"""Changes that only the thorough search looks for."""


@dataclass(frozen=True)
class Copy:
    """A planted copy: the positions of both pictures, the change and the true map."""

    original: int
    copy: int
    change: str
    there: Map


def pictures(name: str) -> list[Path]:
    """The pictures of a real set, in order."""
    here = Path(__file__).resolve().parents[1]
    root = Path(os.environ.get("DELINEATE_TEST_DATA", here.parent / "shared" / "data"))
    if name not in PATTERNS:
        return sorted(path for path in Path(name).glob("**/*.*") if "_mask" not in path.stem)
    paths = [path for pattern in PATTERNS[name] for path in sorted(root.glob(pattern))]
    return [path for path in paths if "_mask" not in path.stem and "annot" not in str(path)]


def as_samples(paths: Sequence[Path]) -> list[Sample]:
    """Samples without masks, named by folder and stem."""
    return [Sample(f"{path.parent.name}/{path.stem}", path) for path in paths]


def grey_of(path: Path) -> Grey:
    """The picture as 8-bit grey levels."""
    image = read_image(path)
    grey = image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(grey, dtype=np.uint8)


def plant(paths: Sequence[Path], folder: Path, changes: dict[str, Change], seed: int) -> list[Copy]:
    """Write copies of some of the pictures, each kind of change on others of them."""
    copies: list[Copy] = []
    for place, (name, change) in enumerate(changes.items()):
        rng = stream(seed, "twin recall", place)
        for original in rng.choice(len(paths), min(ORIGINALS, len(paths)), replace=False):
            copy, there = change(grey_of(paths[original]), rng)
            position = len(paths) + len(copies)
            cv2.imwrite(str(folder / f"{position}.png"), copy)
            copies.append(Copy(int(original), position, name, there))
    return copies


def off_px(search: TwinSearch, copy: Copy, size: tuple[int, int]) -> float:
    """How far the stated map is off at the corners of the original; infinite if not found."""
    for group in search.groups:
        if copy.original in group.members and copy.copy in group.members:
            maps = {
                member: np.array(matrix).reshape(2, 3)
                for member, matrix in zip(group.members, group.matrices, strict=True)
            }
            stated = composed(maps[copy.copy], inverted(maps[copy.original]))
            height, width = size
            ends = np.array(
                [[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]]
            )
            return float(np.abs(ends @ stated.T - ends @ copy.there.T).max())
    return float("inf")


def recall(
    name: str, changes: dict[str, Change], *, crops_and_shifts: bool, seed: int
) -> Iterator[str]:
    """A line for each change: found, found with the right map, and which were missed."""
    paths = pictures(name)
    real = find_twins(look_at(as_samples(paths), cache=None), crops_and_shifts=crops_and_shifts)
    with tempfile.TemporaryDirectory() as folder:
        copies = plant(paths, Path(folder), changes, seed)
        planted = [Path(folder) / f"{copy.copy}.png" for copy in copies]
        gallery = look_at(as_samples([*paths, *planted]), cache=None)
        start = perf_counter()
        search = find_twins(gallery, crops_and_shifts=crops_and_shifts)
        seconds = perf_counter() - start
        offs: dict[str, list[float]] = defaultdict(list)
        for copy in copies:
            row = gallery.table[copy.original]
            offs[copy.change].append(off_px(search, copy, (int(row["height"]), int(row["width"]))))
        for change, off in offs.items():
            found = [value for value in off if np.isfinite(value)]
            right = sum(value <= RIGHT_PX for value in found)
            worst = f"{max(found):.2f} px" if found else "-"
            counts = f"found {len(found):3d} right {right:3d} of {len(off):3d}"
            yield f"{name:12s} {change:28s} {counts}, worst {worst}"
        origins = {c.copy: c.original for c in copies} | {k: k for k in range(len(paths))}
        joined = {frozenset((t.first, t.second)) for g in real.groups for t in g.twins}
        groups = {m: k for k, g in enumerate(real.groups) for m in g.members}
        false = [
            (gallery.name(t.first), gallery.name(t.second), t.transform.words)
            for t in search.twins
            if (a := origins[t.first]) != (b := origins[t.second])
            and frozenset((a, b)) not in joined
            and groups.get(a, -1 - a) != groups.get(b, -1 - b)
        ]
        total = f"{len(search.twins)} twins in {seconds:.1f} s"
        yield f"{name:12s} {total}; false: {len(false)} {false[:4]}"


def real_twins(name: str, *, crops_and_shifts: bool) -> Iterator[str]:
    """What is found in a real set as it is."""
    paths = pictures(name)
    gallery = look_at(as_samples(paths), cache=None)
    start = perf_counter()
    search = find_twins(gallery, crops_and_shifts=crops_and_shifts)
    seconds = perf_counter() - start
    yield (
        f"{name:12s} {len(paths)} pictures: {len(search.twins)} twins in {len(search.groups)} "
        f"groups, {len(search.look_alikes)} look-alikes, {seconds:.1f} s"
    )
    for twin in search.twins:
        yield (
            f"{'':12s} {gallery.name(twin.first)} {gallery.name(twin.second)}: "
            f"{twin.transform.words}; distance {twin.distance:.2f}, "
            f"similarity {twin.similarity:.4f}"
        )
    for pair in search.look_alikes[:3]:
        yield (
            f"{'':12s} {gallery.name(pair.first)} {gallery.name(pair.second)}: not, "
            f"{pair.similarity:.3f}: {pair.why}"
        )


def run(sets: Sequence[str] = tuple(PATTERNS), *, seed: int = SEED) -> Iterator[str]:
    """Real sets as they are, then with planted copies: quick search, then thorough."""
    for name in sets:
        for thorough in (False, True):
            yield f"{name}: {'with' if thorough else 'without'} crops and shifts"
            yield from real_twins(name, crops_and_shifts=thorough)
            changes = QUICK | THOROUGH if thorough else QUICK
            yield from recall(name, changes, crops_and_shifts=thorough, seed=seed)


if __name__ == "__main__":
    for line in run(sys.argv[1:] or tuple(PATTERNS)):
        print(line, flush=True)
