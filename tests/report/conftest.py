"""A small evaluation with everything in it, and what a page must never have."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from delineate.core.types import LabelClass, default_classes
from delineate.evaluation.baselines import mean_training_mask
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.records import Evaluation
from delineate.evaluation.scoring import score_cases

HOSTILE = '<script>alert("1")</script>&$x_{'


def disc(row: int, column: int, radius: int = 7) -> np.ndarray:
    """A disc in 40 x 48 pixels."""
    rows, columns = np.ogrid[:40, :48]
    return ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.uint8)


def evaluate(count: int = 12, classes: tuple[LabelClass, ...] | None = None) -> Evaluation:
    """Cases with two observers, an empty case, a failure and a hostile name."""
    classes = classes or default_classes(2)
    rng = np.random.default_rng(0)
    region = disc(20, 24, 19).astype(bool)
    cases, masks = [], []
    for place in range(count):
        truth = disc(18, 20 + place % 5) * (place != 1)
        second = disc(19, 21 + place % 5) * (place != 1)
        noise = rng.random(truth.shape, np.float32)
        foreground = np.clip(truth * 0.6 + noise * 0.5, 0, 1).astype(np.float32)
        probability = foreground[None]
        if len(classes) == 3:
            truth = truth * (1 + (np.arange(48) > 22)).astype(np.uint8)
            second = second * (1 + (np.arange(48) > 23)).astype(np.uint8)
            hot = np.stack([truth == index for index in range(3)]) + 0.3 * noise
            probability = (hot / hot.sum(axis=0)).astype(np.float32)
        failed = place == 2
        cases.append(
            ScoredCase(
                HOSTILE if place == 0 else f"case {place:02d}",
                f"subject {place:02d}",
                {"1st": truth, "2nd": second},
                region,
                None if failed else probability,
                failure="case 02.png: the file is cut short" if failed else None,
            )
        )
        masks.append(truth)
    return score_cases(
        cases,
        classes,
        0.7 if len(classes) == 2 else None,
        threshold_origin="highest pooled Dice of 4 validation cases",
        mean_training_mask=mean_training_mask(masks, class_count=len(classes)),
    )


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """The binary evaluation."""
    return evaluate()


@pytest.fixture(scope="session")
def document(evaluation: Evaluation) -> dict[str, Any]:
    """The binary evaluation as evaluation.json holds it."""
    return dict(json.loads(json.dumps(evaluation.to_document())))


@pytest.fixture(scope="session")
def class_document() -> dict[str, Any]:
    """Three classes, one with a hostile name."""
    classes = (
        LabelClass(0, "background", (0, 0, 0)),
        LabelClass(1, "nerve", (230, 159, 0)),
        LabelClass(2, HOSTILE, (86, 180, 233)),
    )
    return dict(json.loads(json.dumps(evaluate(classes=classes).to_document())))


class _Faults(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tables: list[dict[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a page must not have, and what its links point to."""
        values = {name: value or "" for name, value in attrs}
        if tag in ("script", "iframe", "object", "embed", "base", "form"):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in values if name.startswith("on")]
        self.ids += [values["id"]] if "id" in values else []
        for name in ("src", "href", "xlink:href", "srcset", "data", "poster"):
            value = values.get(name, "")
            if value.startswith("#"):
                self.targets.append(value[1:])
            elif value and not value.startswith("data:"):
                self.found.append(f"{tag} {name}={value}")
        for name in ("aria-labelledby",):
            self.targets += values.get(name, "").split()
        if tag == "img" and not values.get("alt"):
            self.found.append("img without alt")
        if tag == "table":
            self.tables.append({"caption": 0, "th": 0})
        if tag == "caption":
            self.tables[-1]["caption"] += 1
        if tag == "th":
            self.tables[-1]["th"] += 1
            if not values.get("scope"):
                self.found.append("th without scope")


@pytest.fixture(scope="session")
def faults() -> Callable[[str], list[str]]:
    """What is wrong with a page: requests, scripts, doubled ids, links to nowhere, bare tables."""

    def find(text: str) -> list[str]:
        parser = _Faults()
        parser.feed(text)
        found = list(parser.found)
        found += [f"id twice: {one}" for one in set(parser.ids) if parser.ids.count(one) > 1]
        found += [f"link to nowhere: {one}" for one in parser.targets if one not in parser.ids]
        found += ["table without caption" for one in parser.tables if one["caption"] != 1]
        found += ["table without headings" for one in parser.tables if not one["th"]]
        found += [word for word in ("@import", "url(http", "url('http") if word in text]
        return found

    return find
