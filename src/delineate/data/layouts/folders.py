"""Images beside masks, under the namings that people commonly use.

Either masks have folders of their own: `images/` + `masks/`, `imgs/` + `labels/`,
`train/image` + `train/label`, `train` + `trainannot`, `images_train` + `labels_train`;
or they lie beside the images: `X.png` + `X_mask.png`, `X.jpg` + `X.png`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError
from delineate.data.layouts.class_files import fitting
from delineate.data.layouts.found import REFERENCE, Found, in_order
from delineate.data.layouts.names import Place, image_core, mask_name, place_of
from delineate.data.layouts.side_by_side import read_pairs
from delineate.data.layouts.split_lists import listed_splits
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import SPLITS, TRAIN, Sample

SUPERPIXELS = "_superpixels"
MANY = 3  # folders of masks beyond which a reason gives one example


@dataclass(frozen=True)
class _Pairing:
    """A folder of images and those that hold its masks or its regions."""

    images: Place
    masks: tuple[Place, ...]
    region: Place | None = None


def recognise(listing: Listing) -> str | None:
    """Why images can be told from masks here, else None."""
    pairings = _pair_folders(listing)
    if pairings:
        named = [
            f"{p.images.folder}/ beside {', '.join(f'{m.folder}/' for m in p.masks)}"
            for p in pairings
        ]
        is_many = len(named) > MANY
        return f"{len(named)} times images beside masks: {named[0]}" if is_many else some(named)
    pairs = read_pairs(listing)
    return pairs.reason if pairs else None


def read(listing: Listing) -> Found:
    """Its samples; the subject is unknown, but where each folder is one patient's.

    Raises:
        LayoutError: names of masks and images do not agree, or more than one mask claims
            an image.
    """
    pairings = _pair_folders(listing)
    if not pairings:
        pairs = read_pairs(listing)
        if not pairs:
            raise LayoutError(f"{listing.root}: {listing.describe()}; no image has a mask beside")
        return _with_classes(_with_distinct_ids(pairs.samples, listing), pairs.notes, listing)
    notes: list[str] = []
    names = _observer_names(pairings)
    samples: list[Sample] = []
    for pairing in pairings:
        samples += _samples(listing, pairing, names, notes)
    notes += _lost(listing, pairings, samples)
    used = {p.images.folder for p in pairings}
    used |= {m.folder for p in pairings for m in p.masks}
    used |= {p.region.folder for p in pairings if p.region}
    left_out: list[PurePosixPath] = []
    for folder in listing.folders:
        place = place_of(folder)
        if folder in used:
            continue
        is_unlabelled = place.role == "image" or (place.role is None and _is_bare(place))
        if is_unlabelled:
            samples += _samples(listing, _Pairing(place, ()), names, notes)
        else:
            left_out.append(folder)
    if left_out:
        shown = (f"{folder}/ ({len(listing.names(folder))})" for folder in left_out)
        notes.append(f"left out, for no folder of masks belongs to it: {some(shown)}")
    samples = _with_distinct_ids(_with_train(_with_lists(samples, listing, notes), notes), listing)
    united = sum(len(files) > 1 for s in samples for files in s.masks.values())
    if united:
        notes.append(f"several mask files each, which are united: {counted(united, 'image')}")
    return _with_classes(samples, tuple(notes), listing)


def _with_classes(samples: list[Sample], notes: tuple[str, ...], listing: Listing) -> Found:
    """The samples, and what a table of classes that lies with them says of their masks."""
    ordered = in_order(samples)
    names = {name for sample in ordered for name in sample.masks}
    masks = [file for s in ordered for files in s.masks.values() for file in files]
    settled = fitting(listing, masks) if len(names) == 1 else None
    if settled is None:
        return Found(ordered, notes)
    return Found(
        ordered,
        (*notes, settled.note),
        encodings=dict.fromkeys(names, settled.encoding),
        classes=settled.classes,
    )


def _with_lists(samples: list[Sample], listing: Listing, notes: list[str]) -> list[Sample]:
    """The samples with the splits of lists such as `train.txt`, where folders state none."""
    names = [sample.id for sample in samples]
    if any(sample.split for sample in samples) or len(set(names)) < len(names):
        return samples
    splits = listed_splits(listing, names)
    if not splits:
        return samples
    rest = len(names) - len(splits)
    lack = f", which lack {counted(rest, 'image')}" if rest else ""
    notes.append(f"splits are those of the lists in the folder{lack}")
    return [replace(s, split=splits.get(s.id)) for s in samples]


def _with_train(samples: list[Sample], notes: list[str]) -> list[Sample]:
    """What lies outside the folders of validation and test is for training."""
    stated = {sample.split for sample in samples if sample.masks}
    if TRAIN in stated or stated <= {None}:
        return samples
    count = sum(sample.split is None for sample in samples)
    others = " and ".join(split for split in SPLITS if split in stated)
    notes.append(
        f"taken as train, for outside of the folders for {others}: {counted(count, 'image')}"
    )
    return [replace(s, split=TRAIN) if s.split is None else s for s in samples]


def _is_bare(place: Place) -> bool:
    """Whether a folder is a split and nothing else, such as `test/` with images in it."""
    return place.split is not None and not place.rest and not place.extra


def _pair_folders(listing: Listing) -> list[_Pairing]:
    places = [place_of(folder) for folder in listing.folders]
    belonging: dict[PurePosixPath, list[Place]] = defaultdict(list)
    by_folder = {place.folder: place for place in places}
    for mask in places:
        if mask.role == "mask":
            images = _images_of(mask, places)
            for each in [images] if images else _sharing_names(listing, mask, places):
                belonging[each.folder].append(mask)
    return [_pairing(by_folder[folder], masks) for folder, masks in belonging.items()]


def _images_of(mask: Place, places: Sequence[Place]) -> Place | None:
    """The folder of images that a folder of masks belongs to."""
    same_split = [p for p in places if p.split == mask.split and p.role != "mask"]
    images = [p for p in same_split if p.role == "image"]
    plain = [p for p in same_split if p.role is None]
    for candidates in (
        [p for p in images if (p.rest, p.extra) == (mask.rest, mask.extra)],
        [p for p in images if p.rest == mask.rest and not p.extra],
        [p for p in images if p.rest == mask.rest],
        [p for p in plain if p.rest == mask.rest],
        images,
    ):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _sharing_names(listing: Listing, mask: Place, places: Sequence[Place]) -> list[Place]:
    """The folders of the same split that masks are named after, where no word says which it is.

    One, as ISIC's `_Data`, or several that share the images, as `part_1` and `part_2` of HAM10000.
    """
    names = [stem(name) for name in listing.names(mask.folder)]
    cores = {own.core if (own := mask_name(name)) else name for name in names}
    sharing: list[Place] = []
    found: list[str] = []
    for place in places:
        images = {stem(name) for name in listing.names(place.folder)}
        drawn = images & cores
        if place.role != "mask" and place.split == mask.split and 2 * len(drawn) >= len(images) > 0:
            sharing.append(place)
            found += drawn
    is_whole = len(found) == len(set(found)) and 2 * len(found) > len(cores)
    return sharing if is_whole else []


def _pairing(images: Place, masks: list[Place]) -> _Pairing:
    """Beside `manual1/` a folder called `mask/` holds the field of view, as in HRF."""
    drawn = tuple(m for m in masks if m.word == "manual")
    views = [m for m in masks if m.word in {"mask", "masks"}]
    if drawn and len(views) == 1:
        return _Pairing(images, tuple(m for m in masks if m is not views[0]), views[0])
    return _Pairing(images, tuple(masks))


def _observer_names(pairings: Sequence[_Pairing]) -> Mapping[PurePosixPath, str]:
    """Folder of masks -> observer: from its name where images have several, else one."""
    names: dict[PurePosixPath, str] = {}
    has_several = any(len(p.masks) > 1 for p in pairings)
    for pairing in pairings:
        taken: dict[str, PurePosixPath] = {}
        for mask in pairing.masks:
            name = "_".join(mask.extra) if has_several and mask.extra else REFERENCE
            if name in taken:
                raise LayoutError(
                    f"{mask.folder}/ and {taken[name]}/: both look like masks of "
                    f"{pairing.images.folder}/; name them by observer (masks_anna, masks_ben), "
                    "remove one, or say which counts in a manifest CSV"
                )
            taken[name] = mask.folder
            names[mask.folder] = name
    return names


def _samples(
    listing: Listing,
    pairing: _Pairing,
    names: Mapping[PurePosixPath, str],
    notes: list[str],
) -> list[Sample]:
    folder = pairing.images.folder
    images = _without_superpixels(listing.names(folder), folder, notes)
    masks: list[dict[str, dict[str, tuple[Path, ...]]]] = [
        {names[place.folder]: _matched(listing, images, folder, place)} for place in pairing.masks
    ]
    views = _matched(listing, images, folder, pairing.region) if pairing.region else {}
    samples = []
    for name in images:
        own = {o: f[name] for by in masks for o, f in by.items() if name in f}
        region = views.get(name, (None,))[0]
        path = listing.path(folder, name)
        samples.append(Sample(stem(name), path, None, own, region, pairing.images.split))
    return samples


def _lost(
    listing: Listing, pairings: Sequence[_Pairing], samples: Sequence[Sample]
) -> Iterator[str]:
    """A note for each folder with masks or regions that no sample has."""
    used = {file for s in samples for files in s.masks.values() for file in files}
    used |= {sample.region for sample in samples if sample.region}
    places = [p for each in pairings for p in (*each.masks, each.region) if p is not None]
    for folder in dict.fromkeys(place.folder for place in places):
        lost = [n for n in listing.names(folder) if listing.path(folder, n) not in used]
        if lost:
            yield f"no image for {counted(len(lost), 'mask')} in {folder}/: {some(lost)}"


def _without_superpixels(
    names: Sequence[str], folder: PurePosixPath, notes: list[str]
) -> list[str]:
    """The images alone where ISIC's `X_superpixels.png` lies beside each `X.jpg`."""
    stems = {stem(name) for name in names}
    wholes = {name: stem(name).removesuffix(SUPERPIXELS) for name in names}
    left = {name for name, whole in wholes.items() if whole != stem(name) and whole in stems}
    if left:
        notes.append(
            f"left out, for they are superpixels: {counted(len(left), 'file')} in {folder}/"
        )
    return [name for name in names if name not in left]


