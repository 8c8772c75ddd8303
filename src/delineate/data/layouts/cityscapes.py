"""Cityscapes: `leftImg8bit/train/aachen/X_leftImg8bit.png` with `gtFine/train/aachen/X_gtFine_*`.

Masks are `labelIds`, else `labelTrainIds`, else `polygons.json`; the 19 classes that the benchmark
scores count, all others are unknown. `gtCoarse` stands in where there is no fine one. The city is
the subject: its frames were taken on one drive, and the official splits keep cities apart.
Images and masks may lie in one folder a split, without folders of cities. The masks of the official
test images are withheld and stand there as dummies, all unknown: these images count as without.

Source: Cordts et al. (2016), "The Cityscapes dataset for semantic urban scene understanding".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from delineate.core.errors import DelineateError, LayoutError
from delineate.core.types import IGNORE
from delineate.data.layouts.found import REFERENCE, Found, in_order
from delineate.data.layouts.names import place_of
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import TEST, Sample
from delineate.files.cityscapes_polygons import VOID
from delineate.files.class_tables import LABEL_IDS, TRAIN_IDS, read_class_table
from delineate.files.json_values import objects_in, read_json_object
from delineate.files.mask_encoding import MaskEncoding, read_mask

FEW = 4  # masks of test images that are opened to see whether they are dummies
_IMAGE = re.compile(r"(?P<id>(?P<city>.+?)_\d+_\d+)_leftImg8bit", re.I)
_LABEL = re.compile(
    r"(?P<id>.+?_\d+_\d+)_(?P<set>gtFine|gtCoarse)_"
    r"(?P<kind>labelIds|labelTrainIds|polygons|instanceIds|instanceTrainIds|color)",
    re.I,
)
ENCODINGS = {
    "labelids": MaskEncoding("values", table=LABEL_IDS),
    "labeltrainids": MaskEncoding("values", table=TRAIN_IDS),
    "polygons": MaskEncoding("cityscapes-polygons"),
}


def recognise(listing: Listing) -> str | None:
    """Why this is Cityscapes, else None: every picture must be named as its own are."""
    names = [stem(name) for names in listing.folders.values() for name in names]
    images = {f["id"] for name in names if (f := _IMAGE.fullmatch(name))}
    if not all(_IMAGE.fullmatch(name) or _LABEL.fullmatch(name) for name in names):
        return None
    labels, kind = _labels(listing)
    pairs = len(images & labels.keys())
    if not pairs:
        return None
    cities = {id_.rsplit("_", 2)[0] for id_ in images}
    return (
        f"{counted(pairs, 'image')} named _leftImg8bit of {len(cities)} "
        f"{'city' if len(cities) == 1 else 'cities'} with masks of {kind}, as in Cityscapes"
    )


def read(listing: Listing) -> Found:
    """Its samples; the subject is the city.

    Raises:
        LayoutError: two images of one name.
    """
    labels, kind = _labels(listing)
    samples: dict[str, Sample] = {}
    for folder, names in listing.folders.items():
        for name in names:
            fits = _IMAGE.fullmatch(stem(name))
            if not fits:
                continue
            path, id_ = listing.path(folder, name), fits["id"]
            if id_ in samples:
                raise LayoutError(
                    f"{path}: expected one image of this name, found also {samples[id_].image}; "
                    "remove one"
                )
            masks = {REFERENCE: (labels[id_],)} if id_ in labels else {}
            split = place_of(folder).split
            samples[id_] = Sample(id_, path, fits["city"], masks, split=split)
    notes = [f"masks are {kind}; of the labels the 19 that the benchmark scores are classes"]
    tests = [id_ for id_, sample in samples.items() if sample.split == TEST and sample.masks]
    if tests and all(_says_nothing(labels[id_], kind) for id_ in tests[:FEW]):
        notes.append(
            f"the masks of test are dummies that say nothing, as in the official download: "
            f"{counted(len(tests), 'image')} without a mask"
        )
        samples |= {id_: replace(samples[id_], masks={}) for id_ in tests}
    lost = [labels[id_].name for id_ in labels if id_ not in samples]
    if lost:
        notes.append(f"no image for {counted(len(lost), 'mask')}: {some(lost)}")
    return Found(
        in_order(samples.values()),
        tuple(notes),
        encodings={REFERENCE: ENCODINGS[kind.lower()]},
        classes=read_class_table(LABEL_IDS).classes,
        has_instances=kind.lower() == "polygons",
    )


def _says_nothing(file: Path, kind: str) -> bool:
    """Whether all of a mask is unknown."""
    encoding = ENCODINGS[kind.lower()]
    try:
        if not encoding.is_drawn:
            return bool((read_mask(file, encoding) == IGNORE).all())
        objects = objects_in(read_json_object(file), "objects", str(file))
    except DelineateError:  # whoever reads the labels says what is wrong with it
        return False
    return all(row.get("label") in VOID for row in objects)


def _labels(listing: Listing) -> tuple[dict[str, Path], str]:
    """Image -> its mask, all of one kind: the one that most images have, fine ones first."""
    found: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    for place in (listing.folders, listing.annotations):
        for folder, names in place.items():
            for name in names:
                fits = _LABEL.fullmatch(stem(name))
                if fits and fits["kind"].lower() in ENCODINGS:
                    key = (fits["set"].lower(), fits["kind"])
                    found[key].setdefault(fits["id"], listing.path(folder, name))
    if not found:
        return {}, "labelIds"
    order = list(ENCODINGS)
    counts = Counter({key: len(files) for key, files in found.items()})
    best = min(
        counts, key=lambda key: (key[0] != "gtfine", -counts[key], order.index(key[1].lower()))
    )
    return found[best], best[1]
