"""What stands in the way where no layout recognises a folder, and what to do about it."""

from __future__ import annotations

from delineate.data.layouts import coco, run_lengths
from delineate.data.layouts.names import mask_name, place_of
from delineate.data.listing import Listing, some, stem

_ARCHIVE = "unpack them first"
_PICTURE = "convert them to PNG or TIFF"
_VOLUME = "write each slice as a TIFF or PNG of its own, images and masks under the same names"
_EMBEDDED = (
    "bring the images of the JSON files along; those that labelme has put into them are written "
    "out with labelme_export_json"
)
_OUTLINES = "export the outlines as masks in PNG, or as COCO or labelme JSON"
# Endings of files in which data sets are handed out and that are not read -> what to do.
NOT_READ = {
    **dict.fromkeys((".gz", ".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2"), _ARCHIVE),
    **dict.fromkeys((".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".heic", ".avif"), _PICTURE),
    **dict.fromkeys((".svs", ".ndpi", ".mrxs", ".czi", ".lif", ".nd2"), _PICTURE),
    **dict.fromkeys(
        (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".h5", ".hdf5", ".npz", ".mat"), _VOLUME
    ),
    **dict.fromkeys((".xml", ".geojson", ".roi", ".ndjson", ".jsonl"), _OUTLINES),
}


def lack(listing: Listing) -> str:
    """What stands in the way of recognising anything."""
    places = [place_of(folder) for folder in listing.folders]
    if any(p.role == "mask" for p in places):
        masks = some(f"{p.folder}/" for p in places if p.role == "mask")
        return f"no folder of images belongs to {masks}"
    names = [name for found in listing.folders.values() for name in found]
    if all(mask_name(stem(name)) for name in names):
        return "all are named as masks and none as the image of one"
    drawn = [
        name
        for found in listing.annotations.values()
        for name in found
        if name.lower().endswith((".json", ".csv"))
    ]
    damage = coco.problem(listing) or run_lengths.problem(listing)
    files = f", and nothing here is drawn in {some(drawn)}" if drawn else ""
    files += (f"; {damage}" if damage else "") + not_read(listing)
    return f"no folder is named masks or labels, and no file is the mask of another{files}"


def not_read(listing: Listing) -> str:
    """What is to be done with files that may hold the images or masks and are not read."""
    found = {e: remedy for e in listing.other_files if (remedy := _remedy(e))}
    if found:
        most = max(found, key=lambda ending: listing.other_files[ending])
        return f"; {listing.other_files[most]} {most} are not read: {found[most]}"
    if not listing.count and ".json" in listing.other_files:
        return f"; {_EMBEDDED}"
    for folder, names in listing.annotations.items():
        if place_of(folder).role == "mask" and stem(names[0]) + ".txt" == names[0]:
            return f"; the text in {folder}/ is not read: {_OUTLINES}"
    return ""


def _remedy(ending: str) -> str | None:
    """What to do with files of an ending that is not read, which may be a packed one."""
    return NOT_READ.get(ending) or (_ARCHIVE if ending.endswith(".gz") else None)
