"""Which masks are encoded otherwise than the rest, gathered one mask at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from delineate.files.mask_encoding import MaskFinding, Proposal, propose

MOST_KEPT = 1000
MOST_REASONS = 500
MOST_COUNTED = 1000
FULL_SHARE = 0.5
FULL_BORDER = 0.75
UNKNOWN_SHARE = 0.1
IN_GENERAL = "the mask holds neither plain indices nor 0 and 255"

Key = TypeVar("Key")


@dataclass(frozen=True)
class OddMask:
    """A mask file that by itself says something else than most others: which sample, and why."""

    sample: int
    encoding: str
    reason: str


@dataclass(frozen=True)
class EncodingFacts:
    """How one observer's masks are encoded.

    `proposal` fits the masks without the `odd` ones, where these are the minority. `inverted`
    are samples whose mask is full at its border where others are empty, with the share of its
    foreground; `is_mostly_full` says that most masks are so. `mean_share` is the mean share of
    foreground in the others that are not empty. `white` hold 0 and 255 alone where others
    hold classes.
    """

    files: int
    proposal: Proposal
    odd: tuple[OddMask, ...]
    inverted: tuple[tuple[int, float], ...]
    is_mostly_full: bool
    mean_share: float
    white: tuple[int, ...]


@dataclass
class EncodingTally:
    """Adds up what `describe` found in one mask after the other; of constant size.

    Certain masks are kept apart from the others, for a few JPEG masks among clean ones must
    not decide how the clean ones are read.
    """

    _clean: _Pile = field(default_factory=lambda: _Pile())
    _other: _Pile = field(default_factory=lambda: _Pile())
    _odd: list[OddMask] = field(default_factory=list)
    _own: dict[tuple[int, ...], Proposal] = field(default_factory=dict)
    _inverted: list[tuple[int, float]] = field(default_factory=list)
    _white: list[int] = field(default_factory=list)
    _lit: int = 0
    _full: int = 0
    _share: float = 0.0

    def add(self, sample: int, finding: MaskFinding) -> None:
        """Take in one mask file of a sample."""
        own = self._proposal(finding)
        if own.is_certain:
            self._clean.add(finding)
        else:
            self._other.add(finding)
            reason = own.reason if len(self._odd) < MOST_REASONS else IN_GENERAL
            self._odd.append(OddMask(sample, str(own.encoding), reason))
        share = _lit_share(finding)
        if share > 0:
            self._lit += 1
            self._share += share
            self._full += share > FULL_SHARE and finding.border_share > FULL_SHARE
        if share > FULL_SHARE and finding.border_share > FULL_BORDER:
            self._inverted.append((sample, share))
        whites = finding.counts.get(255, 0)
        if set(finding.counts) <= {0, 255} and whites > UNKNOWN_SHARE * np.prod(finding.size_px):
            self._white.append(sample)

    def facts(self) -> EncodingFacts | None:
        """What all of them say; None where no mask could be read."""
        files = self._clean.count + self._other.count
        if not files:
            return None
        proposal = propose([*self._clean.findings(), *self._other.findings()])
        odd: tuple[OddMask, ...] = ()
        if not proposal.is_certain and self._clean.count > self._other.count:
            without = propose(self._clean.findings())
            if without.is_certain:
                proposal, odd = without, tuple(self._odd)
        has_classes = proposal.encoding.kind == "index"
        is_mostly_full = 2 * self._full > self._lit
        inverted = () if has_classes or is_mostly_full else tuple(self._inverted)
        shares = sum(share for _, share in inverted)
        # Where boundaries are marked as unknown, every mask has some; a few with nothing else
        # are binary masks that strayed in.
        is_few = 4 * len(self._white) < files
        return EncodingFacts(
            files,
            proposal,
            odd,
            inverted,
            is_mostly_full and not has_classes,
            (self._share - shares) / max(1, self._lit - len(inverted)),
            tuple(dict.fromkeys(self._white)) if has_classes and is_few else (),
        )

    def _proposal(self, finding: MaskFinding) -> Proposal:
        is_plain = finding.palette is None and not finding.colours and not finding.is_lossy
        if not is_plain or finding.distinct > 2:
            return propose([finding])
        key = tuple(finding.counts)
        if key not in self._own:
            self._own[key] = propose([finding])
        return self._own[key]


@dataclass
class _Pile:
    """Findings, of which all beyond a number are added up into a few."""

    count: int = 0
    _kept: list[MaskFinding] = field(default_factory=list)
    _sums: dict[tuple[bool, ...], MaskFinding] = field(default_factory=dict)

    def add(self, finding: MaskFinding) -> None:
        self.count += 1
        if len(self._kept) < MOST_KEPT:
            self._kept.append(finding)
            return
        # What `propose` looks at in single masks must not arise from adding two up.
        key = (
            finding.distinct <= 2, 1 in finding.counts, 255 in finding.counts,
            bool(finding.colours), finding.is_lossy, finding.is_nearly_grey,
            finding.palette is None, finding.foreground_share > FULL_SHARE,
        )  # fmt: skip
        earlier = self._sums.get(key)
        self._sums[key] = finding if earlier is None else _sum(earlier, finding)

    def findings(self) -> list[MaskFinding]:
        return [*self._kept, *self._sums.values()]


def _lit_share(finding: MaskFinding) -> float:
    """The share of foreground; of greys the brighter half, for a codec may leave no true black."""
    if finding.distinct <= 2:
        return finding.foreground_share
    return float(finding.histogram[128:].sum() / finding.histogram.sum())


def _sum(one: MaskFinding, other: MaskFinding) -> MaskFinding:
    histogram: NDArray[np.int64] = one.histogram + other.histogram
    return replace(
        one,
        counts=_added(one.counts, other.counts),
        colours=_added(one.colours, other.colours),
        distinct=max(one.distinct, other.distinct),
        histogram=histogram,
    )


def _added(one: Mapping[Key, int], other: Mapping[Key, int]) -> dict[Key, int]:
    total = Counter(one)
    total.update(other)
    return dict(total.most_common(MOST_COUNTED))
