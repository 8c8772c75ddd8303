"""The page of a classifier, from true evaluations."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import UnreadableFileError
from delineate.evaluation.classification import ClassifiedCase, score_classification
from delineate.evaluation.classification_records import ClassificationEvaluation
from delineate.evaluation.settings import EvaluationSettings
from delineate.evaluation.views import View
from delineate.report.classification_page import (
    error_pictures,
    summary_sentence,
    write_classification_page,
)
from delineate.report.classification_plots import (
    classification_plots,
    probability_histogram,
    reliability_plot,
)

Faults = Callable[[str], list[str]]
HOSTILE = '<script>alert("1")</script>&$x_{'


def evaluate(
    count: int = 40, *, truths: tuple[bool, ...] = (True, False), per_subject: int = 2
) -> ClassificationEvaluation:
    """Cases with a failure, hostile names and a leaked case."""
    draws = np.random.default_rng(0)
    cases = []
    for place in range(count):
        truth = bool(draws.choice(truths))
        share = float(np.clip(draws.normal(0.35 + 0.3 * truth, 0.25), 0, 1))
        failure = "case 02.png: the file is cut short" if place == 2 else None
        name = HOSTILE if place == 0 else f"case {place:02d}"
        subject = f"subject {place // per_subject}"
        cases.append(ClassifiedCase(name, subject, truth, None if failure else share, failure))
    return score_classification(
        cases,
        0.45,
        threshold_origin=f"the highest Youden index of 9 cases {HOSTILE}",
        prevalence_in_training=0.3,
        views=[View("without the leaked cases", frozenset({"case 03"}))],
        settings=EvaluationSettings(resamples=200),
    )


@pytest.fixture(scope="module")
def scored() -> ClassificationEvaluation:
    """Both truths."""
    return evaluate()


@pytest.fixture(scope="module")
def scored_document(scored: ClassificationEvaluation) -> dict[str, Any]:
    """The same as evaluation.json holds it."""
    return dict(json.loads(json.dumps(scored.to_document())))


@pytest.fixture(scope="module")
def plots(scored: ClassificationEvaluation, scored_document: dict[str, Any]) -> dict[str, str]:
    """Its figures."""
    return classification_plots(scored_document, *scored.case_rows())


def page(path: Path, document: dict[str, Any], **changes: Any) -> str:
    """The text of evaluation.html."""
    file = path / "evaluation.html"
    assert write_classification_page(file, document=document, **changes) == file
    return file.read_text(encoding="utf-8")


def picture_at(folder: Path, name: str = "a.png") -> Path:
    """A small picture in the folder, by its name alone."""
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(folder / name)
    return Path(name)


def test_the_page_is_whole_and_without_fault(
    tmp_path: Path,
    scored: ClassificationEvaluation,
    scored_document: dict[str, Any],
    plots: dict[str, str],
    faults: Faults,
) -> None:
    """Tables, figures and pictures make one file without requests, scripts or dead links."""
    errors = scored.most_confident_errors(4)
    pictures = {errors[0].id: picture_at(tmp_path), HOSTILE: picture_at(tmp_path, "b.png")}
    text = page(
        tmp_path,
        scored_document,
        errors=error_pictures(errors, pictures, tmp_path),
        plots=plots,
        title=HOSTILE,
        facts=[("Data", HOSTILE)],
    )
    assert faults(text) == []
    assert "<script" not in text
    assert text.count("<svg ") == 3
    assert text.count("<img ") == 1
    assert text.count("<article") == 4


def test_every_figure_of_the_headline_is_printed(
    tmp_path: Path, scored_document: dict[str, Any]
) -> None:
    """Each value and both ends of its interval, of the model and each baseline."""
    text = page(tmp_path, scored_document)
    for one in scored_document["headline"]:
        if one["value"] is not None:
            assert f'<span class="value">{one["value"]:.3f}' in text
        if one["low"] is not None:
            ends = f"<span>{one['low']:.3f}–</span><span>{one['high']:.3f}</span>"
            assert ends in text
    for words in ("Always absent", "Always present", "Training prevalence", "ROC AUC"):
        assert words in text


def test_the_page_says_where_everything_comes_from(
    tmp_path: Path, scored_document: dict[str, Any]
) -> None:
    """Threshold and origin, rules, failures, prevalence, optimism and notes are there."""
    text = unescape(page(tmp_path, scored_document))
    for words in (
        "0.45. The highest Youden index of 9 cases",
        "present where the probability is at least 0.45",
        "a baseline answers alike everywhere",
        "1 case failed",
        "case 02.png: the file is cut short",
        "30.0% of the cases",
        "read off these very cases",
        "resampling inflates it",
        "With and without",
        "Without the leaked cases: 39 cases",
        *(note[1:] for note in scored_document["notes"]),
    ):
        assert words in text


def test_counts_and_points_are_the_document_s(
    tmp_path: Path, scored_document: dict[str, Any]
) -> None:
    """The table of right and wrong, the operating points and the bins hold its numbers."""
    text = page(tmp_path, scored_document)
    counts = scored_document["confusion"]
    for name, words in (("found", "found"), ("missed", "missed"), ("false_alarms", "false alarms")):
        assert f'>{counts[name]}<span class="rule">{words}</span>' in text
    for point in scored_document["operating_points"]:
        assert f"{point['threshold']:.4g}</td>" in text
    assert text.count(" to 0.067</th>") == 1


def test_a_single_class_is_a_page(tmp_path: Path, faults: Faults) -> None:
    """Without absent cases the ROC AUC is undefined, with its reason, and has no curve."""
    found = evaluate(12, truths=(True,))
    document = found.to_document()
    plots = classification_plots(document, *found.case_rows())
    text = page(tmp_path, document, plots=plots)
    assert faults(text) == []
    assert text.count("<svg ") == 2
    assert ">undefined<sup>" in text
    assert "The truth holds no absent case." in text
    assert "ROC AUC is undefined, on 12 cases of 6 subjects, 12 of them present" in text


def test_all_failed_is_a_page(tmp_path: Path, faults: Faults) -> None:
    """Nothing to draw of probabilities, and the failures are said."""
    cases = [ClassifiedCase(str(n), None, n % 2 == 0, None, "no memory") for n in range(4)]
    found = score_classification(cases, 0.5)
    text = page(
        tmp_path,
        found.to_document(),
        plots=classification_plots(found.to_document(), *found.case_rows()),
    )
    assert faults(text) == []
    assert "4 cases failed" in text
    assert "above every probability" in text


def test_the_summary_compares(scored_document: dict[str, Any]) -> None:
    """AUC with its interval, the scores at the threshold, and the better constant answer."""
    of = {(one["predictor"], one["score"]): one for one in scored_document["headline"]}
    auc = of["model", "roc_auc"]
    summary = summary_sentence(scored_document)
    assert summary.startswith(
        f"ROC AUC {auc['value']:.3f} (95 % interval {auc['low']:.3f} to {auc['high']:.3f}), "
        f"on 40 cases of 20 subjects, {scored_document['present']} of them present."
    )
    assert f"accuracy {of['model', 'accuracy']['value']:.3f}" in summary
    better = max(("always absent", "always present"), key=lambda one: of[one, "accuracy"]["value"])
    accuracy = of[better, "accuracy"]["value"]
    assert summary.endswith(
        f"Answering {better[7:]} every time reaches an accuracy of {accuracy:.3f}."
    )


def test_too_few_subjects_are_said(tmp_path: Path) -> None:
    """No interval in the summary, and the reason under the table."""
    text = unescape(page(tmp_path, evaluate(12).to_document()))
    assert "(no interval), on 12 cases of 6 subjects" in text
    assert "No interval from 6 subjects; at least 10 are needed" in text


def test_the_operating_point_lies_on_the_curve(
    scored_document: dict[str, Any], plots: dict[str, str]
) -> None:
    """The dot has the model's sensitivity and one minus its specificity; so has the curve."""
    value = {
        one["score"]: one["value"]
        for one in scored_document["headline"]
        if one["predictor"] == "model"
    }
    across, up = 1 - value["specificity"], value["sensitivity"]
    roc = next(svg for caption, svg in plots.items() if caption.startswith("ROC"))
    assert f"Model at its threshold 0.45 at {across:.3f}, {up:.3f}" in roc
    # The threshold lies between two probabilities: the curve has the point of the upper one.
    points = zip(scored_document["roc"]["x"], scored_document["roc"]["y"], strict=True)
    assert any(abs(x - across) < 1e-6 and abs(y - up) < 1e-6 for x, y in points)


