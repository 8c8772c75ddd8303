"""Errors of vessels in an evaluation, and vessels beside predictions."""

from __future__ import annotations

import csv
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import SettingsError
from delineate.core.types import default_classes
from delineate.evaluation.cases import ScoredCase
from delineate.inference.model_folder import read_card
from delineate.workflows.evaluate import evaluate
from delineate.workflows.evaluated_structure import EvaluatedStructure
from delineate.workflows.predict import predict
from delineate.workflows.score import score


def vessel(width_px, first_row=40):
    """A vessel along the rows, from column 10 to column 110."""
    mask = np.zeros((80, 120), np.uint8)
    mask[first_row : first_row + width_px, 10:110] = 255
    return mask


def save(array, file: Path) -> None:
    """Write an array as PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(file)


def rows_of(file: Path):
    """The rows of a table."""
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def data(tmp_path) -> Path:
    """Three images with a vessel of 5 px each."""
    for name in "abc":
        save(np.full((80, 120), 90, np.uint8), tmp_path / "data" / "images" / f"{name}.png")
        save(vessel(5), tmp_path / "data" / "masks" / f"{name}.png")
    return tmp_path / "data"


def test_errors_of_three_cases_by_hand(data, tmp_path):
    """One right, one 2 px too wide, one without an answer: a third missed, widths 1 px too wide."""
    save(vessel(5), tmp_path / "guess" / "a.png")
    save(vessel(7, 39), tmp_path / "guess" / "b.png")
    result = score(tmp_path / "guess", data, out=tmp_path / "out", structure=True)
    assert len(result.failures) == 1
    (errors,) = result.document["structure"]["errors"]
    assert errors["cases"] == 3
    assert errors["truth_length_px"] == pytest.approx(300, abs=0.1)
    assert errors["predicted_length_px"] == pytest.approx(200, abs=0.5)
    assert errors["missed_length_px"] == pytest.approx(100, abs=0.1)
    assert errors["false_length_px"] == 0
    assert errors["width_error_px"] == pytest.approx(1, abs=0.05)
    assert errors["width_error_high_px"] == pytest.approx(1 + 1.96, abs=0.05)
    assert errors["mean_of_cases"]["missed_length_px"] == pytest.approx(100 / 3, abs=0.1)
    assert errors["mean_of_cases"]["width_error_px"] == pytest.approx(1, abs=0.01)
    rows = rows_of(tmp_path / "out" / "structure" / "errors.csv")
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert rows[2]["width_error_px"] == ""
    assert float(rows[1]["width_error_px"]) == pytest.approx(2, abs=1e-3)
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "Structure of vessels" in page
    assert "Bland and Altman" in page
    assert page.count("data:image/jpeg") >= 3
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert written["structure"] == result.document["structure"]
    assert result.document["structure"]["middle_case"]["id"] in "ab"


def test_nothing_is_measured_where_nobody_asked(data, tmp_path):
    """Without the option there is neither folder nor section."""
    result = score(data / "masks", data, out=tmp_path / "out")
    assert "structure" not in result.document
    assert not (tmp_path / "out" / "structure").exists()
    assert "Structure of vessels" not in (tmp_path / "out" / "evaluation.html").read_text()


def test_a_second_observer_is_measured_against_the_first(tmp_path):
    """Model and second observer stand beside each other, both against the first."""
    save(np.full((80, 120), 90, np.uint8), tmp_path / "a.png")
    labels = {width: (vessel(width) > 0).astype(np.uint8) for width in (4, 5)}
    measured = EvaluatedStructure(tmp_path, default_classes(2))
    case = ScoredCase("a", None, {"1": labels[5], "2": labels[4]}, labels=labels[5])
    measured.add(case, "a", tmp_path / "a.png")
    errors = {(e["who"], e["against"]): e["width_error_px"] for e in measured.finish()["errors"]}
    assert errors == {
        ("model", "observer 1"): pytest.approx(0, abs=1e-3),
        ("model", "observer 2"): pytest.approx(1, abs=1e-3),
        ("observer 2", "observer 1"): pytest.approx(-1, abs=1e-3),
    }
    pictures = sorted(file.name for file in (tmp_path / "structure" / "pictures").iterdir())
    assert pictures == ["a_errors.png", "a_model.png", "a_observer-1.png", "a_observer-2.png"]


def test_what_is_outside_the_region_is_no_error(tmp_path):
    """A vessel that the model found outside the region is neither false nor measured."""
    save(np.full((80, 120), 90, np.uint8), tmp_path / "a.png")
    truth, found = ((vessel(5, row) > 0).astype(np.uint8) for row in (20, 60))
    region = np.zeros((80, 120), bool)
    region[:50] = True
    measured = EvaluatedStructure(tmp_path, default_classes(2))
    case = ScoredCase("a", None, {"1": truth}, region=region, labels=truth | found)
    measured.add(case, "a", tmp_path / "a.png")
    (errors,) = measured.finish()["errors"]
    assert errors["false_length_px"] == 0
    assert errors["predicted_length_px"] == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(
    "refused",
    [
        partial(predict, images=["nowhere"], structure=True),
        partial(evaluate, source="nowhere", structure=True),
    ],
    ids=["predict", "evaluate"],
)
def test_a_classifier_draws_no_vessels(tiny_run, tmp_path, monkeypatch, refused):
    """--structure is refused where there are no masks, before anything else is looked at."""
    card = read_card(tiny_run).model_copy(update={"task": "classify"})
    for verb in ("predict", "evaluate"):
        monkeypatch.setattr(f"delineate.workflows.{verb}.read_card", lambda _: card)
    with pytest.raises(SettingsError, match="--structure: a classifier draws no vessels"):
        refused(tmp_path, out=tmp_path / "out")


def test_predict_measures_beside_its_masks(tiny_run, tiny_set, tmp_path):
    """With the option there is a folder of the same tables as measure writes."""
    images = tmp_path / "images"
    images.mkdir()
    for name in ("s0_0", "s1_0"):
        shutil.copy(tiny_set / "images" / f"{name}.png", images)
    result = predict(tiny_run, [images], tmp_path / "out", threads=1, structure=True)
    assert result.document["structure"] == "structure/structure.json"
    rows = rows_of(tmp_path / "out" / "structure" / "cases.csv")
    assert [(row["id"], row["who"]) for row in rows] == [("s0_0", "model"), ("s1_0", "model")]
    for row in rows:
        mask = np.asarray(Image.open(tmp_path / "out" / f"{row['id']}_mask.png"))
        assert int(row["area_px"]) == int((mask > 0).sum())
    without = predict(tiny_run, [images], tmp_path / "none", threads=1)
    assert without.document["structure"] is None
    assert not (tmp_path / "none" / "structure").exists()
