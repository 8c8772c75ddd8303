"""Sets of chest films on disk: images beside masks, or as SIIM-ACR handed them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.errors import unknown_name
from delineate.core.geometry import Size
from delineate.core.progress import SILENT, Progress, track
from delineate.data.phantoms.chest import SIZE_PX, Film, film_of
from delineate.data.phantoms.chest_anatomy import LEFT, Build, build
from delineate.data.phantoms.chest_files import FolderFiles, SiimFiles
from delineate.data.phantoms.chest_plan import PlannedFilm, chest_plan
from delineate.data.phantoms.folder import require_at_least, require_size, whole_folder
from delineate.data.phantoms.picture import Slot
from delineate.files.writing import write_json

FORMS = ("folders", "siim")

SCHEMA, FILE = "phantoms", "phantoms.json"


@dataclass(frozen=True)
class ChestSet:
    """What was written: the folder, how many films, and how many of them show gas."""

    folder: Path
    images: int
    positives: int


def write_chest(
    folder: Path,
    *,
    training: int,
    test: int = 0,
    seed: int,
    size_px: Size = SIZE_PX,
    form: str = "folders",
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> ChestSet:
    """Chest films, gas beside a lung in one of five; the last subjects go into test.

    As `folders`: `train/images/S_N.png` with `train/masks/S_N_mask.png`, film N of subject S,
    which names the subjects in the layout of the nerve set. As `siim`:
    `dicom-images-train/STUDY/SERIES/INSTANCE.dcm` with `train-rle.csv`, and `subjects.csv` for
    `--subjects`. The pictures are the same. A subject has one to three films. `phantoms.json`
    tells what each film shows.

    Args:
        folder: A new folder.
        training: Films in train.
        test: Films in test.
        seed: The same seed writes the same bytes.
        size_px: Height and width of a film.
        form: `folders` or `siim`.
        overwrite: Replace a folder that Delineate made.
        progress: Where to tell how far it is.

    Raises:
        SettingsError: no film to train on, films too small, or an unknown form.
        OutputExistsError, CannotWriteError: as `new_folder`. Nothing is left half-written.
    """
    if form not in FORMS:
        raise unknown_name("form of chest phantoms", form, FORMS)
    require_at_least("training", training, 1)
    require_at_least("test", test, 0)
    require_size(size_px)
    plan = chest_plan(seed, training, test)
    with whole_folder(folder, overwrite) as root:
        files = SiimFiles(root, seed) if form == "siim" else FolderFiles(root)
        films = [
            _facts(files.add(slot, film), slot, film)
            for slot, film in _drawn(seed, plan, size_px, progress)
        ]
        files.finish()
        positives = sum(film["gas"] is not None for film in films)
        document = {
            "kind": "chest",
            "form": form,
            "seed": seed,
            "size_px": list(size_px),
            "images": len(films),
            "positives": positives,
            "films": films,
        }
        write_json(root / FILE, document, schema=SCHEMA)
        return ChestSet(root, len(films), positives)


def _drawn(
    seed: int, plan: Sequence[PlannedFilm], size_px: Size, progress: Progress
) -> Iterator[tuple[Slot, Film]]:
    person: Build | None = None
    for planned in track(plan, "drawing chest films", progress):
        slot = planned.slot
        if person is None or person.subject != slot.subject:
            person = build(seed, slot.subject)
        yield slot, film_of(person, slot.number, size_px, has_gas=planned.has_gas)


def _facts(name: str, slot: Slot, film: Film) -> Mapping[str, object]:
    """What a film shows; the share is that of the film which gas takes."""
    gas = film.gas
    return {
        "id": name,
        "split": slot.split,
        "subject": slot.subject,
        "gas": None if gas is None else gas.kind,
        "side": None if gas is None else ("left" if gas.side == LEFT else "right"),
        "share": round(float(film.mask.mean()), 6),
    }
