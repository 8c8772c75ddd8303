"""The desk at which labels are reviewed: cases, findings, and decisions in the log."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.decisions import (
    REPLACE,
    UNDO,
    Choice,
    DecidedMeanwhileError,
    Decision,
)
from delineate.auditing.review.replacing_mask import ReplacingMask, replacing_mask
from delineate.core.checks import sha256_of_text
from delineate.core.errors import DelineateError
from delineate.core.geometry import Size
from delineate.core.progress import SILENT, Progress
from delineate.data.sample import Sample
from delineate.files.image_files import image_size
from delineate.web.documents import DecisionDocument, DecisionRequest
from delineate.web.problems import RefusedError
from delineate.web.review.case_labels import CaseLabels
from delineate.web.review.desk_state import DeskState, decision_document, read_state
from delineate.workflows.reviewed_data import ReviewedData, open_reviewed

KEY_PATTERN = r"^[0-9a-f]{16}$"
FINDING_PATTERN = r"^[0-9a-f]{10}$"


def key_of(sample: str) -> str:
    """The name of a case in addresses, whatever its id holds."""
    return sha256_of_text(sample)[:16]


def open_desk(
    model: Path,
    scratch: Path,
    *,
    data: Path | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    review: Path | None = None,
    progress: Progress = SILENT,
) -> Desk | None:
    """The desk for a model's data; None without data, see `open_reviewed`.

    Masks that decisions change are written to a folder in `scratch`.

    Raises:
        DelineateError: as `open_reviewed`.
    """
    found = open_reviewed(
        model,
        data=data,
        layout=layout,
        masks=masks,
        subjects=subjects,
        review=review,
        progress=progress,
    )
    return None if found is None else Desk(found, scratch / "desk")


class Desk:
    """Data, and the log of its review, as several people see and change them at once.

    All of it may be called from any thread. Whatever somebody decides, here or in a terminal, is
    seen with the next call.
    """

    def __init__(self, reviewed: ReviewedData, folder: Path) -> None:
        self.reviewed = reviewed
        self.log = reviewed.log
        self.labels = CaseLabels(reviewed.dataset, reviewed.log, folder)
        self.samples = {each.id: each for each in reviewed.dataset.samples}
        self.keys = {id_: key_of(id_) for id_ in self.samples}
        self._by_key = {key: id_ for id_, key in self.keys.items()}
        self._lock = Lock()
        self._writing = Lock()  # SQLite lets writers of one file sleep longer than they need to
        self._state: DeskState | None = None

    def state(self) -> DeskState:
        """Findings and decisions as they are now.

        Raises:
            DelineateError: the log cannot be read.
        """
        with self._lock:
            if self._state is None or self._state.changes != self.log.changes:
                self._state = read_state(self.log, self.keys)
            return self._state

    def with_labels(self) -> DeskState:
        """The same, with `labels` brought up to it.

        Raises:
            DelineateError: as `state`, or a changed mask that cannot be written.
        """
        state = self.state()
        self.labels.bring_up_to(state.in_force)
        return state

    def sample(self, key: str) -> Sample:
        """The sample of a key.

        Raises:
            RefusedError: 404, there is none.
        """
        if key not in self._by_key:
            raise RefusedError(
                404, "no_case", f"case: no '{key}' in the data; /cases lists those there are"
            )
        return self.samples[self._by_key[key]]

    def finding(self, id_: str) -> Finding:
        """The finding of that id, of earlier times too.

        Raises:
            RefusedError: 404, there is none.
        """
        found = self.state().known.get(id_)
        if found is None:
            raise RefusedError(
                404, "no_finding", f"finding: no '{id_}' in the log; /review lists those there are"
            )
        return found

    def decide(self, request: DecisionRequest) -> DecisionDocument:
        """Add a decision to the log, whole or not at all.

        Raises:
            RefusedError: no such finding or case (404), somebody decided meanwhile (409), or
                values that do not fit (422).
            DelineateError: an action that does not fit, or a log that cannot be written.
        """
        who, why = plain(request.who), plain(request.why)
        if not who:
            raise _misfit("who: expected a name, found nothing that can be read; say who decides")
        try:
            if request.action == UNDO:
                made = self._undo(request, who, why)
            else:
                made = self._write(request, who, why)
        except DecidedMeanwhileError as problem:
            raise RefusedError(409, "decided_meanwhile", str(problem)) from problem
        state = "undo" if made.undoes is not None else "in force"
        return decision_document(
            made.to_document() | {"words": made.words, "state": state}, self.keys
        )

    def _undo(self, request: DecisionRequest, who: str, why: str) -> Decision:
        if request.undoes is None:
            raise _misfit("undoes: expected the number of a decision to take back, found none")
        if request.undoes > self.log.newest():
            raise RefusedError(
                404, "no_decision", f"undoes: no decision {request.undoes}; /history lists them"
            )
        with self._writing:
            return self.log.undo(request.undoes, who=who, why=why, seen=request.seen)

    def _write(self, request: DecisionRequest, who: str, why: str) -> Decision:
        if request.undoes is not None:
            raise _misfit(f"undoes: goes with the action {UNDO}, found {request.action}")
        if (request.finding is None) == (request.case is None):
            raise _misfit("finding, case: expected one of the two, to say what is decided upon")
        if request.case is not None:
            finding = asked_case(self.sample(request.case))
            new = [finding]
        else:
            finding, new = self.finding(request.finding or ""), []
        choice = replace(self._choice(finding, request), who=who, why=why)
        with self._writing:
            return self.log.write([choice], findings=new, seen=request.seen)[0]

    def _choice(self, finding: Finding, request: DecisionRequest) -> Choice:
        if request.action != REPLACE:
            if request.mask_png is not None:
                raise _misfit(f"mask_png: goes with the action {REPLACE}, found {request.action}")
            return self.log.choice(finding, request.action, samples=request.samples)
        if request.mask_png is None:
            raise _misfit(f"mask_png: {REPLACE} needs a mask, found none")
        named = request.samples or finding.samples
        if len(named) != 1 or named[0] not in self.samples:
            raise _misfit(
                f"samples: {REPLACE} takes one sample that is in the data, found {len(named)}"
            )
        sample = self.samples[named[0]]
        return self.log.choice(
            finding, REPLACE, samples=[sample.id], mask=self._mask(sample, request.mask_png)
        )

    def _mask(self, sample: Sample, text: str) -> ReplacingMask:
        try:
            content = b64decode(text, validate=True)
        except ValueError as problem:
            raise _misfit("mask_png: expected base64, found other characters") from problem
        return replacing_mask(
            content,
            name=f"mask of {sample.id}",
            size_px=self.size_px(sample),
            highest=self.reviewed.classes[-1].index,
            is_overlapping=self.reviewed.dataset.is_overlapping,
        )

    def size_px(self, sample: Sample) -> Size:
        """The size of a sample's image, by its header.

        Raises:
            RefusedError: 422, it cannot be read.
        """
        try:
            return image_size(sample.image)
        except DelineateError as problem:
            raise self.unusable(problem) from problem

    def unusable(self, problem: DelineateError) -> RefusedError:
        """The problem of a file of the data, told without saying where on this computer it is."""
        return RefusedError(422, "unusable_case", self.in_words(str(problem)))

    def in_words(self, text: str) -> str:
        """What a problem says, with files named from the folder of the data or log on."""
        for folder in (self.reviewed.dataset.root, self.log.path.parent, self.labels.folder):
            text = text.replace(f"{folder}/", "")
        return text


def asked_case(sample: Sample) -> Finding:
    """The finding under which people decide on a case that nothing was found about."""
    return Finding("asked_case", (sample.id,), f"Somebody opened {sample.id} and decided on it")


def plain(text: str) -> str:
    """The text in one line, without characters that are not seen or that move others.

    Examples:
        >>> plain(" Ada\\x1b[2J  Lovelace\\n")
        'Ada [2J Lovelace'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _misfit(message: str) -> RefusedError:
    return RefusedError(422, "misfit", message)
