from __future__ import annotations

import json

from delineate.workflows.curves import draw_curves, read_history

ROW = {
    "step": 4,
    "epoch": 1,
    "elapsed_s": 2.0,
    "learning_rate": 0.1,
    "train_loss": 0.7,
    "validation_loss": 0.6,
    "validation_score": 0.5,
    "is_best": True,
}


def test_a_torn_history_is_drawn(tmp_path):
    """A row that a crash cut short is left out, and the curves are drawn from the others."""
    text = json.dumps(ROW)
    (tmp_path / "history.jsonl").write_text(f"{text}\n{text[:30]}\n{text}\n")
    assert read_history(tmp_path) == [ROW, ROW]
    assert draw_curves(tmp_path).read_text().rstrip().endswith("</svg>")


def test_no_history_yet(tmp_path):
    """A training that has not come to a validation has no rows."""
    assert read_history(tmp_path) == []
