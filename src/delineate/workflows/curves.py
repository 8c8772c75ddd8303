"""The picture of a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from delineate.files.writing import write_text
from delineate.report.plots import loss_curves

HISTORY, CURVES = "history.jsonl", "curves.svg"


def read_history(folder: Path) -> list[dict[str, Any]]:
    """One row a validation; empty where a training has not come so far."""
    file = folder / HISTORY
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def draw_curves(folder: Path) -> Path:
    """Write `curves.svg` of a run and return its path."""
    write_text(folder / CURVES, loss_curves(read_history(folder)))
    return folder / CURVES
