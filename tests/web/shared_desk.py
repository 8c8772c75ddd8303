"""A server over the discs that several browsers share, and what its log holds."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from delineate.auditing.review.review_log import ReviewLog
from delineate.files.mask_files import labels_of_palette_png
from delineate.web.review.desk import key_of
from delineate.workflows import review


class SharedDesk:
    """A server with a log of its own; whoever decides on it takes that back in the end."""

    def __init__(self, address: str, log: Path) -> None:
        self.address, self.log = address, log

    def case(self, sample: str) -> str:
        """The address of a case's page."""
        return f"{self.address}/review/case/{key_of(sample)}"

    def finding(self) -> str:
        """The id of the contradictory copies."""
        return ReviewLog.open(self.log).findings(kind="contradictory_twins")[0].id

    def decisions(self) -> list[dict[str, Any]]:
        """The log as the terminal shows it."""
        rows: list[dict[str, Any]] = review.history(self.log).document["decisions"]
        return rows

    def take_back(self) -> None:
        """Take back every decision in force."""
        for row in reversed(self.decisions()):
            if row["state"] == "in force":
                review.undo(self.log, row["number"], who="the tests")

    def mask(self, number: int) -> np.ndarray:
        """The labels that a decision saved."""
        row = self.decisions()[number - 1]
        return labels_of_palette_png(ReviewLog.open(self.log).mask(row["mask_sha256"]))

    def labels(self, page: Page, path: str) -> np.ndarray:
        """The labels that the server sends."""
        answer = page.request.get(f"{self.address}{path}")
        return np.asarray(Image.open(io.BytesIO(answer.body())))
