"""A held prediction as the files that `predict` would write, made by the same code."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from delineate.core.types import HeatMap, Image
from delineate.data.listing import stem
from delineate.files.spacing import Spacing
from delineate.inference.model import Model, Prediction
from delineate.web.results.file_names import file_names
from delineate.workflows.mask_formats import COCO, COCO_POLYGONS, NERVE, PNG, SIIM
from delineate.workflows.predicted_objects import FILE as OBJECTS
from delineate.workflows.prediction_writing import DOCUMENT, PredictedFiles, write_predictions

if TYPE_CHECKING:
    from delineate.web.results.stored import Held

FileForm = Literal[
    "mask",
    "overlay",
    "probability",
    "heat_map",
    "rle-nerve",
    "rle-siim",
    "coco",
    "coco-polygons",
    "measurements",
    "json",
    "all",
]
_MEDIA = {".png": "image/png", ".csv": "text/csv", ".json": "application/json"}
ZIP = "application/zip"
MEDIA_TYPES = (*_MEDIA.values(), ZIP)
_ASKED: dict[FileForm, dict[str, Any]] = {
    "mask": {},
    "overlay": {"overlays": True},
    "probability": {"probabilities": True},
    "heat_map": {"heat_maps": True},
    "rle-nerve": {"formats": (PNG, NERVE)},
    "rle-siim": {"formats": (PNG, SIIM)},
    "coco": {"formats": (PNG, COCO)},
    "coco-polygons": {"formats": (PNG, COCO_POLYGONS)},
    "measurements": {"objects": True},
    "json": {},
    # Both forms of COCO are one file, so that there is one of them.
    "all": {
        "overlays": True,
        "probabilities": True,
        "heat_maps": True,
        "formats": (PNG, NERVE, SIIM, COCO),
        "objects": True,
    },
}
_ENDS: dict[FileForm, str] = {
    "mask": "_mask", "overlay": "_overlay", "probability": "_prob", "heat_map": "_cam"
}  # fmt: skip


@dataclass(frozen=True)
class Download:
    """One file, or several in a ZIP archive."""

    name: str
    media_type: str
    content: bytes

    @property
    def headers(self) -> dict[str, str]:
        """What makes a browser save it under its name."""
        plain = self.name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
        return {
            "Content-Disposition": f'attachment; filename="{plain}"; '
            f"filename*=utf-8''{quote(self.name, safe='')}"
        }


def download(
    model: Model,
    held: Held,
    prediction: Prediction,
    form: FileForm,
    *,
    heat_map: HeatMap | None,
    scratch: Path,
) -> Download:
    """The files of one form; `heat_map` is that of the gate, where the form asks for it.

    Raises:
        DelineateError: a disk that is full.
    """
    (file,) = file_names([held.image.name])
    asked = PredictedFiles(
        **{"overlays": False, **_ASKED[form]},
        threshold=held.threshold,
        gate_threshold=held.gate_threshold,
    )
    with TemporaryDirectory(dir=scratch) as place:
        folder = Path(place)
        passes = _HeldPasses(held, prediction, heat_map)
        document = write_predictions(folder, model, [file], asked, passes=passes)
        if form == "all":
            return Download(f"{stem(file.name)}.zip", ZIP, zipped(folder))
        found = sorted(folder / each for each in _names(form, folder, stem(file.name), document))
        if len(found) == 1:
            return Download(found[0].name, _MEDIA[found[0].suffix], found[0].read_bytes())
        return Download(f"{stem(file.name)}_{form}.zip", ZIP, zipped(folder, found))


def zipped(folder: Path, files: list[Path] | None = None) -> bytes:
    """Files of a folder, all unless told which, as an archive."""
    content = io.BytesIO()
    write_zip(content, folder, files)
    return content.getvalue()


def write_zip(target: Any, folder: Path, files: list[Path] | None = None) -> None:
    """Write files of a folder, all unless told which, to a path or stream as an archive."""
    every = sorted(each for each in folder.rglob("*") if each.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for each in every if files is None else files:
            archive.write(each, each.relative_to(folder).as_posix())


def _names(form: FileForm, folder: Path, first: str, document: dict[str, Any]) -> list[str]:
    """The files that belong to a form, among those that were written."""
    if form in document["formats"]:
        return [document["formats"][form]]
    if form in _ENDS:
        written = [each.name for each in folder.iterdir()]
        return [each for each in written if each.startswith(first + _ENDS[form])]
    return [OBJECTS if form == "measurements" else DOCUMENT]


@dataclass(frozen=True)
class _HeldPasses:
    """What is there already."""

    held: Held
    prediction: Prediction
    heat: HeatMap | None

    def image(self, file: Path) -> Image:
        return self.held.image.image

    def spacing(self, file: Path) -> Spacing | None:
        return self.held.image.spacing

    def predict(self, image: Image) -> Prediction:
        return self.prediction

    def heat_map(self, image: Image) -> HeatMap:
        assert self.heat is not None
        return self.heat