def _without_observer(name: str, extra: Sequence[str]) -> str | None:
    """The name of a mask without that of its folder's observer: `im0001.ah` in `labels-ah/`."""
    head, tail = name[: -len("_".join(extra)) - 1], name[-len("_".join(extra)) :]
    is_named = bool(extra) and tail.lower() == "_".join(extra) and name[len(head)] in "._- "
    return head if head and is_named else None


def _matched(
    listing: Listing,
    images: Sequence[str],
    image_folder: PurePosixPath,
    masks: Place,
) -> dict[str, tuple[Path, ...]]:
    """Image name -> its mask files in one folder, by the same stem, else by the core."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    by_core: dict[str, list[str]] = defaultdict(list)
    for name in listing.names(masks.folder):
        by_stem[stem(name)].append(name)
        own = mask_name(stem(name))
        core = own.core if own else _without_observer(stem(name), masks.extra)
        if core:
            by_core[core].append(name)
    matched: dict[str, tuple[Path, ...]] = {}
    for image in images:
        exact = by_stem.get(stem(image), [])
        files = exact or by_core.get(stem(image), []) or by_core.get(image_core(stem(image)), [])
        files = files or by_stem.get(image_core(stem(image)), [])
        whole = [f for f in files if not (own := mask_name(stem(f))) or not own.is_part]
        if files and (exact or len(whole) > 1) and len(files) > 1:
            raise LayoutError(
                f"{listing.path(image_folder, image)}: expected one mask, found "
                f"{some(f'{masks.folder}/{f}' for f in files)}; remove all but one, "
                "or say which counts in a manifest CSV"
            )
        if files:
            matched[image] = tuple(listing.path(masks.folder, f) for f in files)
    if not matched and len(images) == 1:
        # One image and many masks of other names: one file an object, as in DSB 2018.
        names = listing.names(masks.folder)
        return {images[0]: tuple(listing.path(masks.folder, name) for name in names)}
    if not matched:
        raise LayoutError(
            f"{listing.root / masks.folder}: expected masks named like the images in "
            f"{image_folder}/ (X.png or X_mask.png), found {some(listing.names(masks.folder))} "
            f"beside {some(images)}; rename them, or write a manifest CSV"
        )
    return matched


def _with_distinct_ids(samples: Iterable[Sample], listing: Listing) -> list[Sample]:
    """Ids are the names of the images, with their folder before them where names repeat."""
    chosen = list(samples)
    folders_of: dict[str, set[Path]] = defaultdict(set)
    for sample in chosen:
        folders_of[sample.id].add(sample.image.parent)
    if all(len(folders) == 1 for folders in folders_of.values()):
        return chosen
    return [replace(s, id="_".join([*_prefix(s, listing), s.id])) for s in chosen]


def _prefix(sample: Sample, listing: Listing) -> tuple[str, ...]:
    place = place_of(PurePosixPath(sample.image.parent.relative_to(listing.root).as_posix()))
    return (*place.rest, *((place.split,) if place.split else ()), *place.extra)
