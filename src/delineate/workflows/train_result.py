"""What a training leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainResult:
    """The run folder, and the card of its model as it stands in `model.json`."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def main_result(self) -> Path:
        """The model folder."""
        return self.folder / "model"
