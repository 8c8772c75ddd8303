"""The page of several trainings: every cost and score of its document, and how to read them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from delineate.report.folds_page import write_folds_page

SCORES = {"pooled_dice": 0.80125, "mean_dice": 0.7, "pooled_roc_auc": None}
RULE = "native size, Dice at 0.5; the mean over seeds"


def member(fold, seed, dice):
    """One member's row of the document."""
    return {
        "name": f"fold{fold}-seed{seed}",
        "fold": fold,
        "seed": seed,
        "images": {"train": 1200, "validation": 6},
        "parameters": 1677,
        "steps": 60,
        "minutes": 0.25,
        "weights_sha256": "ab",
        "scores": SCORES | {"pooled_dice": dice},
        "rule": RULE,
    }


def document(**changes):
    """What `folds.json` says of two folds of two seeds each."""
    return {
        "model": "general, mean of 2 folds of 2 seeds each, seed 0",
        "task": "segment",
        "architecture": "unet",
        "parameters": 6708,
        "data": "/somewhere/eyes & <ears>",
        "split": "2 folds by subject; no test part",
        "is_folded": True,
        "rule": RULE,
        "watched": "pooled_dice",
        "scores": SCORES,
        "gate": None,
        "threshold": {"value": 0.4567, "values": None, "rule": "the highest Dice", "score": 0.82},
        "cross_fitted_score": 0.8111,
        "minutes": 1.5,
        "folds": [
            {"fold": 1, "images": 6, "subjects": 3, "cut": 0.41, "scores": SCORES},
            {"fold": 2, "images": 1000, "subjects": 2, "cut": 0.52, "scores": SCORES},
        ],
        "members": [
            member(1, 0, 0.5), member(1, 1, 0.7), member(2, 0, 0.2), member(2, 1, None),
        ],
    } | changes  # fmt: skip


def tables(page):
    """The tables of a page: rows of cells as text."""
    return [
        [
            [
                unescape(re.sub(r"<[^>]+>", "", cell))
                for cell in re.findall(r"<t[hd].*?</t[hd]>", row)
            ]
            for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        ]
        for table in re.findall(r"<table.*?</table>", page, re.DOTALL)
    ]


@pytest.fixture
def page(tmp_path):
    """The text of a page."""

    def write(**changes):
        path = tmp_path / "folds.html"
        write_folds_page(
            path, document=document(**changes), evaluation="out_of_fold/evaluation.html"
        )
        return path.read_text()

    return write


def test_each_fold_and_all_of_them(page):
    """A row a fold, with its cut, its scores, and its members one by one; then the whole."""
    folds, _ = tables(page())
    assert folds == [
        ["Fold", "Images", "Subjects", "Cut at", "Dice, pooled", "Dice, mean per image",
         "ROC AUC, pooled", "Dice, pooled, of its members one by one"],
        ["1", "6", "3", "0.410", "0.801", "0.700", "undefined", "0.600"],
        ["2", "1,000", "2", "0.520", "0.801", "0.700", "undefined", "0.200"],
        ["All", "1,006", "5", "0.457", "0.801", "0.700", "undefined", ""],
    ]  # fmt: skip


def test_each_member(page):
    """What every member cost, and what it reaches alone."""
    _, members = tables(page())
    assert members[0][:5] == ["Member", "Trained on", "Steps", "Minutes", "Parameters"]
    assert members[1] == [
        "fold1-seed0", "1,200", "60", "0.25", "1,677", "0.500", "0.700", "undefined",
    ]  # fmt: skip
    assert members[4][5] == "undefined"


def test_one_seed_has_nothing_to_gain(page):
    """Without further seeds there is no column of members one by one, and no word on a gain."""
    text = page(members=[member(1, 0, 0.5), member(2, 0, 0.5)])
    assert tables(text)[0][0][-1] == "ROC AUC, pooled"
    assert "averaging over seeds gains" not in text
    assert "averaging over folds gains cannot be seen here" in text


def test_members_under_another_rule_are_not_held_beside_the_mean(page):
    """A method's own score is not at 0.5, so that it says nothing of a gain."""
    others = [member(1, seed, 0.5) | {"rule": "cut at its threshold"} for seed in (0, 1)]
    assert tables(page(members=others))[0][0][-1] == "ROC AUC, pooled"


def test_seeds_alone(page):
    """Without folds the page says that everything was chosen on these very images."""
    text = page(
        is_folded=False,
        cross_fitted_score=None,
        folds=[{"fold": 1, "images": 6, "subjects": 3, "cut": 0.41, "scores": SCORES}],
        members=[member(1, 0, 0.5), member(1, 1, 0.6)],
    )
    assert [row[0] for row in tables(text)[0]] == ["Fold", "validation"]
    assert (
        "2 trainings that differ by seed: Dice, pooled 0.801 of their mean, on validation." in text
    )
    assert "better than on new ones" in text
    assert "never learnt from" not in text


def test_several_classes_have_no_cut(page):
    """Where each pixel takes the likeliest class there is no threshold, and none is shown."""
    threshold = {"value": None, "values": None, "rule": "the likeliest", "score": None}
    folds = [{"fold": 1, "images": 6, "subjects": 3, "cut": None, "scores": SCORES}]
    text = page(threshold=threshold, folds=folds, cross_fitted_score=None)
    assert [row[3] for row in tables(text)[0]] == ["Cut at", "the likeliest", "the likeliest"]
    assert "<dt>Threshold</dt>" not in text


def test_the_page_is_one_file_and_escapes(page):
    """Names of data are shown as they are, and nothing is asked of the network."""
    text = page()
    assert "eyes &amp; &lt;ears&gt;" in text
    assert 'href="out_of_fold/evaluation.html"' in text
    assert "http" not in text.replace("http-equiv", "")


def test_summary_tells_the_score_that_is_watched(page):
    """That of the recipe, where it stands in the table; else the first of them."""
    assert "Dice, mean per image 0.700, out of fold" in page(watched="mean_dice")
    assert "Dice, pooled 0.801, out of fold" in page(watched="cross_entropy")


def test_head_that_became_a_gate_stands_beside_the_masks_without_it(page):
    """Both mean Dice, where they were chosen and cross-fitted, with their rule."""
    gate = {
        "threshold": 0.35,
        "presence_roc_auc": 0.9,
        "mean_dice": 0.875,
        "cross_fitted_mean_dice": 0.75,
        "mean_dice_without": 0.5,
        "cross_fitted_mean_dice_without": 0.4,
        "rule": "mean Dice of the images",
    }
    said = "their own head, from 0.350 on: 0.8750 with it, 0.5000 without; 0.7500 and 0.4000 with"
    assert said in page(gate=gate)
    alone = page(gate=gate | {"cross_fitted_mean_dice": None})
    assert "0.5000 without. Mean Dice of the images" in alone
    assert "their own head" not in page(gate=gate | {"threshold": None})
