"""Frames of videos and slices of volumes: pictures numbered in a row whose neighbours are alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.auditing.copies.records import FrameSequence, LookAlike
from delineate.auditing.copies.thumbnails import even_thumbnails
from delineate.auditing.pictures.gallery import Gallery

Values = NDArray[np.float32]

FEWEST = 5  # pictures that make a sequence
# How much more alike neighbours are than distant pictures, as correlations of coarse detail:
# by the medians, by the mean over its standard error, and by how often.
MARGIN = 0.1
STANDARD_ERRORS = 2.2
MOSTLY = 0.6
FAR_SHARE = 0.25  # distant is farther than this share of the sequence
MOST_COMPARED = 40  # neighbours looked at, evenly spread over longer sequences
COARSE_PX = 4.0  # of the thumbnail: neighbouring frames have moved by as much


def find_sequences(gallery: Gallery) -> tuple[FrameSequence, ...]:
    """Series of ids that differ in a number and whose neighbours look more alike than others.

    Every number of an id may be the counting one; the others, the rest of the name and the
    folder are what a series shares. Where several numbers count, the last one does.
    """
    found = []
    for name, members in _series(gallery).items():
        if len(members) >= FEWEST:
            near, far = _likeness(gallery, members)
            if _is_sequence(near, far):
                medians = float(np.median(near)), float(np.median(far))
                found.append(FrameSequence(name, tuple(members), *medians))
    return tuple(sorted(found, key=lambda sequence: sequence.members))


def mark_sequences(
    look_alikes: Sequence[LookAlike], sequences: Sequence[FrameSequence]
) -> tuple[LookAlike, ...]:
    """The look-alikes, those of one sequence told as such."""
    places = {member: s.name for s in sequences for member in s.members}

    def marked(pair: LookAlike) -> LookAlike:
        name = places.get(pair.first)
        if name is None or places.get(pair.second) != name:
            return pair
        return replace(pair, why=f"both are frames of the sequence {name}; {pair.why}")

    return tuple(marked(pair) for pair in look_alikes)


def series_and_number(name: str) -> tuple[str, int] | None:
    """What an id shares with its series, and its number there: the last one of the id.

    Examples:
        >>> series_and_number("Seq05VD_f02040")
        ('Seq05VD_f', 2040)
        >>> series_and_number("train_3")
        ('train_', 3)
    """
    match = re.search(r"^(.*?)(\d+)(\D*)$", name)
    if match is None:
        return None
    before, digits, after = match.groups()
    return before + (f"*{after}" if after else ""), int(digits)


def _series(gallery: Gallery) -> dict[str, list[int]]:
    """Positions by series, in the order of their numbers."""
    numbered: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for position in range(len(gallery)):
        parsed = series_and_number(gallery.name(position))
        if parsed is not None and gallery.table["is_read"][position]:
            numbered[parsed[0]].append((parsed[1], position))
    return {name: [place for _, place in sorted(pairs)] for name, pairs in numbered.items()}


def _is_sequence(near: Values, far: Values) -> bool:
    if len(near) < FEWEST - 2:
        return False
    margins = near - far
    error = float(margins.std()) / np.sqrt(len(margins))
    return bool(
        np.median(near) - np.median(far) >= MARGIN
        and margins.mean() >= STANDARD_ERRORS * error
        and np.mean(margins > 0) >= MOSTLY
    )


def _likeness(gallery: Gallery, members: Sequence[int]) -> tuple[Values, Values]:
    """Of some pictures with the one that follows, and the median with distant ones."""
    step = -(-len(members) // MOST_COMPARED)
    places = range(0, len(members) - 1, step)
    starts = np.array(places)
    seen = sorted({k + ahead for k in places for ahead in (0, 1)})  # each of them read once
    coarse = _coarse(gallery, [members[k] for k in seen])
    here, following = (coarse[np.searchsorted(seen, starts + ahead)] for ahead in (0, 1))
    near = (here * following).sum(axis=1)
    is_far = np.abs(starts[:, None] - starts) > max(2, FAR_SHARE * len(members))
    # With few pictures, those in the middle may have no distant one.
    has_far = is_far.any(axis=1)
    among = np.where(is_far, here @ here.T, np.nan)[has_far]
    far = np.nanmedian(among, axis=1) if len(among) else np.zeros(0)
    return np.asarray(near[has_far], np.float32), far.astype(np.float32)


def _coarse(gallery: Gallery, positions: Sequence[int]) -> Values:
    """(n, 4096) float32 of mean 0 and norm 1: coarse detail of even contrast."""
    even = even_thumbnails(gallery, positions)
    coarse = [cv2.GaussianBlur(even[p], (0, 0), COARSE_PX).ravel() for p in positions]
    values = np.stack(coarse)
    values -= values.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(norms, 1e-9), np.float32)
