"""The first page as it is written, for models of which more or less is known."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from delineate.web.documents import (
    ClassDocument,
    ModelDocument,
    ScoreDocument,
    ThresholdDocument,
)
from delineate.web.rendering import render
from delineate.web.settings import ServeSettings


def score(name: str, value: float | None, interval: tuple[float, float] | None = None) -> Any:
    """One figure."""
    low, high = interval or (None, None)
    return ScoreDocument(name=name, value=value, low=low, high=high, rule=f"the rule of {name}")


def page(**changes: object) -> str:
    """The page of a model that differs from the usual one by this."""
    model = ModelDocument(
        name="vessel, seed 0",
        title="Vessels of the retina",
        kind="network",
        purpose="Outlines vessels.",
        classes=[
            ClassDocument(index=0, name="background", colour=(0, 0, 0)),
            ClassDocument(index=1, name="vessel", colour=(230, 159, 0)),
        ],
        is_overlapping=False,
        channels=3,
        threshold=ThresholdDocument(
            value=0.4, values=None, chosen=0.4, origin="the best Dice of 4 images", warning=None
        ),
        gate=None,
        facts={},
        scored_on="test split, 20 images",
        is_held_out=True,
        scores=[score("Dice, pooled", 0.8, (0.7, 0.9))],
        baselines=[score("empty prediction: Dice, pooled", 0.0)],
        notes=[],
        limits=["Nothing about a person."],
    ).model_copy(update=changes)
    request = Request({"type": "http", "path": "/", "headers": []})
    return render(
        request,
        "landing.html",
        model=model,
        has_review=True,
        settings=ServeSettings(),
        examples=[],
    )


def test_a_score_comes_with_its_interval_and_its_cases() -> None:
    """Figure, interval, split and baseline stand on the page."""
    text = page()
    assert ">0.800<" in text
    assert "95 % interval 0.700 to 0.900" in text
    assert "On test split, 20 images." in text
    assert "Neither the model nor any choice about it has seen these cases." in text
    assert '<th scope="row">empty prediction</th>' in text


def test_the_title_is_the_heading_and_the_name_stands_above_it() -> None:
    """The tab is called like the page; who looks for the run finds its name."""
    text = page(title="Vessels & <b>nerves</b>")
    assert "<h1>Vessels &amp; &lt;b&gt;nerves&lt;/b&gt;</h1>" in text
    assert "<title>Vessels &amp; &lt;b&gt;nerves&lt;/b&gt; · Delineate</title>" in text
    assert '<p class="kind">vessel, seed 0: network</p>' in text


def test_a_name_that_is_the_heading_is_said_once() -> None:
    """A model without a title has its name as heading, and its kind alone above it."""
    text = page(title="vessel, seed 0")
    assert "<h1>vessel, seed 0</h1>" in text
    assert '<p class="kind">network</p>' in text


def test_a_baseline_of_another_score_stands_in_the_list_alone() -> None:
    """A bar beside Dice is never that of another score."""
    text = page(baselines=[score("empty prediction: Specificity, pooled", 1.0)])
    assert '<th scope="row">empty' not in text
    assert "empty prediction: Specificity, pooled <b>1.000</b>" in text


def test_scores_of_cases_that_were_chosen_on_say_so() -> None:
    """What is not held out is marked, with the way to a figure that is."""
    text = page(is_held_out=False)
    assert ">not held out<" in text
    assert "expect less of images that it has not seen" in text
    assert "has seen these cases" not in text


def test_a_model_without_scores_says_how_to_get_some() -> None:
    """No bars and no badge are shown where nothing was scored."""
    text = page(scores=[], baselines=[], scored_on=None, is_held_out=False)
    assert "Nobody has scored this model yet" in text
    assert "held out" not in text


def test_an_undefined_score_is_not_shown_as_zero() -> None:
    """A score without a value is said to have none, and has no bar."""
    text = page(scores=[score("Dice, pooled", None)], baselines=[])
    assert '<span class="figure">undefined</span>' in text
    assert "<rect y=" not in text


@pytest.mark.parametrize("field", ["name", "title", "purpose", "limits", "facts"])
def test_words_of_a_model_are_never_markup(field: str) -> None:
    """Names and sentences out of a model's files are text, whatever they hold."""
    words = "<script>alert(1)</script>"
    values: dict[str, object] = {"limits": [words], "facts": {words: words}}
    text = page(**{field: values.get(field, words)})
    assert words not in text
    assert "&lt;script&gt;" in text
