"""What a review log holds: findings, decisions, masks, and what was audited."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from delineate.auditing.findings.finding import ASKED, Finding, kinds_of, ordered
from delineate.auditing.review.decisions import Decision, in_force
from delineate.auditing.review.review_rows import all_decisions, finding_of
from delineate.auditing.review.review_tables import (
    DECISION,
    FINDING,
    MASK,
    META,
    SAMPLE,
    engine_of,
    reading,
)
from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.core.geometry import Size

_SHORTEST_NAME = 4  # characters of a finding's id that are enough where no other begins so


class ReviewReader:
    """What the file of a review log holds; every call reads it anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = engine_of(path)

    @property
    def facts(self) -> dict[str, Any]:
        """What was audited, as the last audit said it."""
        with self._reading() as connection:
            found = connection.execute(select(META.c.value).where(META.c.key == "facts")).scalar()
        return dict(found or {})

    def newest(self) -> int:
        """The number of the newest decision; 0 where nothing is decided."""
        with self._reading() as connection:
            return int(connection.execute(select(func.max(DECISION.c.number))).scalar() or 0)

    @property
    def changes(self) -> int:
        """A number that is another one whenever anybody has written to the file.

        It is the counter in the header of every SQLite file (bytes 24 to 27).
        """
        try:
            with self.path.open("rb") as file:
                return int.from_bytes(file.read(28)[24:], "big")
        except OSError as error:
            raise UnreadableFileError(
                f"{self.path}: the review log cannot be read: {error.strerror}"
            ) from error

    def findings(
        self, *, kind: str | None = None, open_only: bool = False, with_past: bool = False
    ) -> tuple[Finding, ...]:
        """What was found last, by kind and the worst first.

        `open_only` leaves out what has a decision in force; `with_past` adds what was found
        earlier and the last time not. A case that somebody only opened counts as found as long as
        their decision is in force: once it is taken back, nothing is left to decide.
        """
        query = select(FINDING)
        if kind is not None:
            query = query.where(FINDING.c.kind == kind)
        if not with_past:
            query = query.where(FINDING.c.is_current)
        with self._reading() as connection:
            found = [finding_of(row) for row in connection.execute(query)]
            decided = {each.finding for each in in_force(all_decisions(connection))}
        if not with_past:
            found = [f for f in found if f.id in decided or f.kind not in kinds_of(ASKED)]
        return ordered(f for f in found if not (open_only and f.id in decided))

    def counts(self) -> tuple[int, int]:
        """How many findings there are, and on how many of them something is decided."""
        found = self.findings()
        decided = {each.finding for each in self.in_force()}
        return len(found), sum(each.id in decided for each in found)

    def finding(self, name: str) -> Finding:
        """The finding of this id, or the only one whose id begins so.

        Raises:
            SettingsError: no such finding, or several.
        """
        query = select(FINDING).where(FINDING.c.id.startswith(name, autoescape=True))
        with self._reading() as connection:
            rows = connection.execute(query).all()
        if len(rows) == 1 and len(name) >= _SHORTEST_NAME:
            return finding_of(rows[0])
        if not rows:
            raise SettingsError(
                f"{self.path}: no finding '{name}'; `delineate review {self.path}` lists them"
            )
        raise SettingsError(
            f"{self.path}: {len(rows)} findings begin with '{name}'; give more of the name"
        )

    def decisions(self) -> tuple[Decision, ...]:
        """Every line of the log, those that were taken back and undos included, oldest first."""
        with self._reading() as connection:
            return all_decisions(connection)

    def in_force(self) -> tuple[Decision, ...]:
        """The decisions that hold; see `delineate.auditing.review.decisions.in_force`."""
        return in_force(self.decisions())

    def mask(self, sha256: str) -> bytes:
        """The PNG of a mask that a decision put in the place of another."""
        with self._reading() as connection:
            return bytes(
                connection.execute(select(MASK.c.png).where(MASK.c.sha256 == sha256)).scalar_one()
            )

    def size_px(self, sample: str) -> Size | None:
        """The size of a sample's image; None where nobody has said it."""
        query = select(SAMPLE.c.height_px, SAMPLE.c.width_px).where(SAMPLE.c.id == sample)
        with self._reading() as connection:
            size = connection.execute(query).one_or_none()
        return None if size is None else (size[0], size[1])

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self.path, self._engine)
