"""What a person may decide about a finding, and which decisions are in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Any

from delineate.auditing.findings.finding import KINDS, Finding
from delineate.auditing.review.replacing_mask import ReplacingMask
from delineate.core.errors import DelineateError, SettingsError, unknown_name
from delineate.data.listing import some

KEEP_ONE, KEEP_BOTH, KEEP, NOT_A_TWIN = "keep_one", "keep_both", "keep", "not_a_twin"
UNION, INTERSECTION, MAJORITY = "union", "intersection", "majority"
REPLACE, DROP, UNDO = "replace", "drop", "undo"

MERGES = (UNION, INTERSECTION, MAJORITY)
TWINS = ("twins", "contradictory_twins")
COPIES = (*TWINS, "leaked_twins", "leaked_file", "nested_copy", "look_alikes")


@dataclass(frozen=True)
class Action:
    """What is done about a finding, and the kinds of finding that it fits.

    `is_whole` actions speak of the whole finding, the others of single samples of it.
    """

    meaning: str
    kinds: tuple[str, ...]
    is_whole: bool = True


_OTHERS = tuple(kind for kind in KINDS if kind not in COPIES)
ACTIONS: dict[str, Action] = {
    KEEP_ONE: Action("keep the sample that is named, drop the other copies", COPIES),
    KEEP_BOTH: Action("keep all copies and their masks as they are", COPIES),
    KEEP: Action("leave everything as it is: it was looked at", _OTHERS),
    UNION: Action("each copy's mask becomes what any of them marks", TWINS),
    INTERSECTION: Action("each copy's mask becomes what all of them mark", TWINS),
    MAJORITY: Action(
        "each copy's mask becomes what most of them mark; background where votes are even", TWINS
    ),
    REPLACE: Action("another mask takes the place of the sample's own", tuple(KINDS), False),
    DROP: Action("the samples that are named are left out", tuple(KINDS), False),
    NOT_A_TWIN: Action("these are different pictures", (*TWINS, "leaked_twins")),
}
"""Everything that can be decided; `undo` takes back a decision and stands apart."""


@dataclass(frozen=True)
class Decision:
    """One line of the log; lines are added and never changed.

    `samples` are those that the decision speaks of: all of the finding's for actions on the
    whole of it. `argument` is the sample that `keep_one` keeps, or the name of the mask file
    that `replace` was given, whose content has the digest `mask`. `undoes` is the number of
    the decision that an `undo` takes back. `at` is UTC, ISO 8601.
    """

    number: int
    finding: str
    action: str
    samples: tuple[str, ...]
    argument: str
    mask: str | None
    undoes: int | None
    who: str
    why: str
    at: str

    @property
    def words(self) -> str:
        """The action and what it speaks of, as a table shows it."""
        if self.action == UNDO:
            return f"undo {self.undoes}"
        if self.action == KEEP_ONE:
            return f"keep_one {self.argument}"
        if self.action == REPLACE:
            return f"replace {some(self.samples)} by {self.argument}"
        return f"drop {some(self.samples)}" if self.action == DROP else self.action

    def to_document(self) -> dict[str, Any]:
        """The decision in plain JSON values."""
        return {
            "number": self.number,
            "finding": self.finding,
            "action": self.action,
            "samples": list(self.samples),
            "argument": self.argument,
            "mask_sha256": self.mask,
            "undoes": self.undoes,
            "who": self.who,
            "why": self.why,
            "at": self.at,
        }


class DecidedMeanwhileError(DelineateError):
    """Somebody else has decided on the same since a person last looked."""


@dataclass(frozen=True)
class Choice:
    """What is to be decided, checked against its finding; not yet in the log.

    `who` is the user of this computer where it is empty.
    """

    finding: str
    action: str
    samples: tuple[str, ...]
    argument: str = ""
    mask: ReplacingMask | None = None
    who: str = ""
    why: str = ""


def choose(
    finding: Finding, action: str, *, samples: Sequence[str] = (), argument: str = ""
) -> Choice:
    """The choice, with the samples that it speaks of.

    `keep_one` takes the sample to keep as `samples` or `argument`; `replace` and `drop` take
    `samples`, which may be left out where the finding has one.

    Raises:
        SettingsError: an action that does not exist or does not fit the kind of finding,
            samples that are not in the finding, too many or too few of them.
    """
    _require_fitting(finding, action)
    for each in samples:
        _require_sample(finding, each)
    if action == KEEP_ONE:
        kept = _one_sample(finding, action, samples or ((argument,) if argument else ()))
        _require_sample(finding, kept)
        return Choice(finding.id, action, finding.samples, kept)
    if action == REPLACE:
        one = _one_sample(finding, action, samples)
        return Choice(finding.id, action, (one,), argument)
    if action == DROP:
        named = tuple(dict.fromkeys(samples)) or _only_sample(finding, action)
        return Choice(finding.id, action, named)
    if samples:
        raise SettingsError(
            f"finding {finding.id}: {action} speaks of all its samples; leave the sample out"
        )
    return Choice(finding.id, action, finding.samples)


def fitting(finding: Finding) -> tuple[str, ...]:
    """The actions that fit a finding."""
    names = [name for name, each in ACTIONS.items() if finding.kind in each.kinds]
    if not finding.samples:
        names = [name for name in names if name in (KEEP, KEEP_BOTH)]
    if len(finding.evidence.get("matrices", ())) != len(finding.samples):
        names = [name for name in names if name not in MERGES]
    return tuple(names)


def standing(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """The lines that no undo takes back, oldest first; undos, which can be undone, included."""
    undone: set[int] = set()
    kept: list[Decision] = []
    for each in sorted(decisions, key=lambda d: -d.number):
        if each.number not in undone:
            kept.append(each)
            undone |= {each.undoes} if each.undoes is not None else set()
    return tuple(reversed(kept))


def touching(
    decisions: Iterable[Decision], finding: str, samples: Iterable[str]
) -> tuple[Decision, ...]:
    """Those on a finding, and those that speak of any of its samples, in their order."""
    known = frozenset(samples)
    return tuple(d for d in decisions if d.finding == finding or not known.isdisjoint(d.samples))


def require_unchanged(newer: Iterable[Decision], finding: str, samples: Iterable[str]) -> None:
    """Nothing, where none of the decisions that a person has not seen touches the same.

    Raises:
        DecidedMeanwhileError: naming the newest of them, and who took it.
    """
    found = touching(newer, finding, samples)
    if found:
        raise DecidedMeanwhileError(
            f"{found[-1].who} decided meanwhile: {found[-1].words} (decision {found[-1].number}, "
            f"{found[-1].at}); nothing was written. Look at it, and decide again if you still "
            "want to"
        )


def in_force(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """The decisions that hold, oldest first.

    A decision on a whole finding takes the place of all earlier ones on it. One on single
    samples takes the place of earlier ones on the same samples, and of those that leave
    everything as it is; beside others it stands, and is carried out after them.
    """
    kept: dict[str, list[Decision]] = {}
    for each in standing(decisions):
        if each.action != UNDO:
            own = kept.get(each.finding, [])
            kept[each.finding] = [*(e for e in own if not _replaces(each, e)), each]
    return tuple(sorted(chain(*kept.values()), key=lambda d: d.number))


def _replaces(later: Decision, earlier: Decision) -> bool:
    """Whether, of two decisions on one finding, the later one takes the place of the other."""
    if ACTIONS[later.action].is_whole or earlier.action in (KEEP, KEEP_BOTH):
        return True
    is_single = not ACTIONS[earlier.action].is_whole
    return is_single and set(earlier.samples) <= set(later.samples)


def _require_fitting(finding: Finding, action: str) -> None:
    if action not in ACTIONS:
        raise unknown_name("action", action, ACTIONS)
    names = fitting(finding)
    if action not in names:
        raise SettingsError(
            f"finding {finding.id}: {action} does not fit '{finding.kind}'; "
            f"expected {', '.join(names)}"
        )


def _require_sample(finding: Finding, sample: str) -> None:
    if sample not in finding.samples:
        nearest = get_close_matches(sample, finding.samples, n=1, cutoff=0.5)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        raise SettingsError(
            f"finding {finding.id}: no sample '{sample}' in it; {hint}"
            f"It is about {some(finding.samples)}"
        )


def _one_sample(finding: Finding, action: str, samples: Sequence[str]) -> str:
    named = tuple(dict.fromkeys(samples)) or _only_sample(finding, action)
    if len(named) != 1:
        raise SettingsError(
            f"finding {finding.id}: {action} takes one sample, found {len(named)}: {some(named)}"
        )
    return named[0]


def _only_sample(finding: Finding, action: str) -> tuple[str, ...]:
    if len(finding.samples) != 1:
        raise SettingsError(
            f"finding {finding.id}: {action} needs to know which of {some(finding.samples)}; "
            "name the sample"
        )
    return finding.samples
