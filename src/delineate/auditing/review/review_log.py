"""The review log: what was found in the data, and an append-only log of what people decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

from sqlalchemy import Connection, Update, delete, select, update

from delineate.auditing.findings.finding import AUDIT, Finding, kinds_of
from delineate.auditing.review.decisions import (
    REPLACE,
    UNDO,
    Choice,
    Decision,
    choose,
    require_unchanged,
    standing,
)
from delineate.auditing.review.replacing_mask import ReplacingMask, read_replacing_mask
from delineate.auditing.review.review_reading import ReviewReader
from delineate.auditing.review.review_rows import (
    add_decision,
    all_decisions,
    finding_row,
    now,
    put,
)
from delineate.auditing.review.review_tables import (
    FINDING,
    META,
    SAMPLE,
    create_tables,
    require_review_log,
    writing,
)
from delineate.core.errors import OutputExistsError, SettingsError, SizeMismatchError
from delineate.core.geometry import Size
from delineate.files.encoding_text import MaskEncoding
from delineate.files.writing import atomic_write

FILE = "review.sqlite"


class ReviewLog(ReviewReader):
    """Findings and decisions in one SQLite file, which several programs may use at once.

    Every call reads the file anew, and every change is one transaction: it is kept whole or
    not at all. Decisions and replacing masks are only ever added; the file itself refuses to
    change or delete them.
    """

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        findings: Sequence[Finding],
        facts: Mapping[str, Any],
        sizes_px: Mapping[str, Size] | None = None,
    ) -> ReviewLog:
        """A new log. `facts` are plain JSON values that say what was audited.

        `sizes_px` goes from samples to the sizes of their images; with it a mask of a wrong
        size is refused when it is given, else when it is applied.

        Raises:
            OutputExistsError: if the file is there.
            CannotWriteError: if it cannot be written.
        """
        target = Path(path)
        if target.exists():
            raise OutputExistsError(
                f"{target}: the review log exists and may hold decisions; choose another folder"
            )
        with atomic_write(target) as draft:
            create_tables(draft)
            cls(draft).refresh(findings, facts=facts, sizes_px=sizes_px)
        return cls(target)

    @classmethod
    def open(cls, path: Path | str) -> ReviewLog:
        """The log in a file, or in the folder of an audit.

        Raises:
            UnreadableFileError: none there, no review log, damaged, or of another version.
        """
        place = Path(path)
        file = place / FILE if place.is_dir() else place
        require_review_log(file)
        return cls(file)

    @classmethod
    def renew(
        cls,
        path: Path | str,
        *,
        findings: Sequence[Finding],
        facts: Mapping[str, Any],
        sizes_px: Mapping[str, Size] | None = None,
    ) -> ReviewLog:
        """The log with these findings: the one that is there, with all decisions, or a new one.

        Raises:
            UnreadableFileError: something else is there.
            CannotWriteError: if it cannot be written.
        """
        if not Path(path).exists():
            return cls.create(path, findings=findings, facts=facts, sizes_px=sizes_px)
        log = cls.open(path)
        log.refresh(findings, facts=facts, sizes_px=sizes_px)
        return log

    def refresh(
        self,
        findings: Iterable[Finding],
        *,
        facts: Mapping[str, Any] | None = None,
        sizes_px: Mapping[str, Size] | None = None,
    ) -> None:
        """Take over what a new audit found; every decision stays, with the finding it is on.

        What a model or a person has found stays as it is.
        """
        with self._writing() as connection:
            connection.execute(_past(kinds_of(AUDIT)))
            put(connection, FINDING, [finding_row(each) for each in findings])
            if facts is not None:
                put(connection, META, [{"key": "facts", "value": dict(facts)}])
            if sizes_px is not None:
                rows = [{"id": k, "height_px": h, "width_px": w} for k, (h, w) in sizes_px.items()]
                connection.execute(delete(SAMPLE))
                put(connection, SAMPLE, rows)

    def refresh_queues(
        self, findings: Sequence[Finding], *queues: str, sizes_px: Mapping[str, Size]
    ) -> None:
        """Take over what a model found for these queues, in the place of what it found before.

        Every decision stays, with the finding it is on. The sizes of images are added to those
        that are known.
        """
        rows = [{"id": k, "height_px": h, "width_px": w} for k, (h, w) in sizes_px.items()]
        with self._writing() as connection:
            connection.execute(_past(kinds_of(*queues)))
            put(connection, FINDING, [finding_row(each) for each in findings])
            put(connection, SAMPLE, rows)

    def decide(
        self,
        finding: str,
        action: str,
        *,
        samples: Sequence[str] = (),
        argument: str | Path = "",
        encoding: MaskEncoding | None = None,
        who: str = "",
        why: str = "",
    ) -> Decision:
        """Add one decision; `argument` is the mask file of `replace`, decoded by `encoding`.

        `who` is the user of this computer where it is empty.

        Raises:
            DelineateError: an unknown finding, action or sample, an action that does not fit,
                or a mask that cannot be used.
        """
        choice = self.choice(finding, action, samples=samples, argument=argument, encoding=encoding)
        return self.write([replace(choice, who=who, why=why)])[0]

    def choice(
        self,
        finding: str | Finding,
        action: str,
        *,
        samples: Sequence[str] = (),
        argument: str | Path = "",
        encoding: MaskEncoding | None = None,
        mask: ReplacingMask | None = None,
    ) -> Choice:
        """What `decide` would write, checked in every respect; nothing is written.

        The `mask` of `replace` may be given in the place of its file.

        Raises:
            DelineateError: as `decide`.
        """
        found = finding if isinstance(finding, Finding) else self.finding(finding)
        chosen = choose(found, action, samples=samples, argument=str(argument))
        if action != REPLACE:
            return chosen
        if mask is None:
            if not argument:
                raise SettingsError(f"finding {found.id}: {REPLACE} needs a mask file; name it")
            mask = read_replacing_mask(Path(argument), encoding)
        self._require_size(chosen.samples[0], str(argument) or mask.name, mask)
        return replace(chosen, argument=mask.name, mask=mask)

    def write(
        self,
        choices: Sequence[Choice],
        *,
        findings: Sequence[Finding] = (),
        seen: int | None = None,
    ) -> tuple[Decision, ...]:
        """Add checked choices in their order, all or none, with findings that they are on.

        `seen` is the newest decision that whoever chooses knew of.

        Raises:
            DecidedMeanwhileError: there is a newer one on the same finding or samples.
        """
        at = now()
        with self._writing() as connection:
            if seen is not None:
                newer = all_decisions(connection, after=seen)
                for each in choices:
                    require_unchanged(newer, each.finding, each.samples)
            put(connection, FINDING, [finding_row(each) for each in findings])
            return tuple(add_decision(connection, each, at) for each in choices)

    def undo(
        self, number: int, *, who: str = "", why: str = "", seen: int | None = None
    ) -> Decision:
        """Take a decision back, or an undo; both stay in the log.

        Raises:
            SettingsError: no decision of this number, or one that is taken back already.
            DecidedMeanwhileError: as `write`.
        """
        at = now()
        with self._writing() as connection:
            known = all_decisions(connection)
            target = next((each for each in known if each.number == number), None)
            if target is None:
                there = f"numbers go from 1 to {len(known)}" if known else "the log holds none"
                raise SettingsError(f"{self.path}: no decision {number}; {there}")
            if seen is not None:
                newer = [each for each in known if each.number > seen]
                require_unchanged(newer, target.finding, target.samples)
            if target not in standing(known):
                raise SettingsError(f"{self.path}: decision {number} is taken back already")
            undo = Choice(target.finding, UNDO, target.samples, who=who, why=why)
            return add_decision(connection, undo, at, undoes=number)

    def copy_to(self, target: Path) -> ReviewLog:
        """The log as it stands now in a file of its own, byte for byte.

        Raises:
            CannotWriteError: if the target cannot be written.
        """
        with self._reading() as connection, atomic_write(target) as draft:
            # Who has read something keeps others from changing the file until the block ends.
            connection.execute(select(META.c.key)).all()
            copyfile(self.path, draft)
        return ReviewLog(target)

    def _require_size(self, sample: str, file: str, mask: ReplacingMask) -> None:
        size = self.size_px(sample)
        if size is not None and size != mask.size_px:
            raise SizeMismatchError(
                f"{file}: expected the size of {sample}, {size[0]}x{size[1]} px (height x width), "
                f"found {mask.size_px[0]}x{mask.size_px[1]}; re-export the mask to fit the image"
            )

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self.path, self._engine)


def _past(kinds: Sequence[str]) -> Update:
    """Findings of these kinds are those of earlier times."""
    return update(FINDING).where(FINDING.c.kind.in_(kinds)).values(is_current=False)
