"""What is off between images and their masks, from a bounded number of cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from delineate.auditing.soundness.case_facts import CaseFacts
from delineate.auditing.soundness.foretelling import Glance, Shares
from delineate.auditing.soundness.inversion import Sign, inverted, sign_of_inversion
from delineate.auditing.soundness.pairings import (
    FEWEST_MASKS,
    Comparison,
    compared,
    shifted_pairings,
    turned_pairings,
)
from delineate.auditing.soundness.pixel_features import in_cells, pixel_features
from delineate.auditing.soundness.strangers import beside_strangers
from delineate.core.errors import DelineateError
from delineate.core.overlapping import is_class
from delineate.core.progress import Progress
from delineate.core.types import IGNORE, Labels
from delineate.data.listing import counted
from delineate.data.parallel import in_threads
from delineate.data.reading import read_case
from delineate.data.sample import Dataset, Sample
from delineate.inference.field_of_view import field_of_view
from delineate.workflows.preflight_findings import Finding

# Images that are looked at together with their masks, and classes that are told apart in them.
MOST_IMAGES, _MOST_CLASSES = 120, 4
# Where drawn masks are common long runs of files are looked at, else each with the files beside it.
# Runs of numbered files hold neighbours both as people count and as letters sort.
_COMMON, _LONG, _SHORT = 1 / 3, 12, 1


@dataclass(frozen=True)
class Looks:
    """What was seen: of how many images, of how many drawn masks, and what is off."""

    images: int
    masks: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Look:
    glance: Glance
    sign: Sign | None
    has_both: bool


def looked_at(dataset: Dataset, facts: Mapping[str, CaseFacts], progress: Progress) -> Looks:
    """Whether masks fit their images, and whether they are inverted.

    Of at most 120 cases of train and validation: masks in which something is drawn, evenly
    spaced, each with the cases around it in the order of files. Files of other parts are counted
    in that order, and never opened.
    """
    files = [sample for sample in dataset.samples if dataset.observers[0] in sample.masks]
    places = _chosen_places(files, facts)
    classes = _commonest_classes(facts)
    if not classes:  # nothing is drawn anywhere, and that was accepted
        return Looks(0, 0, (), ())
    looks = _looks(dataset, files, places, classes, progress)
    drawn = sum(not facts[files[place].id].is_empty for place in places)
    findings: list[Finding] = []
    notes = []
    if len(classes) == 1 and not dataset.is_overlapping:
        findings += _inversion(dataset, looks)
    if drawn < FEWEST_MASKS:
        notes.append(
            f"whether masks belong to their images was not judged: "
            f"{counted(drawn, 'drawn mask')}, fewer than {FEWEST_MASKS}"
        )
    else:
        glances = [look.glance for look in looks]
        mispaired = list(_mispairing(dataset, files, glances))
        findings += mispaired
        notes += [] if mispaired else _strangers(glances)
    return Looks(len(places), drawn, tuple(findings), tuple(notes))


def _chosen_places(files: Sequence[Sample], facts: Mapping[str, CaseFacts]) -> list[int]:
    """Places of drawn masks, evenly spaced, and of those beside them; all where they are few."""
    used = [place for place, sample in enumerate(files) if sample.id in facts]
    if len(used) <= MOST_IMAGES:
        return used
    drawn = [place for place in used if not facts[files[place].id].is_empty] or used
    reach = _LONG if len(drawn) >= _COMMON * len(used) else _SHORT
    can_be_read = set(used)
    for anchors in range(min(MOST_IMAGES, len(drawn)), 0, -1):
        spaced = np.linspace(0, len(drawn) - 1, anchors).round().astype(int)
        beside = {drawn[at] + by for at in spaced for by in range(-reach, reach + 1)}
        places = sorted(beside & can_be_read)
        if len(places) <= MOST_IMAGES:
            break
    return places


def _commonest_classes(facts: Mapping[str, CaseFacts]) -> list[int]:
    """The classes that most cases hold, of equally common ones those of lower index."""
    holders: dict[int, int] = {}
    for each in facts.values():
        for index in each.class_px:
            holders[index] = holders.get(index, 0) + 1
    return sorted(holders, key=lambda index: (-holders[index], index))[:_MOST_CLASSES]


def _looks(
    dataset: Dataset,
    files: Sequence[Sample],
    places: Sequence[int],
    classes: Sequence[int],
    progress: Progress,
) -> list[_Look]:
    observer = dataset.observers[0]

    def look(place: int) -> _Look:
        case = read_case(dataset, files[place], (observer,))
        labels = case.labels[observer]
        shares = shares_of(labels, classes, is_overlapping=dataset.is_overlapping)
        is_drawn = (labels != 0) & (labels != IGNORE)
        has_both = bool(is_drawn.any() and (labels == 0).any())
        sign = sign_of_inversion(labels, field_of_view(case.image)) if has_both else None
        return _Look(Glance(place, pixel_features(case.image), shares), sign, has_both)

    looks = []
    for _, found in in_threads(look, places, label="preflight", progress=progress):
        if isinstance(found, DelineateError):
            raise found
        looks.append(found)
    return looks


def shares_of(labels: Labels, classes: Sequence[int], *, is_overlapping: bool) -> Shares:
    """(cells, classes): how much of each cell of a mask belongs to each of some classes."""
    maps = [
        in_cells(is_class(labels, index, is_overlapping=is_overlapping).astype(np.float32))
        for index in classes
    ]
    return np.stack([each.ravel() for each in maps], axis=1)


def _inversion(dataset: Dataset, looks: Sequence[_Look]) -> Iterator[Finding]:
    found = inverted([look.sign for look in looks if look.has_both])
    if found is None:
        return
    sign = {
        "surround": "the dark around the picture drawn as foreground",
        "holes": "foreground all along the edge, with the background as holes in it",
    }[found.sign]
    yield Finding(
        "masks-inverted",
        f"{dataset.root}: expected objects as foreground, found {sign}, in {found.masks} of "
        f"{counted(found.of_masks, 'mask')}; exchange foreground and background",
    )


def _mispairing(
    dataset: Dataset, files: Sequence[Sample], glances: Sequence[Glance]
) -> Iterator[Finding]:
    ways = {
        "masks-shifted": shifted_pairings([sample.id for sample in files]),
        "masks-turned": turned_pairings(),
    }
    every = [pairing for pairings in ways.values() for pairing in pairings]
    best = compared(glances, every)[0]
    if not best.is_clearly_better:
        return
    name = next(name for name, pairings in ways.items() if best.pairing in pairings)
    yield Finding(name, f"{dataset.root}: {_told(best)}; {_remedy(name, best, files)}")


def _strangers(glances: Sequence[Glance]) -> Iterator[str]:
    """A note where masks might as well lie beside other images, as after a shuffle."""
    found = beside_strangers(glances)
    if found is not None and not found.are_told_apart:
        yield (
            f"masks guessed from images correlate with their own masks by {found.own:.2f} and with "
            f"those of other images by {found.others:.2f}, over {counted(found.masks, 'mask')}, "
            "which may be chance; look whether masks lie beside their own images"
        )


def _told(best: Comparison) -> str:
    return (
        f"expected each image to fit its own mask best, found that {best.pairing.words} fit better:"
        f" masks guessed from images correlate with those by {best.other:.2f} and with their own "
        f"by {best.given:.2f}, over {counted(best.masks, 'mask')}"
    )


def _remedy(name: str, best: Comparison, files: Sequence[Sample]) -> str:
    if name == "masks-turned":
        return "turn the masks, or export them anew"
    mask, image = next(
        (place, at)
        for place in range(len(files))
        if (at := best.pairing.image_of(place)) is not None and at != place
    )
    return f"look whether the mask of {files[mask].id} is that of {files[image].id}, and pair anew"
