"""Masks unlike the others of their class: by area, position and shape taken together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from delineate.auditing.findings.finding import Finding
from delineate.auditing.masks.mask_facts import MaskFacts
from delineate.core.seeds import stream, stream_seed
from delineate.data.listing import counted, some

FEWEST = 20
"""So many masks with a class are needed to say what is usual."""
MOST_FITTED = 1500
SUPPORT = 0.75
QUANTILE = 0.9999
TAIL = 2.5
CLEAR = 3.5
"""So many robust deviations from the median make a single measure unusual."""
WORTH_SAYING = 2.5
MOST_UNUSUAL = 0.05
"""Where more of the masks stand out than this, it is the rule that does not fit, not they."""
IN_ONE_PIECE = {"parts": (1, "part", 0.95), "holes": (0, "hole", 0.98)}
"""What is usual, its name, and the share of masks that must be so for others to stand out."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """What is compared: how it is said, and by which scale deviations are even.

    No spread below `floor` is believed, lest data that hardly vary make trifles stand out.
    """

    text: str
    scale: Callable[[Numbers], Numbers]
    floor: float


MEASURES = {
    "area": Measure("area {:.2g} % of the picture", np.log, 0.10),
    "row": Measure("centre {:.0f} % from the top", np.asarray, 2.0),
    "column": Measure("centre {:.0f} % from the left", np.asarray, 2.0),
    "elongation": Measure("{:.1f} times as long as broad", np.log, 0.08),
    # How much is missing to the convex hull; the constant stands for edges of whole pixels.
    "solidity": Measure("fills {:.0f} % of its convex hull", lambda s: np.log(102 - s), 0.15),
}


@dataclass(frozen=True)
class Group:
    """The masks that one observer drew of one class; `rows` are of the table of shapes."""

    observer: str
    label: int
    rows: NDArray[np.int64]


def unusual_masks(facts: MaskFacts) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Findings of masks unlike the others, and sentences on classes that were left out.

    Empty masks and those that seem inverted are not compared.

    Source: Rousseeuw and Van Driessen, "A fast algorithm for the minimum covariance
    determinant estimator" (1999), with a bound that rises with the tail of the distances,
    for shapes are never quite normal.
    """
    findings: list[Finding] = []
    skipped: dict[str, list[str]] = {}
    for group in _groups(facts):
        reason = _reason_to_skip(facts, group)
        unusual = np.empty(0, np.int64)
        if not reason:
            found = _unusual(facts, group)
            reason = "most of them are the same" if found is None else None
            unusual = unusual if found is None else found
        if len(unusual) > MOST_UNUSUAL * len(group.rows) + 1:
            reason, unusual = "so many stand out that none does", unusual[:0]
        if reason:
            skipped.setdefault(reason, []).append(_name(facts, group))
        findings.extend(_finding(facts, group, place) for place in unusual.tolist())
        findings.extend(_split_masks(facts, group, unusual))
    notes = (f"not searched for unusual masks: {some(n)} ({why})" for why, n in skipped.items())
    return tuple(findings), tuple(notes)


def robust_distances(values: Numbers) -> Numbers:
    """Squared distances of (N, D) values from their bulk, by its own spread and correlation.

    The bulk are the three quarters of up to 1,500 rows that lie closest together.
    """
    from sklearn.covariance import MinCovDet

    chosen = values
    if len(values) > MOST_FITTED:
        rng = stream(0, "masks to fit")
        chosen = values[np.sort(rng.choice(len(values), MOST_FITTED, replace=False))]
    with warnings.catch_warnings():
        # It warns where values hardly vary; then other distances are the larger.
        warnings.simplefilter("ignore")
        fit = MinCovDet(random_state=stream_seed(0, "unusual masks"), support_fraction=SUPPORT).fit(
            chosen
        )
        return np.asarray(fit.mahalanobis(values), np.float64)


def _groups(facts: MaskFacts) -> Iterator[Group]:
    who = facts.masks["observer"][facts.shapes["mask"]]
    where = facts.masks["sample"][facts.shapes["mask"]]
    for place, observer in enumerate(facts.dataset.observers):
        found = facts.by_observer.get(observer)  # none where masks are drawn as objects
        inverted = [sample for sample, _ in found.inverted] if found else []
        own = (who == place) & ~np.isin(where, inverted)
        for label in np.unique(facts.shapes["label"][own]):
            rows = np.flatnonzero(own & (facts.shapes["label"] == label))
            yield Group(observer, int(label), rows)


def _reason_to_skip(facts: MaskFacts, group: Group) -> str | None:
    if len(group.rows) < FEWEST:
        return f"fewer than {FEWEST} masks do not say what is usual"
    shapes = facts.shapes[group.rows]
    masks = facts.masks[shapes["mask"]]
    touches = (shapes["top"] == 0) | (shapes["left"] == 0)
    touches |= (shapes["bottom"] == masks["height"]) | (shapes["right"] == masks["width"])
    if touches.mean() > 0.5:
        return "most go on beyond the border of the picture"
    return None


