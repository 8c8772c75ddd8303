"""Masks that lie in one folder with their images, told apart by name or ending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError
from delineate.data.layouts.found import REFERENCE
from delineate.data.layouts.names import MaskName, image_core, mask_name, place_of
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample

# Of two files with one stem, the one whose ending stands later here is the mask:
# photographs are JPEG or TIFF, masks are what keeps few exact values small.
ENDINGS = (".jpeg", ".jpg", ".webp", ".tif", ".tiff", ".bmp", ".png", ".gif")


@dataclass(frozen=True)
class Pairs:
    """Samples of folders that mix images and masks, and how the masks were told."""

    samples: tuple[Sample, ...]
    reason: str
    notes: tuple[str, ...]


def read_pairs(listing: Listing) -> Pairs | None:
    """The samples where at least one image has a mask beside it, else None."""
    notes: list[str] = []
    paired: dict[PurePosixPath, list[Sample]] = {}
    examples: list[str] = []
    alone: list[PurePosixPath] = []
    for folder in listing.folders:
        masks, lost = _by_name(listing, folder)
        if not masks:
            masks, lost = _by_ending(listing, folder), []
        if not masks:
            alone.append(folder)
            continue
        if lost:
            notes.append(f"no image for {counted(len(lost), 'mask')} in {folder}/: {some(lost)}")
        paired[folder] = _samples(listing, folder, masks, lost)
        image, found = next(iter(masks.items()))
        examples.append(f"{image} beside {next(iter(found.values()))[0]}")
    if not paired:
        return None
    depths = {len(folder.parts) for folder in paired}
    for folder in alone:
        if len(folder.parts) in depths or place_of(folder).split:
            paired[folder] = _samples(listing, folder, {}, [])
        else:
            notes.append(f"left out, for nothing in it has a mask: {folder}/")
    count = sum(bool(s.masks) for samples in paired.values() for s in samples)
    reason = f"{counted(count, 'image')} with a mask in the same folder, such as {examples[0]}"
    if _are_patients(paired):
        reason += "; each folder is one subject, for its files begin with its name"
        paired = {f: [replace(s, subject=f.name) for s in own] for f, own in paired.items()}
    return Pairs(tuple(s for own in paired.values() for s in own), reason, tuple(notes))


Masks = Mapping[str, Mapping[str, tuple[str, ...]]]  # image name -> observer -> mask names


def _by_name(listing: Listing, folder: PurePosixPath) -> tuple[Masks, list[str]]:
    """`X` beside `X_mask`; also the masks whose X is not there."""
    names = listing.names(folder)
    owners: dict[str, str] = {}
    for name in names:
        owners.setdefault(image_core(stem(name)), name)
        owners[stem(name)] = name
    masks: dict[str, dict[str, list[tuple[MaskName, str]]]] = {}
    lost: list[str] = []
    for name in names:
        own = mask_name(stem(name))
        if not own:
            continue
        image = owners.get(own.core)
        if image is None:
            lost.append(name)
            continue
        observers = masks.setdefault(image, {})
        observers.setdefault(own.observer or REFERENCE, []).append((own, name))
    for image, observers in masks.items():
        for files in observers.values():
            if sum(not own.is_part for own, _ in files) > 1:
                raise LayoutError(
                    f"{listing.path(folder, image)}: expected one mask, found "
                    f"{some(name for _, name in files)}; remove all but one"
                )
    found = {
        image: {o: tuple(n for _, n in files) for o, files in sorted(observers.items())}
        for image, observers in masks.items()
    }
    return found, lost


def _by_ending(listing: Listing, folder: PurePosixPath) -> Masks:
    """`X.jpg` beside `X.png`."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    for name in listing.names(folder):
        by_stem[stem(name)].append(name)
    masks: dict[str, dict[str, tuple[str, ...]]] = {}
    for names in by_stem.values():
        ranked = sorted(names, key=_rank)
        if len(names) == 2 and _rank(ranked[0]) < _rank(ranked[1]):
            masks[ranked[0]] = {REFERENCE: (ranked[1],)}
        elif len(names) > 1:
            raise LayoutError(
                f"{listing.root / folder}: expected an image and its mask of one name, "
                f"found {some(names)}; remove what is neither, or write a manifest CSV"
            )
    return masks


def _rank(name: str) -> int:
    ending = PurePosixPath(name).suffix.lower()
    return ENDINGS.index(ending) if ending in ENDINGS else len(ENDINGS) // 2


def _samples(
    listing: Listing, folder: PurePosixPath, masks: Masks, lost: Sequence[str]
) -> list[Sample]:
    used = {name for observers in masks.values() for files in observers.values() for name in files}
    used |= set(lost)
    split = place_of(folder).split

    def path(name: str) -> Path:
        return listing.path(folder, name)

    return [
        Sample(
            id=stem(name),
            image=path(name),
            masks={o: tuple(map(path, files)) for o, files in masks.get(name, {}).items()},
            split=split,
        )
        for name in listing.names(folder)
        if name not in used
    ]


def _are_patients(paired: Mapping[PurePosixPath, Sequence[Sample]]) -> bool:
    return len(paired) > 1 and all(
        folder.parts and sample.id.startswith(folder.name)
        for folder, samples in paired.items()
        for sample in samples
    )
