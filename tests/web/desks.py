"""A desk over a small set with its audit, and clients that speak to it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from delineate.auditing.review.review_log import ReviewLog
from delineate.core.types import default_classes
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.sample import Dataset
from delineate.files.image_files import read_image
from delineate.report.display import to_rgb
from delineate.web.app import ROOT
from delineate.web.failing import answer_errors
from delineate.web.review.desk import Desk
from delineate.web.routes import cases, decisions, findings
from delineate.web.served import Stopping
from delineate.web.uploads.decoding import Decoded, ShownWindow
from delineate.workflows.reviewed_data import ReviewedData


class HereDecoder:
    """Decodes in this process what the real one decodes in others."""

    async def decode(self, path: Path, *, name: str, frame: int | None = None) -> Decoded:
        """The image in a file."""
        image = read_image(path, frame=frame)
        window = ShownWindow(0, 255, "8 bits")
        return Decoded(name, "PNG", image, to_rgb(image)[..., 0], 1.0, 0.0, window, None)


@dataclass
class FakeServed:
    """As much of a server as the addresses of a review need."""

    desk: Desk | None
    decoder: HereDecoder = field(default_factory=HereDecoder)
    stopping: Stopping = field(default_factory=Stopping)


def desk_of(dataset: Dataset, log: ReviewLog, folder: Path) -> Desk:
    """A desk over data whose masks are certain."""
    if dataset.observers:
        dataset = settle_encodings(dataset)
    classes = dataset.classes or default_classes(2)
    return Desk(ReviewedData(dataset, classes, log), folder)


def desk_at(data: Path, review: Path, folder: Path, **options: Any) -> Desk:
    """A desk over the data in a folder and the log in another."""
    return desk_of(open_dataset(data, **options), ReviewLog.open(review), folder)


def app_of(desk: Desk | None) -> FastAPI:
    """The addresses of a review and nothing else."""
    app = FastAPI()
    app.state.served = FakeServed(desk)
    answer_errors(app)
    for module in (cases, findings, decisions):
        app.include_router(module.router, prefix=ROOT)
    return app


class Client:
    """Asks below `/api/v1`, and says who decides."""

    def __init__(self, desk: Desk | None, who: str = "ada") -> None:
        self.who = who
        self.http = TestClient(app_of(desk))

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of an answer."""
        answer = self.http.get(f"{ROOT}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **query: Any) -> tuple[int, str]:
        """The status and the line of a refusal."""
        answer = self.http.get(f"{ROOT}{path}", params=query)
        return answer.status_code, answer.json()["error"]

    def pixels(self, path: str) -> NDArray[np.uint8]:
        """The pixels of a PNG."""
        answer = self.http.get(f"{ROOT}{path}")
        assert answer.status_code == 200, answer.text
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.mode in ("L", "RGB")
            assert set(picture.info) == set()
            return np.array(picture)

    def decide(self, action: str, **request: Any) -> SimpleNamespace:
        """The status of a decision, and what was answered."""
        document = {"who": self.who, "action": action, **request}
        answer = self.http.post(f"{ROOT}/decisions", json=document)
        return SimpleNamespace(status=answer.status_code, **answer.json())


def painted(labels: NDArray[np.uint8], mode: str = "L") -> str:
    """Labels as a page sends them: base64 of a PNG of class indices."""
    buffer = io.BytesIO()
    picture = Image.fromarray(labels)
    (picture if mode == "L" else picture.convert(mode)).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()