def _measures(facts: MaskFacts, group: Group) -> dict[str, Numbers]:
    """Each measure of each shape of a group, in the units in which it is said."""
    shapes = facts.shapes[group.rows]
    masks = facts.masks[shapes["mask"]]
    pixels = masks["height"].astype(np.float64) * masks["width"]
    every = {
        "area": 100 * shapes["area_px"] / pixels,
        "row": 100 * shapes["row"],
        "column": 100 * shapes["column"],
        "elongation": shapes["elongation"],
        "solidity": 100 * shapes["solidity"],
    }
    return {name: np.asarray(values, np.float64) for name, values in every.items()}


def _deviations(measures: dict[str, Numbers]) -> Numbers:
    """(N, D) robust deviations of each measure from its median, on its own scale."""
    columns = []
    for name, values in measures.items():
        scaled = MEASURES[name].scale(values)
        low, middle, high = np.percentile(scaled, [25, 50, 75])
        spread = max((high - low) / 1.349, MEASURES[name].floor)
        columns.append((scaled - middle) / spread)
    return np.column_stack(columns)


def _unusual(facts: MaskFacts, group: Group) -> NDArray[np.int64] | None:
    """Places within the group, of masks that are far off as a whole and clearly in one measure.

    None where most masks are the same.
    """
    deviations = _deviations(_measures(facts, group))
    try:
        distances = robust_distances(deviations)
    except ValueError:  # most are one and the same, and have no spread to measure others by
        return None
    is_far = distances > _bound(distances, deviations.shape[1])
    return np.flatnonzero(is_far & (np.abs(deviations).max(axis=1) >= CLEAR))


def _bound(distances: Numbers, dimensions: int) -> float:
    middle, upper = np.percentile(np.log(np.maximum(distances, 1e-12)), [50, 75])
    tail = np.exp(middle + TAIL * (upper - middle) / 0.6745)
    return float(max(tail, chi2.ppf(QUANTILE, dimensions)))


def _finding(facts: MaskFacts, group: Group, place: int) -> Finding:
    measures = _measures(facts, group)
    deviations = _deviations(measures)[place]
    said: list[str] = []
    numbers: dict[str, Any] = {}
    for column in np.argsort(-np.abs(deviations)).tolist():
        name, values = list(measures.items())[column]
        low, high = np.percentile(values, [5, 95])
        numbers[name] = {
            "value": float(values[place]),
            "usual": [float(low), float(high)],
            "deviations": float(deviations[column]),
        }
        if abs(deviations[column]) >= WORTH_SAYING:
            text = MEASURES[name].text.format(values[place])
            said.append(f"{text} (usually {low:.2g} to {high:.2g})")
    badness = float(np.linalg.norm(deviations))
    return _about(facts, group, place, "; ".join(said), {"measures": numbers}, badness)


def _split_masks(facts: MaskFacts, group: Group, known: NDArray[np.int64]) -> Iterator[Finding]:
    """Masks in several parts, or with holes, where nearly all others are in one piece."""
    if len(group.rows) < FEWEST:
        return
    shapes = facts.shapes[group.rows]
    for field, (usual, word, enough) in IN_ONE_PIECE.items():
        counts = shapes[field]
        share = float(np.mean(counts == usual))
        if share < enough:
            continue
        for place in np.setdiff1d(np.flatnonzero(counts > usual), known).tolist():
            count = int(counts[place])
            text = f"{counted(count, word)}, where {share:.1%} of the masks have {usual or 'none'}"
            if field == "parts":
                text += f"; the largest holds {shapes['largest_share'][place]:.1%} of the area"
            evidence = {field: count, "share_with_usual": share}
            yield _about(facts, group, place, text, evidence, 1.0)


def _about(
    facts: MaskFacts,
    group: Group,
    place: int,
    text: str,
    evidence: dict[str, Any],
    badness: float,
) -> Finding:
    mask = facts.masks[facts.shapes["mask"][group.rows[place]]]
    sample = facts.dataset.samples[mask["sample"]].id
    return Finding(
        "unusual_mask",
        (sample,),
        f"{_name(facts, group)}: {text}",
        {"class": group.label, "observer": group.observer, **evidence},
        badness,
        about=f"observer {group.observer}, class {group.label}, {next(iter(evidence))}",
    )


def _name(facts: MaskFacts, group: Group) -> str:
    names = {each.index: each.name for each in facts.dataset.classes}
    is_alone = set(facts.heat) <= {1}
    what = names.get(group.label, "foreground" if is_alone else f"class {group.label}")
    return f"{what} of observer {group.observer}" if len(facts.dataset.observers) > 1 else what
