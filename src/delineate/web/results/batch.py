"""Many images at once: what `predict` writes of them, in one archive."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from delineate.core.errors import DelineateError
from delineate.core.types import HeatMap, Image
from delineate.files.spacing import Spacing
from delineate.files.writing import cannot_write
from delineate.inference.model import Model, Prediction
from delineate.web.results.downloads import write_zip
from delineate.web.results.file_names import file_names
from delineate.web.results.jobs import Job, Work
from delineate.web.uploads.receiving import Received
from delineate.workflows.asked_images import failure_of
from delineate.workflows.passes import OwnPasses
from delineate.workflows.prediction_writing import PredictedFiles, write_predictions

if TYPE_CHECKING:
    from delineate.web.served import Served
    from delineate.web.uploads.decoding import Decoder

RESULT = "predictions.zip"


def batch(served: Served, sent: Sequence[Received], asked: PredictedFiles) -> Work:
    """The work of predicting files that were sent; each is removed once it is read."""
    files = file_names(each.name for each in sent)
    paths = {file: each.path for file, each in zip(files, sent, strict=True)}

    def work(job: Job) -> Path:
        folder = job.folder / "predictions"
        folder.mkdir()
        model = served.predictor.queued_model
        passes = _SentPasses(job, served.decoder, paths, model, asked)
        write_predictions(folder, model, files, asked, passes=passes, progress=job)
        result = job.folder / RESULT
        try:
            write_zip(result, folder)
        except OSError as error:
            raise cannot_write(result, error) from error
        shutil.rmtree(folder)
        return result

    return work


class _SentPasses:
    """Files that are decoded apart from this process, and a model that others ask too."""

    def __init__(
        self,
        job: Job,
        decoder: Decoder,
        paths: dict[Path, Path],
        model: Model,
        asked: PredictedFiles,
    ) -> None:
        self._job, self._decoder, self._paths = job, decoder, paths
        self._own = OwnPasses(model, None, asked.threshold, asked.gate_threshold)
        self._file = Path()
        self._spacing: Spacing | None = None

    def image(self, file: Path) -> Image:
        self._job.require_wanted()
        self._file, path = file, self._paths[file]
        with self._noted():
            try:
                decoded = self._decoder.decode_waiting(path, name=str(file))
            finally:
                path.unlink(missing_ok=True)
        self._spacing = decoded.spacing
        return decoded.image

    def spacing(self, file: Path) -> Spacing | None:
        return self._spacing

    def predict(self, image: Image) -> Prediction:
        with self._noted():
            return self._own.predict(image)

    def heat_map(self, image: Image) -> HeatMap:
        with self._noted():
            return self._own.heat_map(image)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Tell what is wrong with an image as soon as it is known."""
        try:
            yield
        except DelineateError as error:
            self._job.require_wanted()  # a model that stops is no fault of an image
            self._job.fail_in_part(failure_of(self._file, error))
            raise
