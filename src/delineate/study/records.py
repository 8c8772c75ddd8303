"""What a study remembers of each of its runs: how far it came, what it cost, why it failed."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from delineate.core.errors import UnreadableFileError
from delineate.files.writing import read_json, write_json, write_text

SCHEMA, RUNS = "study-run", "runs"
Kept = TypeVar("Kept", bound=BaseModel)


class Trained(BaseModel):
    """What a training that came to its end left and cost; None where its card does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float | None
    steps: int | None
    parameters: int
    data_sha256: str
    recipe_sha256: str


class Scored(BaseModel):
    """Where a run was scored, and how long it takes for an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    milliseconds_an_image: float | None
    images_timed: int


class RunRecord(BaseModel):
    """One recipe with one seed. With a failure it is tried again when the study is resumed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    seed: int
    trained: Trained | None = None
    scored: Scored | None = None
    failure: str | None = None

    @property
    def name(self) -> str:
        """What the folder of the run is called."""
        return f"{self.recipe}-seed{self.seed}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.scored is not None and self.failure is None

    def run_in(self, folder: Path) -> Path:
        """The run folder, in the folder of the study."""
        return folder / RUNS / self.name


def read_record(folder: Path, recipe: str, seed: int) -> RunRecord:
    """What is remembered of a run; an empty record of one that has not come to anything.

    Raises:
        UnreadableFileError: a record of another version.
    """
    empty = RunRecord(recipe=recipe, seed=seed)
    file = _file(folder, empty)
    if not file.is_file():
        return empty
    remedy = "expected a record of this version; delete it, and the run is trained and scored again"
    return read_kept(file, RunRecord, schema=SCHEMA, remedy=remedy)


def read_kept(file: Path, kind: type[Kept], *, schema: str, remedy: str) -> Kept:
    """What a study keeps in one of its JSON files.

    Raises:
        UnreadableFileError: no such file, or one of another version, with the remedy.
    """
    document = read_json(file, schema=schema)
    fields = {key: value for key, value in document.items() if key in kind.model_fields}
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise UnreadableFileError(f"{file}: {remedy}") from error


def write_record(folder: Path, record: RunRecord) -> RunRecord:
    """Write the record beside the run, and return it."""
    (folder / RUNS).mkdir(exist_ok=True)
    write_json(_file(folder, record), record.model_dump(mode="json"), schema=SCHEMA)
    return record


def write_traceback(folder: Path, record: RunRecord, text: str) -> Path:
    """Keep the traceback of a run that met a fault beside it, and return the file."""
    (folder / RUNS).mkdir(exist_ok=True)
    file = _traceback(folder, record)
    write_text(file, text)
    return file


def forget_traceback(folder: Path, record: RunRecord) -> None:
    """Remove what an earlier try left, before the run is tried again."""
    _traceback(folder, record).unlink(missing_ok=True)


def _traceback(folder: Path, record: RunRecord) -> Path:
    return folder / RUNS / f"{record.name}.traceback.txt"


def _file(folder: Path, record: RunRecord) -> Path:
    return folder / RUNS / f"{record.name}.json"
