"""Data Science Bowl 2018: nuclei, a folder an image and a mask a nucleus.

`stage1_train/ID/images/ID.png` with `stage1_train/ID/masks/*.png`, each of which draws one
object; `stage1_test/ID/images/ID.png` has none.

Source: Caicedo et al. (2019), "Nucleus segmentation across imaging experiments: the 2018 Data
Science Bowl"; the same set is BBBC038.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from delineate.data.layouts.found import REFERENCE, Found, in_order
from delineate.data.layouts.names import mask_name, place_of
from delineate.data.listing import Listing, counted, some, stem
from delineate.data.sample import Sample

_IMAGES, _MASKS = frozenset({"images", "image"}), frozenset({"masks", "mask"})


def recognise(listing: Listing) -> str | None:
    """Why this is the layout of the Bowl, else None.

    Every folder of images must hold one, no mask be named like its image, and one image have
    several masks at least.
    """
    images, masks = _cases(listing)
    if not images or set(listing.folders) - _used(listing):
        return None
    for case, folder in images.items():
        names = listing.names(folder)
        own = listing.names(masks[case]) if case in masks else ()
        if len(names) != 1 or any(_is_of(name, names[0]) for name in own):
            return None
    count = sum(len(listing.names(folder)) for folder in masks.values())
    if not any(len(listing.names(masks[case])) > 1 for case in images if case in masks):
        return None
    return (
        f"{counted(len(images), 'folder')} of an image with {count} masks in masks/, "
        "one an object, as in the Data Science Bowl 2018"
    )


def read(listing: Listing) -> Found:
    """Its samples; each mask file is an object of its own, and nobody says whose image it is."""
    images, masks = _cases(listing)
    names = {case.name for case in images}
    has_distinct = len(names) == len(images)
    samples = []
    for case, folder in images.items():
        own = masks.get(case)
        files = tuple(listing.path(own, name) for name in listing.names(own)) if own else ()
        samples.append(
            Sample(
                id=case.name if has_distinct else "_".join(case.parts),
                image=listing.path(folder, listing.names(folder)[0]),
                masks={REFERENCE: files} if files else {},
                split=place_of(case.parent).split,
            )
        )
    lost = [f"{case}/" for case in masks if case not in images]
    notes = (f"no image for the masks of {some(lost)}",) if lost else ()
    return Found(in_order(samples), notes, has_instances=True)


def _cases(
    listing: Listing,
) -> tuple[dict[PurePosixPath, PurePosixPath], dict[PurePosixPath, PurePosixPath]]:
    """Folder of a case -> that of its image, and that of its masks."""
    below = [f for f in listing.folders if len(f.parts) > 1 and not _is_split(f.parent.name)]
    images = {f.parent: f for f in below if f.name.lower() in _IMAGES}
    masks = {f.parent: f for f in below if f.name.lower() in _MASKS}
    return images, masks


def _used(listing: Listing) -> set[PurePosixPath]:
    images, masks = _cases(listing)
    return {*images.values(), *masks.values()}


def _is_split(name: str) -> bool:
    """Whether a folder is named for a split, as `train/`, and so is no case."""
    return place_of(PurePosixPath(name)).split is not None


def _is_of(mask: str, image: str) -> bool:
    """Whether a mask bears the name of the image, as where it has one of all objects."""
    own = mask_name(stem(mask))
    return stem(image) in (stem(mask), own.core if own else None)
