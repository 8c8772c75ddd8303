"""From a path to a data set: which layout it is, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from delineate.core.errors import LayoutError, SettingsError, unknown_name
from delineate.core.overlapping import require_codes
from delineate.data.layouts import (
    camvid,
    cityscapes,
    class_folders,
    class_masks,
    coco,
    cropped,
    drive,
    dsb2018,
    folders,
    images,
    labelme,
    lgg,
    nerve,
    ph2,
    run_lengths,
    voc,
)
from delineate.data.layouts.found import Found
from delineate.data.layouts.names import place_of
from delineate.data.listing import Listing, list_images, some
from delineate.data.manifest import read_manifest
from delineate.data.masks import require_two_values
from delineate.data.sample import Dataset, Sample
from delineate.data.tables import read_table
from delineate.data.unknown_folders import lack, not_read
from delineate.files.mask_encoding import MaskEncoding


@dataclass(frozen=True)
class Layout:
    """How one kind of folder is recognised and read; the listing spares reading it twice.

    `example` says in a few words what such a folder holds. One `on_request` is read only where its
    name is given.
    """

    recognise: Callable[[Listing], str | None]
    read: Callable[[Listing], Found]
    example: str
    on_request: bool = False


# The first one that recognises a folder reads it: the more particular come first.
LAYOUTS = {
    "drive": Layout(drive.recognise, drive.read, "training/images beside training/1st_manual"),
    "labelme": Layout(labelme.recognise, labelme.read, "X.json of shapes beside X.jpg"),
    "nerve": Layout(nerve.recognise, nerve.read, "S_N.tif beside S_N_mask.tif"),
    "lgg": Layout(lgg.recognise, lgg.read, "TCGA_X_N.tif beside TCGA_X_N_mask.tif"),
    "camvid": Layout(camvid.recognise, camvid.read, "train/0001TP_006690.png beside trainannot/"),
    "cityscapes": Layout(
        cityscapes.recognise, cityscapes.read, "X_leftImg8bit.png beside X_gtFine_labelIds.png"
    ),
    "voc": Layout(voc.recognise, voc.read, "JPEGImages/ beside SegmentationClass/"),
    "ph2": Layout(ph2.recognise, ph2.read, "X_Dermoscopic_Image/X.bmp beside X_lesion/"),
    "cropped": Layout(
        cropped.recognise, cropped.read, "images/ beside masks/ and a CSV of mask,x,y"
    ),
    "dsb2018": Layout(
        dsb2018.recognise, dsb2018.read, "ID/images/ID.png beside ID/masks/ of an object each"
    ),
    "coco": Layout(
        coco.recognise_instances, coco.read_instances, "annotations/instances_X.json beside X/"
    ),
    "coco-panoptic": Layout(
        coco.recognise_panoptic, coco.read_panoptic, "panoptic_X.json beside panoptic_X/ and X/"
    ),
    "siim": Layout(
        run_lengths.recognise_siim, run_lengths.read, "a CSV of ImageId,EncodedPixels by gaps"
    ),
    "rle": Layout(run_lengths.recognise_nerve, run_lengths.read, "a CSV of img,pixels by starts"),
    "class-folders": Layout(
        class_folders.recognise, class_folders.read, "benign/X.png beside benign/X_mask.png"
    ),
    "class-folders-apart": Layout(
        class_folders.recognise,
        class_folders.read_apart,
        "the same, where the folder is the class of what is drawn",
        on_request=True,
    ),
    "class-masks": Layout(
        class_masks.recognise, class_masks.read, "masks/CLASS/X.png, X_mask_CLASS.png"
    ),
    "folders": Layout(
        folders.recognise,
        folders.read,
        "images/ beside masks/, X.png beside X_mask.png, X.jpg beside X.png",
    ),
    "images": Layout(images.recognise, images.read, "all pictures, no masks", on_request=True),
}
EXPLAINED = ", ".join(
    f"{name} ({each.example})" for name, each in LAYOUTS.items() if not each.on_request
)


def open_dataset(
    source: Path | str,
    *,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    overlapping: bool = False,
) -> Dataset:
    """The samples of a folder in any known layout, or of a manifest CSV.

    Nothing but names is read, and files that name images and classes, such as COCO JSON. `masks`
    confirms how masks are encoded: `threshold:128` for every observer, `2=invert` for observer 2.
    `subjects` says who is who: a regular expression with one group, searched in the id of each
    sample, or a CSV of id and subject. `overlapping` declares that a pixel may belong to several
    classes.

    Raises:
        LayoutError: nothing there, or nothing that a layout recognises.
        SettingsError: an unknown layout or observer, or an expression that does not fit.
    """
    path = Path(source)
    dataset = _open_manifest(path, layout) if path.is_file() else _open_folder(path, layout)
    if masks:
        dataset = with_encodings(dataset, [masks] if isinstance(masks, str) else masks)
    if overlapping:
        dataset = replace(dataset, is_overlapping=True)
    if dataset.is_overlapping:
        require_codes(dataset.classes, path)
    return with_subjects(dataset, subjects) if subjects else dataset


def require_labels(
    dataset: Dataset, samples: Iterable[Sample], observer: str | None = None
) -> None:
    """Nothing, where each sample has a mask of this observer, or of any where none is named.

    In a data set with image labels each needs one of these instead.

    Raises:
        LayoutError: naming how many have none and the first few.
    """
    chosen = list(samples)
    if dataset.image_labels:
        unknown = [s.id for s in chosen if not dataset.is_labelled(s)]
        if unknown:
            raise LayoutError(
                f"{len(unknown)} of {len(chosen)} images: expected a label for each, found none "
                f"for {some(unknown)}; add them to the table of labels, or leave these images "
                "out with a manifest CSV"
            )
        return
    without = [s for s in chosen if not (s.masks.get(observer) if observer else s.masks)]
    if without:
        who = f" of observer {observer}" if observer else ""
        raise LayoutError(
            f"{len(without)} of {len(chosen)} images: expected a mask{who} for each, found none "
            f"for {some(str(s.image) for s in without)}; add the masks (an empty one where there "
            "is nothing to see), or leave these images out with a manifest CSV"
        )


def with_encodings(dataset: Dataset, texts: Iterable[str]) -> Dataset:
    """The dataset with these mask encodings confirmed, in place of earlier ones.

    Raises:
        SettingsError: an observer that the data has not, or an encoding that cannot be read.
        UncertainMaskError: an encoding of several classes for masks of one class each.
    """
    encodings: dict[str, MaskEncoding] = {}
    for text in texts:
        head, equals, tail = text.partition("=")
        if equals and ":" not in head and "," not in head:
            if head.strip() not in dataset.observers:
                raise unknown_name("observer", head.strip(), dataset.observers)
            encodings[head.strip()] = MaskEncoding.parse(tail)
        else:
            encodings |= dict.fromkeys(dataset.observers, MaskEncoding.parse(text))
    require_two_values(dataset, encodings)
    return dataset.decoded_by(encodings)


def with_subjects(dataset: Dataset, subjects: str) -> Dataset:
    """The dataset with subjects from a regular expression or a CSV.

    Raises:
        SettingsError: not an expression with one group, or one that fits not every sample
            with a mask, or of images alone not every image.
        LayoutError: a CSV that lacks samples, columns or values.
    """
    path = Path(subjects)
    is_table = subjects.lower().endswith(".csv") or path.is_file()
    named = _from_table(path) if is_table else _from_expression(subjects, dataset.samples)
    labelled = [s for s in dataset.samples if s.masks] or dataset.samples
    missed = [s.id for s in labelled if s.id not in named]
    if missed:
        problem = SettingsError if not is_table else LayoutError
        raise problem(
            f"--subjects {subjects}: expected a subject for every sample, found none for "
            f"{len(missed)} of {len(dataset.samples)} ({some(missed)}); extend it"
        )
    samples = tuple(replace(s, subject=named.get(s.id)) for s in dataset.samples)
    return replace(dataset, samples=samples)


def _open_manifest(path: Path, layout: str | None) -> Dataset:
    if path.suffix.lower() != ".csv":
        raise LayoutError(f"{path}: expected a folder or a manifest .csv, found another file")
    if layout not in (None, "manifest"):
        raise SettingsError(f"--layout {layout}: expected a folder, found the manifest {path}")
    return read_manifest(path)


def _open_folder(root: Path, name: str | None) -> Dataset:
    listing = list_images(root)
    if not listing.count:
        raise LayoutError(
            f"{root}: expected images and masks, found {listing.describe()}"
            f"{not_read(listing) or '; check the path'}"
        )
    if name is not None and name not in LAYOUTS:
        raise unknown_name("layout", name, LAYOUTS)
    inner = _descended(listing)
    for key, layout in LAYOUTS.items():
        if name != key and (name is not None or layout.on_request):
            continue
        reason = layout.recognise(inner)
        if reason:
            found = layout.read(inner)
            if inner.root != root:
                reason += f" (in {inner.root.relative_to(root)}/)"
            return Dataset(
                inner.root,
                key,
                reason,
                found.samples,
                encodings=found.encodings,
                classes=found.classes,
                notes=found.notes,
                file_encodings=found.file_encodings,
                has_instances=found.has_instances,
                is_overlapping=found.is_overlapping,
            )
    asked = f"not the layout {name}; " if name else ""
    raise LayoutError(
        f"{root}: {asked}{listing.describe()}; {lack(listing)}. Known layouts: {EXPLAINED}; "
        "anything else with a manifest CSV of the columns id, image, mask, or pictures alone "
        "with --layout images"
    )


def _descended(listing: Listing) -> Listing:
    """The listing from the first folder that holds more than one folder with a plain name."""
    child = listing.only_child()
    while child is not None and (_is_plain(child) or _is_title(child, listing)):
        listing = listing.under(child)
        child = listing.only_child()
    return listing


def _is_plain(name: str) -> bool:
    place = place_of(PurePosixPath(name))
    return place.role is None and place.split is None


def _is_title(name: str, listing: Listing) -> bool:
    """Whether a folder that all else lies in is only called so, as `Lung Segmentation`."""
    place = place_of(PurePosixPath(name))
    holds_files = any(f == PurePosixPath(name) for f in listing.folders)
    return bool(place.extra) and place.split is None and not holds_files


def _from_expression(text: str, samples: Sequence[Sample]) -> Mapping[str, str]:
    try:
        expression = re.compile(text)
    except re.error as problem:
        raise SettingsError(
            f"--subjects {text}: expected a regular expression or a CSV, found {problem}"
        ) from None
    if expression.groups != 1:
        raise SettingsError(
            f"--subjects {text}: expected one group in brackets, as in '^(\\d+)_', "
            f"found {expression.groups}"
        )
    found = {sample.id: expression.search(sample.id) for sample in samples}
    return {id_: match[1] for id_, match in found.items() if match and match[1]}


def _from_table(path: Path) -> Mapping[str, str]:
    named: dict[str, str] = {}
    for number, row in read_table(path, required=("id", "subject")):
        if named.setdefault(row["id"], row["subject"]) != row["subject"]:
            raise LayoutError(
                f"{path}, row {number}: id {row['id']} has the subjects {named[row['id']]} "
                f"and {row['subject']}; keep one"
            )
    return {id_: subject for id_, subject in named.items() if subject}
