"""Whether another pairing of images with masks fits better than the one that is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from delineate.auditing.soundness.foretelling import Glance, Shares, correlation, foretold
from delineate.auditing.soundness.pixel_features import GRID

# Another pairing stops a training where it is better by so much correlation, in so many spreads
# of the mean difference, and for such a share of at least so many masks.
BETTER_BY, SPREADS, SHARE_OF_MASKS, FEWEST_MASKS = 0.02, 3.5, 0.6, 8


@dataclass(frozen=True)
class Pairing:
    """One way to bring masks to images.

    `image_of` gives the place of the image to which the mask at a place belongs, None where
    there is none; `turned` brings the mask, as cells in rows and columns, into the image's pose.
    """

    words: str
    image_of: Callable[[int], int | None]
    turned: Callable[[Shares], Shares] = lambda cells: cells


@dataclass(frozen=True)
class Comparison:
    """How a pairing fits beside the given one, over the masks that both can be judged on.

    `given` and `other` are mean correlations of predicted with drawn masks; `spreads` is the
    mean difference over its standard error; `share` of the masks are fitted better.
    """

    pairing: Pairing
    masks: int
    given: float
    other: float
    spreads: float
    share: float

    @property
    def is_clearly_better(self) -> bool:
        """Whether the given pairing is not to be believed."""
        return (
            self.masks >= FEWEST_MASKS
            and self.other - self.given >= BETTER_BY
            and self.spreads >= SPREADS
            and self.share >= SHARE_OF_MASKS
        )


GIVEN = Pairing("as given", lambda place: place)


def shifted_pairings(names: Sequence[str]) -> list[Pairing]:
    """Masks one to three files too early or too late, in reverse, or sorted otherwise.

    `names` are those of the files in the order of places. Where sorting them letter by letter
    gives another order, shifts by one are tried in that too, and files that were listed in one
    order and numbered in the other.
    """
    listed = list(range(len(names)))
    lettered = sorted(listed, key=lambda place: names[place])
    pairings = [_shifted(listed, by) for by in (1, -1, 2, -2, 3, -3)]
    pairings.append(_exchanged(listed, listed[::-1], "images with the masks in reverse order"))
    if lettered != listed:
        pairings += [_shifted(lettered, by, ", sorted letter by letter,") for by in (1, -1)]
        two = "images sorted {} with masks sorted {}"
        numbers, letters = "1, 2, 10", "1, 10, 2"
        pairings.append(_exchanged(lettered, listed, two.format(numbers, letters)))
        pairings.append(_exchanged(listed, lettered, two.format(letters, numbers)))
    return pairings


def _shifted(order: Sequence[int], by: int, sorted_: str = "") -> Pairing:
    """The mask of each file belongs to the image so many files later."""
    side = "before" if by > 0 else "after"
    far = "" if abs(by) == 1 else f" {abs(by)} places"
    goes = dict(
        zip(order[:-by], order[by:], strict=True)
        if by > 0
        else zip(order[-by:], order[:by], strict=True)
    )
    return Pairing(f"images with the masks of the files{far} {side} them{sorted_}", goes.get)


def _exchanged(masks: Sequence[int], images: Sequence[int], words: str) -> Pairing:
    """The first of the masks belongs to the first of the images, and so on."""
    return Pairing(words, dict(zip(masks, images, strict=True)).get)


def turned_pairings() -> list[Pairing]:
    """Masks mirrored, turned or with rows and columns exchanged."""

    def same(place: int) -> int:
        return place

    return [
        Pairing(
            "images with their masks mirrored left to right", same, lambda cells: cells[:, ::-1]
        ),
        Pairing("images with their masks mirrored top to bottom", same, lambda cells: cells[::-1]),
        Pairing(
            "images with their masks turned by 180 degrees", same, lambda cells: cells[::-1, ::-1]
        ),
        Pairing(
            "images with rows and columns of their masks exchanged",
            same,
            lambda cells: cells.swapaxes(0, 1),
        ),
        Pairing(
            "images with their masks turned by 90 degrees", same, lambda cells: np.rot90(cells)
        ),
        Pairing(
            "images with their masks turned by 270 degrees", same, lambda cells: np.rot90(cells, 3)
        ),
    ]


def compared(glances: Sequence[Glance], pairings: Sequence[Pairing]) -> list[Comparison]:
    """Each pairing beside the given one, best first.

    Each is learnt as `foretold` does, and held against masks that were not learnt from; so a
    pairing whose masks can be told from the images fits better than one whose cannot.
    """
    fits = _fits(glances, [GIVEN, *pairings])
    given, *others = fits
    found = [_comparison(each, given, fit) for each, fit in zip(pairings, others, strict=True)]
    return sorted(found, key=lambda each: each.given - each.other)


def _comparison(
    pairing: Pairing, given: Mapping[int, float], other: Mapping[int, float]
) -> Comparison:
    both = sorted(given.keys() & other.keys())
    if len(both) < 2:
        return Comparison(pairing, len(both), 0.0, 0.0, 0.0, 0.0)
    before = np.array([given[place] for place in both])
    after = np.array([other[place] for place in both])
    gain = after - before
    error = float(gain.std(ddof=1)) / np.sqrt(len(both))
    return Comparison(
        pairing,
        len(both),
        float(before.mean()),
        float(after.mean()),
        float(gain.mean() / max(error, 1e-9)),
        float((gain > 0).mean()),
    )


def _fits(glances: Sequence[Glance], pairings: Sequence[Pairing]) -> list[dict[int, float]]:
    """For each pairing, by place of the mask: correlation of its prediction with it."""
    by_place = {glance.place: number for number, glance in enumerate(glances)}
    targets = [_targets_of(glances, by_place, pairing) for pairing in pairings]
    masks = [{number: shares for number, (_, shares) in target.items()} for target in targets]
    fits: list[dict[int, float]] = [{} for _ in pairings]
    for which, number, predicted in foretold(glances, masks):
        place, shares = targets[which][number]
        fit = correlation(predicted, shares)
        if fit is not None:
            fits[which][place] = fit
    return fits


def _targets_of(
    glances: Sequence[Glance], by_place: Mapping[int, int], pairing: Pairing
) -> dict[int, tuple[int, Shares]]:
    """Number of the image -> place of the mask that the pairing brings it, and that mask."""
    found = {}
    for glance in glances:
        image = pairing.image_of(glance.place)
        if image is not None and image in by_place:
            cells = glance.shares.reshape(GRID, GRID, -1)
            shares = pairing.turned(cells).reshape(glance.shares.shape)
            found[by_place[image]] = (glance.place, shares)
    return found
