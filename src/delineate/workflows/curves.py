"""The picture of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from delineate.files.writing import read_lines, write_text
from delineate.report.plots import loss_curves

HISTORY, CURVES = "history.jsonl", "curves.svg"


def read_history(folder: Path) -> list[dict[str, Any]]:
    """One row a validation; empty where a training has not come so far."""
    file = folder / HISTORY
    return read_lines(file) if file.exists() else []


def draw_curves(folder: Path) -> Path:
    """Write `curves.svg` of a run and return its path."""
    write_text(folder / CURVES, loss_curves(read_history(folder)))
    return folder / CURVES
