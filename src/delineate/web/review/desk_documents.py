"""What the server says of cases and findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from delineate.auditing.findings.copy_maps import has_maps
from delineate.auditing.findings.finding import KINDS, Finding
from delineate.auditing.review.decisions import ACTIONS, DROP, KEEP_ONE, REPLACE, fitting
from delineate.data.sample import TEST, Sample
from delineate.web.documents import (
    ActionDocument,
    CaseDocument,
    ClassDocument,
    FindingDocument,
    ImageDocument,
    ObserverDocument,
    Page,
)
from delineate.web.problems import API
from delineate.web.review.desk import Desk
from delineate.web.review.desk_state import DeskState
from delineate.web.review.finding_pictures import picture_names

ROOT = f"{API}/v1"
_TAKES = {KEEP_ONE: "one_sample", DROP: "samples", REPLACE: "mask"}
_MARKED = (
    "A changed label is kept and marked: scores are then given on the labels as decided, on those "
    "before, and on the cases that nobody touched, and none of them as an improvement."
)


def case_document(
    desk: Desk,
    state: DeskState,
    sample: Sample,
    *,
    image: ImageDocument | None = None,
    problem: str | None = None,
) -> CaseDocument:
    """A case under the decisions in force; `desk.labels` have been brought up to `state`."""
    base = f"{ROOT}/cases/{desk.keys[sample.id]}"
    is_mended = desk.labels.is_mended(sample)
    return CaseDocument(
        key=desk.keys[sample.id],
        id=sample.id,
        split=sample.split,
        subject=sample.subject,
        image=image,
        problem=problem,
        has_labels=is_mended or desk.labels.observer in sample.masks,
        is_mended=is_mended,
        is_dropped=desk.labels.is_dropped(sample),
        last_decision=state.newest_on(sample.id),
        findings=list(state.about(sample.id)),
        warning=_warning(desk, sample),
        classes=[
            ClassDocument(index=c.index, name=c.name, colour=c.colour)
            for c in desk.reviewed.classes
        ],
        is_overlapping=desk.reviewed.dataset.is_overlapping,
        observers=[
            ObserverDocument(name=name, labels=f"{base}/labels?{urlencode({'observer': name})}")
            for name in desk.labels.others(sample)
        ],
        links={"self": base}
        | {
            name: f"{base}/{name}"
            for name in ("shades", "labels", "original", "thumbnail", "prediction")
        }
        | ({"region": f"{base}/region"} if sample.region else {}),
    )


def finding_document(desk: Desk, state: DeskState, finding: Finding) -> FindingDocument:
    """A finding with all that was decided on it or on its samples, and what may be decided."""
    kind = KINDS[finding.kind]
    base = f"{ROOT}/findings/{finding.id}/pictures"
    return FindingDocument(
        id=finding.id,
        kind=finding.kind,
        queue=kind.queue,
        title=kind.title,
        meaning=kind.meaning,
        severity=kind.severity,
        samples=list(finding.samples),
        cases=[desk.keys.get(each) for each in finding.samples],
        about=finding.about,
        text=finding.text,
        suggestion=finding.suggestion,
        badness=finding.badness,
        evidence=dict(finding.evidence),
        maps=finding.evidence["matrices"] if has_maps(finding) else [],
        decisions=state.touching(finding.samples, finding.id),
        actions=_actions(desk, finding),
        pictures={name: f"{base}/{name}" for name in picture_names(finding, desk.samples)},
    )


def _actions(desk: Desk, finding: Finding) -> list[ActionDocument]:
    return [
        ActionDocument(name=name, meaning=ACTIONS[name].meaning, takes=_TAKES.get(name, "nothing"))
        for name in fitting(finding)
    ]


def _warning(desk: Desk, sample: Sample) -> str | None:
    """What must be known before a label is changed: how masks are read, and of test cases why."""
    said = [f"{note[0].upper()}{note[1:]}." for note in desk.reviewed.notes]
    if sample.split == TEST:
        said.append(_of_test_case(desk.reviewed.test_scorings()))
    return " ".join(said) or None


def _of_test_case(scorings: int) -> str:
    if scorings:
        seen = "once" if scorings == 1 else f"{scorings} times"
        return f"A test case, on which this model was scored {seen}. {_MARKED}"
    return (
        "A test case. Decide by the image alone, not by what a model says of it: labels that "
        f"follow a model make its scores too good. {_MARKED}"
    )


def page_of(
    path: str, *, total: int, start: int, count: int, asked: Mapping[str, str | None]
) -> Page:
    """Which part of a list this is, with the address of the next one."""
    following = start + count
    given = {name: value for name, value in asked.items() if value is not None}
    query = urlencode({"start": following, "count": count, **given})
    return Page(
        total=total, start=start, next=f"{ROOT}{path}?{query}" if following < total else None
    )


def found_cases(
    desk: Desk, *, split: str | None, search: str | None, state: str
) -> Sequence[Sample]:
    """The cases, in the order of the data, that are asked for; `labels` are up to date."""
    words = (search or "").casefold()

    def is_asked(sample: Sample) -> bool:
        return (
            (split is None or sample.split == split)
            and (words in sample.id.casefold() or words in (sample.subject or "").casefold())
            and _is_in(desk, sample, state)
        )

    return [sample for sample in desk.samples.values() if is_asked(sample)]


def _is_in(desk: Desk, sample: Sample, state: str) -> bool:
    if state == "mended":
        return desk.labels.is_mended(sample)
    if state == "dropped":
        return desk.labels.is_dropped(sample)
    if state == "unlabelled":
        return desk.labels.observer not in sample.masks and not desk.labels.is_mended(sample)
    return True
