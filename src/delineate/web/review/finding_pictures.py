"""Pictures of findings: a sample with its labels, and what two copies do not share."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

import numpy as np

from delineate.auditing.findings.copy_maps import has_maps
from delineate.auditing.findings.finding import Finding
from delineate.core.errors import DelineateError
from delineate.core.overlapping import topmost
from delineate.core.types import IGNORE, Image, LabelClass, Labels
from delineate.data.sample import Sample
from delineate.files.image_files import read_image
from delineate.report.audit_content import CopyView, Look
from delineate.report.audit_differences import (
    agreement,
    agreement_words,
    amplified,
    grey_difference,
    laid_on,
)
from delineate.report.audit_pictures import AGREEMENT, marks_rgba, reduced_labels
from delineate.report.display import Rgb, shrunk, to_rgb
from delineate.report.overlays import IGNORED_COLOUR, LUMINANCE
from delineate.web.documents import DifferenceDocument
from delineate.web.problems import API, RefusedError
from delineate.web.review.desk import Desk
from delineate.workflows.audit_page import copies_of

ROOT = f"{API}/v1"
THUMBNAIL_PX, LONGEST_PX = 256, 1024
MOST_THUMBNAILS = 8
MOST_DIFFERENCES = 8
# thumbnail, thumbnail_2, difference, difference_2, image_difference, ...
NAME_PATTERN = r"^(thumbnail|difference|image_difference)(_[1-9][0-9]{0,3})?$"
STRIPE_PX = 8


def picture_names(finding: Finding, known: Container[str]) -> list[str]:
    """The pictures that there are of a finding.

    `thumbnail` and `thumbnail_2`, ... of its samples; of samples that lie on each other, such as
    copies, `difference` of the masks and `image_difference` of the second one from the first,
    `difference_2` of the third, and so on.
    """
    samples = [each for each in finding.samples[:MOST_THUMBNAILS] if each in known]
    names = [_numbered("thumbnail", at) for at in range(len(samples))]
    if has_maps(finding) and all(each in known for each in finding.samples):
        for at in range(min(len(finding.samples) - 1, MOST_DIFFERENCES)):
            names += [_numbered("difference", at), _numbered("image_difference", at)]
    return names


def finding_picture(desk: Desk, finding: Finding, name: str) -> Rgb:
    """(H, W, 3) one of `picture_names`, under the labels as decided.

    Raises:
        RefusedError: 404, there is no such picture; 422, files that cannot be read.
    """
    if name not in picture_names(finding, desk.samples):
        raise RefusedError(
            404, "no_picture", f"picture: no '{name}' of this finding; it lists those there are"
        )
    matched = re.fullmatch(NAME_PATTERN, name)
    assert matched is not None  # every name there is has that form
    place = int((matched[2] or "_1")[1:])
    if matched[1] == "thumbnail":
        samples = [each for each in finding.samples if each in desk.samples]
        return thumbnail(desk, desk.samples[samples[place - 1]])
    first = _look(desk, desk.samples[finding.samples[0]])
    other = _look(desk, desk.samples[finding.samples[place]])
    view = _view(finding, place)
    found = mask_difference if matched[1] == "difference" else image_difference
    return found(first, other, view)


def mask_differences(desk: Desk, finding: Finding) -> list[DifferenceDocument]:
    """What the first of samples that lie on each other shares with each, as labels are decided.

    Of samples that cannot be compared, for want of a mask or of a file that can be read, it says
    what is missing.
    """
    names = [each for each in picture_names(finding, desk.samples) if each.startswith("difference")]
    return [
        _mask_difference(desk, finding, place, f"{ROOT}/findings/{finding.id}/pictures/{name}")
        for place, name in enumerate(names, start=1)
    ]


def _mask_difference(desk: Desk, finding: Finding, place: int, address: str) -> DifferenceDocument:
    first, other = finding.samples[0], finding.samples[place]
    try:
        one, two = (_look(desk, desk.samples[each]) for each in (first, other))
        outcome = _agreement(one, two, _view(finding, place))
    except DelineateError as problem:
        return DifferenceDocument(first=first, other=other, words=str(problem))
    counts = np.bincount(outcome.ravel(), minlength=256)
    return DifferenceDocument(
        first=first,
        other=other,
        both_px=counts[1],
        only_first_px=counts[2],
        only_other_px=counts[3],
        other_class_px=counts[4],
        unknown_px=counts[IGNORE],
        picture=address,
        words=agreement_words(outcome),
    )


def thumbnail(desk: Desk, sample: Sample) -> Rgb:
    """A small picture of a sample with its labels outlined."""
    look = _look(desk, sample)
    rgb = shrunk(to_rgb(_pixels(look)), THUMBNAIL_PX)
    if look.labels is None or look.labels.shape != _pixels(look).shape[:2]:
        return rgb
    return _with_marks(rgb, look.labels, desk.reviewed.classes, tint=0)


def mask_difference(first: Look, other: Look, view: CopyView) -> Rgb:
    """Where the masks of two copies differ, on the first one in grey.

    What only the first marks is striped one way, what only the other marks the other way, what
    both mark is even.
    """
    outcome = _agreement(first, other, view)
    grey = np.rint(to_rgb(_pixels(first)) @ LUMINANCE * 0.6).astype(np.uint8)
    rgb = shrunk(to_rgb(grey), LONGEST_PX)
    return _striped(rgb, reduced_labels(outcome, (rgb.shape[0], rgb.shape[1])))


def image_difference(first: Look, other: Look, view: CopyView) -> Rgb:
    """How far the grey levels of a copy lie from those of the first, amplified."""
    found = grey_difference(_pixels(first), _pixels(other), view)
    _, grey = amplified(found.shown)
    unknown = np.array(IGNORED_COLOUR, np.uint8)
    return shrunk(np.where(found.is_known[..., None], grey[..., None], unknown), LONGEST_PX)


def _agreement(first: Look, other: Look, view: CopyView) -> Labels:
    if first.labels is None or other.labels is None:
        named = (("the first copy", first), (view.sample, other))
        missing = [each.problem or f"{n} has no mask" for n, each in named if each.labels is None]
        raise RefusedError(422, "no_mask", "; ".join(missing))
    height, width = first.labels.shape
    labels = laid_on(other.labels, view, size_px=(height, width), is_labels=True)
    return agreement(first.labels, labels)


def _striped(rgb: Rgb, outcome: Labels) -> Rgb:
    rows, columns = np.indices(outcome.shape)
    falling = (rows - columns) % STRIPE_PX < STRIPE_PX // 2
    rising = (rows + columns) % STRIPE_PX < STRIPE_PX // 2
    shown = outcome.copy()
    shown[(outcome == 2) & ~falling] = 0
    shown[(outcome == 3) & ~rising] = 0
    marked = _with_marks(rgb, shown, AGREEMENT, tint=200, has_edges=False)
    return _with_marks(marked, outcome, AGREEMENT, tint=40)


def _with_marks(
    rgb: Rgb,
    labels: Labels,
    classes: Sequence[LabelClass],
    *,
    tint: int,
    has_edges: bool = True,
) -> Rgb:
    """The picture under its labels, which are brought to its size."""
    small = reduced_labels(labels, (rgb.shape[0], rgb.shape[1]))
    rgba = marks_rgba(small, classes, tint)
    if not has_edges:
        rgba[..., 3] = np.minimum(rgba[..., 3], tint)
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgb * (1 - alpha) + rgba[..., :3] * alpha).astype(np.uint8)


def _look(desk: Desk, sample: Sample) -> Look:
    """Image and labels as decided; a mask that cannot be read is none, and said."""
    try:
        image = read_image(sample.image)
    except DelineateError as problem:
        raise desk.unusable(problem) from problem
    try:
        labels = desk.labels.decided(sample)
    except DelineateError as problem:
        return Look(image, None, desk.in_words(str(problem)))
    if labels is not None and desk.reviewed.dataset.is_overlapping:
        labels = topmost(labels)
    return Look(image, labels)


def _pixels(look: Look) -> Image:
    assert look.image is not None  # `_look` raises where it cannot be read
    return look.image


def _view(finding: Finding, place: int) -> CopyView:
    wanted = finding.samples[place]
    return next(each for each in copies_of(finding).copies if each.sample == wanted)


def _numbered(name: str, at: int) -> str:
    return name if at == 0 else f"{name}_{at + 1}"
