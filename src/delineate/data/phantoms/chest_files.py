"""How chest films lie in their folder: PNG beside masks, or DICOM with a table of run lengths."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from delineate.core.seeds import stream
from delineate.data.phantoms.chest import Film
from delineate.data.phantoms.chest_dicom import dicom_film, uid
from delineate.data.phantoms.folder import put
from delineate.data.phantoms.picture import Pixels, Slot
from delineate.files.run_lengths import siim_text
from delineate.files.writing import write_csv

SUBJECTS = "subjects.csv"

INVERTED_SHARE = 0.15
"""How many DICOM films hold their greys the other way round, as some machines write them."""


class FolderFiles:
    """`train/images/S_N.png` with `train/masks/S_N_mask.png`, 0 and 255, and the same in test."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, slot: Slot, film: Film) -> str:
        """Write a film and its mask; its id comes back."""
        name = f"{slot.subject}_{slot.number}"
        put(self._root / slot.split / "images" / f"{name}.png", _png(film.image))
        mask = film.mask.astype(np.uint8) * np.uint8(255)
        put(self._root / slot.split / "masks" / f"{name}_mask.png", _png(mask))
        return name

    def finish(self) -> None:
        """All is written."""


class SiimFiles:
    """`dicom-images-train/STUDY/SERIES/INSTANCE.dcm` with `train-rle.csv`, and the same of test.

    `subjects.csv` says whose film each is, since the layout takes no patient's number from DICOM.
    """

    def __init__(self, root: Path, seed: int) -> None:
        self._root, self._seed = root, seed
        self._runs: dict[str, list[tuple[str, str]]] = {}
        self._subjects: list[tuple[str, int]] = []

    def add(self, slot: Slot, film: Film) -> str:
        """Write a film and note its runs; its id comes back."""
        study, series, instance = (
            uid(self._seed, level, slot) for level in ("study", "series", "instance")
        )
        rng = stream(self._seed, "chest dicom", slot.subject, slot.number)
        content = dicom_film(
            film.image, slot, seed=self._seed, is_inverted=rng.random() < INVERTED_SHARE
        )
        folder = self._root / f"dicom-images-{slot.split}" / study / series
        put(folder / f"{instance}.dcm", content)
        self._runs.setdefault(slot.split, []).append((instance, siim_text(film.mask)))
        self._subjects.append((instance, slot.subject))
        return instance

    def finish(self) -> None:
        """Write the tables."""
        for split, rows in self._runs.items():
            write_csv(self._root / f"{split}-rle.csv", ("ImageId", "EncodedPixels"), rows)
        write_csv(self._root / SUBJECTS, ("id", "subject"), self._subjects)


def _png(pixels: Pixels) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()
