"""Findings of a model, from what it says of cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from delineate.auditing.findings.finding import Finding
from delineate.metrics.sureness import CONTRADICTION_RULE, SURE, UNCERTAINTY_RULE, Share
from delineate.workflows.queue_looks import WORST_RULE, Looked


def findings_of(looked: Sequence[Looked], most: int, facts: Mapping[str, Any]) -> list[Finding]:
    """The worst of each kind, so many at most; `facts` say which model it was."""
    against = sorted(
        (each for each in looked if each.contradicted is not None and each.contradicted.px),
        key=lambda each: -each.contradicted.value if each.contradicted else 0.0,
    )
    scored = [each for each in looked if each.dice is not None]
    worst = sorted(scored, key=lambda each: each.dice or 0.0)
    unsure = sorted((each for each in looked if each.doubt), key=lambda each: -each.doubt)
    return [
        *(_disagreement(each, facts) for each in against[:most]),
        *(_worst(each, facts) for each in worst[:most]),
        *(_doubt(each, facts) for each in unsure[:most]),
    ]


def _disagreement(looked: Looked, facts: Mapping[str, Any]) -> Finding:
    share = looked.contradicted
    assert share is not None  # only those with a label are asked about
    return Finding(
        "model_disagreement",
        (looked.sample,),
        f"The model gives {share.px:,} px of {looked.sample} a probability below "
        f"{1 - SURE:.1f} to be what the label says, {share.value:.0%} of what either marks"
        + _said(looked),
        {**_share(share), "rule": CONTRADICTION_RULE, **_seen(looked), **facts},
        badness=share.value,
    )


def _worst(looked: Looked, facts: Mapping[str, Any]) -> Finding:
    assert looked.dice is not None  # only those with a label are asked about
    return Finding(
        "worst_case",
        (looked.sample,),
        f"The model's mask of {looked.sample} and the label have a Dice of {looked.dice:.3f}"
        + _said(looked),
        {"dice": looked.dice, "rule": WORST_RULE, **_seen(looked), **facts},
        badness=1 - looked.dice,
    )


def _doubt(looked: Looked, facts: Mapping[str, Any]) -> Finding:
    share = looked.uncertain
    if looked.doubt > share.value:
        text = (
            f"The model gives {looked.sample} a probability of {looked.gate:.2f} to hold anything"
        )
    else:
        text = (
            f"The model is not sure of {share.px:,} px of {looked.sample}, {share.value:.0%} of "
            "what it marks or might"
        )
    evidence = {**_share(share), "gate_probability": looked.gate, "rule": UNCERTAINTY_RULE}
    label = {"has_label": looked.contradicted is not None}
    without = "" if looked.contradicted is not None else "; it has no mask yet"
    return Finding(
        "uncertain_case",
        (looked.sample,),
        text + without + _said(looked),
        {**evidence, **label, **_seen(looked), **facts},
        badness=looked.doubt,
    )


def _share(share: Share) -> dict[str, Any]:
    return {"px": share.px, "of_px": share.of_px, "share": share.value}


def _seen(looked: Looked) -> dict[str, Any]:
    return {"seen": looked.seen or None}


def _said(looked: Looked) -> str:
    return f"; {looked.seen}" if looked.seen else ""