def test_the_reliability_diagram_counts() -> None:
    """Every filled bin has a dot and its number; empty bins have none."""
    bins = [
        {"cases": 1200, "mean_probability": 0.1, "share_present": 0.05},
        {"cases": 0, "mean_probability": None, "share_present": None},
        {"cases": 7, "mean_probability": 0.8, "share_present": 0.9},
    ]
    svg = reliability_plot(bins)
    assert ">1,200<" in svg
    assert ">7<" in svg
    assert "1,200 cases at 0.100: 0.050 present; 7 cases at 0.800: 0.900 present" in svg


def test_the_histogram_keeps_the_truths_apart(
    scored: ClassificationEvaluation, plots: dict[str, str]
) -> None:
    """Both numbers of cases are in its legend, failed ones in neither."""
    svg = probability_histogram([0.9, 0.8], [0.1], 0.45)
    for words in ("present (2)", "absent (1)", "threshold 0.45"):
        assert words in svg
    answered = [one for one in scored.cases if one.failure is None]
    present = sum(one.truth for one in answered)
    [svg] = [svg for caption, svg in plots.items() if caption.startswith("Probabilities")]
    assert f"present ({present})" in svg
    assert f"absent ({len(answered) - present})" in svg


def test_cards_of_errors_hold_their_picture(
    tmp_path: Path, scored: ClassificationEvaluation
) -> None:
    """By id, relative to the folder; an error without a picture is a card all the same."""
    first, second = scored.most_confident_errors(2)
    cards = error_pictures([first, second], {first.id: picture_at(tmp_path)}, tmp_path)
    assert [len(card.pictures) for card in cards] == [1, 0]
    assert cards[0].pictures[0].uri.startswith("data:image/jpeg;base64,")
    assert (cards[0].id, cards[0].role) == (first.id, first.outcome)
    truth = "something" if first.truth else "nothing"
    assert cards[0].caption == f"Probability {first.probability:.3f}; {truth} is there"


def test_a_named_picture_must_be_there(tmp_path: Path, scored: ClassificationEvaluation) -> None:
    """A missing picture is an error with its path, not a card with a hole."""
    errors = scored.most_confident_errors(1)
    with pytest.raises(UnreadableFileError, match=r"gone\.png"):
        error_pictures(errors, {errors[0].id: Path("gone.png")}, tmp_path)


def test_the_same_evaluation_gives_the_same_page(
    tmp_path: Path,
    scored: ClassificationEvaluation,
    scored_document: dict[str, Any],
    plots: dict[str, str],
) -> None:
    """Nothing depends on when it was written."""
    again = classification_plots(scored_document, *scored.case_rows())
    first = page(tmp_path, scored_document, plots=plots)
    assert page(tmp_path, scored_document, plots=again) == first
