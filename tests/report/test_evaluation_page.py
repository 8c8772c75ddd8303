"""evaluation.html and report.html, from true evaluations."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from delineate.core.types import default_classes
from delineate.evaluation.records import Evaluation
from delineate.report.case_pictures import CasePicture, case_picture
from delineate.report.evaluation_page import write_evaluation_page
from delineate.report.report_page import RecipeChoice, RunReport, SplitRow, write_report
from delineate.report.score_plots import case_dots, evaluation_plots

Faults = Callable[[str], list[str]]
HOSTILE = '<script>alert("1")</script>&'


@pytest.fixture(scope="module")
def plots(document: dict[str, Any], evaluation: Evaluation) -> dict[str, str]:
    """The figures of the binary evaluation."""
    return evaluation_plots(document, *evaluation.case_rows())


@pytest.fixture(scope="module")
def picture() -> CasePicture:
    """A case with a hostile name."""
    labels = np.eye(30, dtype=np.uint8)
    return case_picture(
        np.zeros((30, 30, 1), np.uint8),
        labels,
        labels,
        case_id=HOSTILE,
        classes=default_classes(2),
        subject=HOSTILE,
        role="worst",
        caption=HOSTILE,
    )


def page(path: Path, document: dict[str, Any], **changes: Any) -> str:
    """The text of evaluation.html."""
    file = path / "evaluation.html"
    assert write_evaluation_page(file, document=document, **changes) == file
    return file.read_text(encoding="utf-8")


def test_the_page_is_whole_and_without_fault(
    tmp_path: Path,
    document: dict[str, Any],
    plots: dict[str, str],
    picture: CasePicture,
    faults: Faults,
) -> None:
    """Tables, figures and pictures make one file without requests, scripts or dead links."""
    text = page(tmp_path, document, plots=plots, pictures=[picture], title=HOSTILE)
    assert faults(text) == []
    assert "<script" not in text
    assert text.count("<svg ") == 3
    assert "missed: in the truth only" in text


def test_undefined_is_shown_with_its_reason(tmp_path: Path, document: dict[str, Any]) -> None:
    """The second observer has no ROC AUC: the page says `undefined` and why."""
    text = page(tmp_path, document)
    assert ">undefined<sup>" in text
    assert "A hard mask has no probabilities to rank." in text


def test_the_page_says_where_everything_comes_from(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    """Threshold and origin, pooling, rules for empty masks, failures and notes are there."""
    text = unescape(page(tmp_path, document, facts=[("Model", "runs/a")]))
    for words in (
        "0.7. Highest pooled Dice of 4 validation cases",
        "pixels of all cases are counted together",
        "Mean per image, both empty counts 1",
        "MONAI DiceMetric",
        "1 case failed",
        "case 02.png: the file is cut short",
        document["notes"][-1][1:],
        "runs/a",
    ):
        assert words in text


def test_every_figure_of_the_headline_is_printed(tmp_path: Path, document: dict[str, Any]) -> None:
    """Each value and both ends of its interval can be found on the page."""
    text = page(tmp_path, document)
    for one in document["headline"]:
        if one["value"] is not None:
            decimals = 4 if one["score"] in ("roc_auc", "average_precision", "specificity") else 3
            assert f'<span class="value">{one["value"]:.{decimals}f}' in text
            assert f"<span>{one['low']:.{decimals}f}–</span>" in text


def test_several_classes_have_their_page(
    tmp_path: Path, class_document: dict[str, Any], faults: Faults
) -> None:
    """Class names, hostile ones too, head columns, figures and legends."""
    text = page(tmp_path, class_document, plots=evaluation_plots(class_document))
    assert faults(text) == []
    assert "<script" not in text
    assert "By class" in text
    assert "Each pixel takes the class of highest probability" in text


def test_a_document_without_scores_is_a_page(
    tmp_path: Path, document: dict[str, Any], faults: Faults
) -> None:
    """Where no case has a truth the page says so and stays whole."""
    empty = {**document, "headline": [], "records": [], "curves": [], "empty_rules": []}
    empty |= {"observers": [], "regions": []}
    text = page(tmp_path, empty, plots=evaluation_plots(empty))
    assert faults(text) == []
    assert "Nothing could be scored" in text


def test_figures_show_people_and_threshold(plots: dict[str, str]) -> None:
    """ROC and precision-recall mark the second observer and the chosen threshold."""
    roc, precision_recall, strip = plots.values()
    for svg in (roc, precision_recall):
        assert "Observer 2nd" in svg
        assert "Model at its threshold 0.7" in svg
    assert "chance: prevalence" in precision_recall
    assert all("inside the region, against observer 1st" in caption for caption in plots)
    assert "subject 03" in strip


def test_operating_points_lie_on_the_model_s_curve(document: dict[str, Any]) -> None:
    """The marked threshold has the pooled sensitivity and one minus the specificity."""
    first = document["headline"][0]
    values = {
        one["score"]: one["value"]
        for one in document["records"]
        if (one["predictor"], one["observer"], one["region"], one["pooling"])
        == ("model", first["observer"], first["region"], "pooled")
    }
    [roc] = [svg for caption, svg in evaluation_plots(document).items() if "ROC" in caption]
    point = f"at {1 - values['specificity']:.3f}, {values['sensitivity']:.3f}"
    assert f"Model at its threshold 0.7 {point}" in roc


def test_case_dots_keep_undefined_apart() -> None:
    """A cell that says undefined is no number; a case without subject is its own."""
    header = ("id", "subject", "status", "failure", "observer", "region", "dice")
    rows = [
        ("a", "s", "scored", "", "1st", "whole frame", 0.5),
        ("b", "", "scored", "", "1st", "whole frame", "undefined"),
        ("c", "s", "scored", "", "2nd", "whole frame", 0.1),
    ]
    dots = case_dots(header, rows, column="dice", observer="1st", region="whole frame")
    assert [(dot.id, dot.subject, dot.value) for dot in dots] == [("a", "s", 0.5), ("b", "b", None)]


def test_the_report_holds_the_whole_run(
    tmp_path: Path,
    document: dict[str, Any],
    plots: dict[str, str],
    picture: CasePicture,
    faults: Faults,
) -> None:
    """Data, split, recipe, training, scores, figures and cases stand in one whole file."""
    history = [
        {"step": step, "train_loss": 1 / step, "learning_rate": 0.1, "validation_loss": 0.5,
         "validation_score": 0.1 * step, "is_best": True}
        for step in range(1, 6)
    ]  # fmt: skip
    report = RunReport(
        title=HOSTILE,
        facts=[("Run", HOSTILE)],
        data=[("Layout", "drive")],
        data_notes=[HOSTILE],
        split=[SplitRow("train", 1600, 20, 3, 0.125), SplitRow(HOSTILE, 4, 2)],
        split_rule="by subject, seed 0",
        recipe=[RecipeChoice("training", "patch_px", "96", HOSTILE)],
        recipe_name="vessel",
        history=history,
        training=[("Steps", "5")],
        evaluation=document,
        plots=plots,
        pictures=[picture],
        notes=[HOSTILE],
    )
    file = write_report(tmp_path / "report.html", report=report)
    text = file.read_text(encoding="utf-8")
    assert faults(text) == []
    assert "<script" not in text
    assert text.count("<svg ") == 6
    for words in ("1,600", "12.5%", "unknown", "patch px", "by subject, seed 0", "vessel"):
        assert words in text


def test_a_report_leaves_out_what_there_is_not(tmp_path: Path, faults: Faults) -> None:
    """A run without scores, history or recipe still has a report, without empty sections."""
    file = write_report(tmp_path / "report.html", report=RunReport(title="Run"))
    text = file.read_text(encoding="utf-8")
    assert faults(text) == []
    assert "<h2" not in text
    assert "<table" not in text


def test_the_same_run_gives_the_same_report(tmp_path: Path, document: dict[str, Any]) -> None:
    """Nothing in the report depends on when it was written."""
    report = RunReport(title="Run", evaluation=document)
    first = write_report(tmp_path / "a.html", report=report).read_bytes()
    assert write_report(tmp_path / "b.html", report=report).read_bytes() == first
