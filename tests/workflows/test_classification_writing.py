"""A scored classifier leaves a document, a row a case and a page."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import UnreadableFileError
from delineate.evaluation.classification import ClassifiedCase, score_classification
from delineate.evaluation.classification_records import ClassificationEvaluation
from delineate.evaluation.settings import EvaluationSettings
from delineate.files.writing import read_json
from delineate.workflows.classification_writing import SHOWN_ERRORS, write_classification


@pytest.fixture
def evaluation() -> ClassificationEvaluation:
    """Twenty cases, one failed."""
    draws = np.random.default_rng(0)
    cases = [
        ClassifiedCase(f"case {at}", f"s{at}", at % 3 == 0, float(draws.random()))
        for at in range(20)
    ]
    cases[4] = replace(cases[4], probability=None, failure="case 4.png: cut short")
    return score_classification(cases, 0.5, settings=EvaluationSettings(resamples=100))


FACTS = {"model": "gate", "data": "chests", "layout": "folders"}


def test_three_files_say_the_same(tmp_path: Path, evaluation: ClassificationEvaluation) -> None:
    """Facts and notes head the document, cases.csv has every case, the page the title."""
    result = write_classification(
        tmp_path,
        evaluation,
        split="test",
        facts=FACTS,
        page_facts=(("Data", "chests, layout folders"),),
        notes=("these cases were seen before",),
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "cases.csv",
        "evaluation.html",
        "evaluation.json",
    ]
    document = read_json(tmp_path / "evaluation.json", schema="classification")
    assert {**document} == {**document, **result.document}
    assert (document["task"], document["split"], document["model"]) == ("classify", "test", "gate")
    assert document["notes"][0] == "these cases were seen before"
    with (tmp_path / "cases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert sum(row["outcome"] == "missed" for row in rows) == document["confusion"]["missed"]
    assert rows[4]["status"] == "failed"
    text = result.main_result.read_text(encoding="utf-8")
    assert "<h1>Evaluation: gate, split test</h1>" in text
    assert "chests, layout folders" in text
    assert result.failures == ("case 4: case 4.png: cut short",)


def test_pictures_of_the_worst_errors_are_shown(
    tmp_path: Path, evaluation: ClassificationEvaluation
) -> None:
    """Pictures of other cases are not: the page shows errors alone."""
    Image.fromarray(np.full((20, 20), 90, np.uint8)).save(tmp_path / "a.png")
    pictures = {case.id: Path("a.png") for case in evaluation.cases}
    write_classification(tmp_path, evaluation, split="test", facts=FACTS, pictures=pictures)
    text = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    errors = evaluation.most_confident_errors(SHOWN_ERRORS)
    assert 0 < len(errors) < len(evaluation.cases)
    assert text.count("<img ") == len(errors)


def test_a_missing_picture_is_an_error(
    tmp_path: Path, evaluation: ClassificationEvaluation
) -> None:
    """The file is named."""
    (error,) = evaluation.most_confident_errors(1)
    with pytest.raises(UnreadableFileError, match=r"gone\.png"):
        write_classification(
            tmp_path, evaluation, split="test", facts=FACTS, pictures={error.id: Path("gone.png")}
        )
