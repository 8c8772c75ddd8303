"""Data that never was, to try things on: fundus photographs, neck ultrasound, chest films."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from delineate.core.errors import SettingsError, unknown_name
from delineate.core.geometry import Size
from delineate.core.progress import SILENT, Progress
from delineate.data.phantoms import chest, chest_writing, fundus, ultrasound, writing
from delineate.data.phantoms.chest_files import SUBJECTS
from delineate.files.writing import read_json

SUBJECT_FRAMES = 10
"""How many frames of each neck are drawn where nothing is said."""


@dataclass(frozen=True)
class _Asked:
    """What is to be drawn; the options that only some kinds have are None where not given."""

    images: int
    test: int | None
    size_px: Size
    seed: int
    form: str | None
    per_subject: int | None
    faults: Sequence[str]
    overwrite: bool
    progress: Progress


@dataclass(frozen=True)
class _Kind:
    """How one kind is drawn, its own size and number, and the options that not every kind has."""

    draw: Callable[[Path, _Asked], None]
    size_px: Size
    images: int
    options: tuple[str, ...]
    schema: str


@dataclass(frozen=True)
class PhantomsResult:
    """Where they are, and what they are."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def main_result(self) -> Path:
        """The folder, which every verb takes as DATA."""
        return self.folder


def phantoms(
    kind: str,
    out: Path | str,
    *,
    images: int | None = None,
    test: int | None = None,
    size_px: Size | None = None,
    form: str | None = None,
    per_subject: int | None = None,
    faults: Sequence[str] = (),
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> PhantomsResult:
    """Draw a set of phantoms, with masks and subjects, that any verb reads without options.

    `test` of the images are put into the test part, always whole subjects. `form` is that of
    chest films, `folders` or `siim`; `per_subject` how many frames each neck has; `faults` what
    is wrong on purpose with fundus or ultrasound, kinds of `data.phantoms.faults.FAULTS`.

    Raises:
        SettingsError: an unknown kind, an option that the kind does not have, or numbers that
            do not fit together.
        OutputExistsError, CannotWriteError: as `new_folder`. Nothing is left half-written.
    """
    if kind not in KINDS:
        raise unknown_name("kind of phantoms", kind, KINDS)
    chosen = KINDS[kind]
    _require_options(kind, {"form": form, "per-subject": per_subject, "fault": faults or None})
    asked = _Asked(
        images=chosen.images if images is None else images,
        test=test,
        size_px=size_px or chosen.size_px,
        seed=seed,
        form=form,
        per_subject=per_subject,
        faults=faults,
        overwrite=overwrite,
        progress=progress,
    )
    chosen.draw(Path(out), asked)
    document = read_json(Path(out) / f"{chosen.schema}.json", schema=chosen.schema)
    return PhantomsResult(Path(out), document)


def table(result: PhantomsResult) -> list[tuple[str, str]]:
    """The document in short, as pairs of a word and what was drawn."""
    document = result.document
    height, width = document["size_px"]
    rows = [
        ("kind", str(document["kind"])),
        ("images", f"{document['images']:,}"),
        ("size", f"{height}x{width} (height x width)"),
        ("seed", str(document["seed"])),
    ]
    if "positives" in document:
        rows.insert(2, ("with gas", f"{document['positives']:,}"))
    if document.get("planted"):
        rows.append(("faults", f"{len(document['planted'])}, told in planted.json"))
    if document.get("form") == "siim":
        rows.append(("subjects", f"read them with --subjects {result.folder / SUBJECTS}"))
    return rows


def _require_options(kind: str, given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value is not None and name not in KINDS[kind].options:
            able = " and ".join(other for other, each in KINDS.items() if name in each.options)
            raise SettingsError(
                f"--{name}: expected none for {kind} phantoms, for only {able} can have it; "
                "leave it out"
            )


def _parts(asked: _Asked, share: float, most: int | None = None, whole: int = 1) -> tuple[int, int]:
    """How many images are for training and how many for the test, in steps of `whole`."""
    for name, value in (("images", asked.images), ("test", asked.test or 0)):
        if value % whole:
            near = max(1, round(value / whole)) * whole
            raise SettingsError(
                f"--{name} {value}: expected whole subjects of {whole} frames each, such as "
                f"{near}; choose such a number, or another --per-subject"
            )
    if asked.images < 1:
        raise SettingsError(f"--images {asked.images}: expected 1 or more")
    test = asked.test
    if test is None:
        test = round(share * asked.images / whole) * whole
        test = test if most is None else min(test, most)
    if not 0 <= test < asked.images:
        raise SettingsError(
            f"--test {test}: expected 0 to {asked.images - whole}, so that some of the "
            f"{asked.images} images are left to train on"
        )
    return asked.images - test, test


def _draw_fundus(out: Path, asked: _Asked) -> None:
    training, test = _parts(asked, 0.5, most=writing.MOST_TEST_FUNDUS)
    writing.write_fundus(
        out,
        training=training,
        test=test,
        seed=asked.seed,
        faults=asked.faults,
        size_px=asked.size_px,
        overwrite=asked.overwrite,
        progress=asked.progress,
    )


def _draw_ultrasound(out: Path, asked: _Asked) -> None:
    frames = SUBJECT_FRAMES if asked.per_subject is None else asked.per_subject
    if frames < 1:
        raise SettingsError(f"--per-subject {frames}: expected 1 or more")
    training, test = _parts(asked, 0.2, whole=frames)
    writing.write_ultrasound(
        out,
        subjects=(training + test) // frames,
        images_per_subject=frames,
        test_subjects=test // frames,
        seed=asked.seed,
        faults=asked.faults,
        size_px=asked.size_px,
        overwrite=asked.overwrite,
        progress=asked.progress,
    )


def _draw_chest(out: Path, asked: _Asked) -> None:
    training, test = _parts(asked, 0.2)
    chest_writing.write_chest(
        out,
        training=training,
        test=test,
        seed=asked.seed,
        size_px=asked.size_px,
        form=asked.form or chest_writing.FORMS[0],
        overwrite=asked.overwrite,
        progress=asked.progress,
    )


KINDS = MappingProxyType(
    {
        "fundus": _Kind(_draw_fundus, fundus.SIZE_PX, 40, ("fault",), "planted"),
        "ultrasound": _Kind(
            _draw_ultrasound, ultrasound.SIZE_PX, 100, ("fault", "per-subject"), "planted"
        ),
        "chest": _Kind(_draw_chest, chest.SIZE_PX, 100, ("form",), chest_writing.SCHEMA),
    }
)
"""What can be drawn."""
