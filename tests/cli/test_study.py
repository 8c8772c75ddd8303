"""`delineate study`."""

from __future__ import annotations

from pathlib import Path

import pytest

from delineate.cli.study_table import study_table
from delineate.study.study import StudyResult

SCORES = [
    {"score": "dice", "pooling": pooling, "value": value, "low": value - 0.1, "high": value + 0.1,
     "empty_rule": "images empty in both count 1"}
    for pooling, value in (("pooled", 0.7), ("mean per image", 0.8))
]  # fmt: skip
COST = {"seconds": 61.2, "milliseconds_an_image": 40.04, "parameters": 1234.0}
DOCUMENT = {
    "rows": [
        {"recipe": "vessel", "seeds": [0, 1], "scores": SCORES, "cost": COST},
        {"recipe": "otsu", "seeds": [0], "scores": SCORES[:1],
         "cost": dict.fromkeys(COST)},
    ],
    "baselines": [{"predictor": "empty prediction", "scores": []}],
    "pairs": [
        {"first": "vessel", "second": "otsu", "value": 0.1, "low": 0.05, "high": 0.15,
         "is_distinguishable": True, "why_no_interval": None},
        {"first": "vessel", "second": "x", "value": None, "low": None, "high": None,
         "is_distinguishable": None, "why_no_interval": "no interval from 2 subjects"},
    ],
    "scored": {"label_class": "vessel", "observer": "1", "region": "whole frame", "split": "test",
               "cases": 10, "subjects": 1},
    "folds": None, "choosing": "a test split", "missing": ["otsu-seed1"], "notes": ["a rule"],
}  # fmt: skip


@pytest.fixture
def called(monkeypatch):
    """What the study was called with, in place of running it."""
    remembered = {}

    def remember(source, out, *, progress, **options):
        remembered.update(options, source=source, out=out)
        return StudyResult(Path(out), DOCUMENT, ("otsu-seed1: no luck",))

    monkeypatch.setattr("delineate.study.study.study", remember)
    return remembered


def test_options_reach_the_work(delineate, called, tmp_path):
    """Every option is handed on; recipes are parted at commas."""
    options = (
        "--recipes general,mine.toml,,otsu --set general:train.batch=2 --seeds 2 --minutes 5 "
        "--folds 3 --split validation --resume --overwrite --layout folders --masks invert "
        "--subjects ^(.) --split-file a.csv --review b --allow-leakage --overlapping "
        "--palette vessel --accept masks-inverted --seed 4 --device cpu --threads 2 "
        "--epochs 3 --steps 9"
    )
    result = delineate("study", "data", "--out", tmp_path, *options.split())
    assert result.exit_code == 1  # a run failed
    assert called == {
        "source": Path("data"), "out": tmp_path, "recipes": ("general", "mine.toml", "otsu"),
        "changes": ("general:train.batch=2",), "seeds": 2, "minutes": 5.0, "folds": 3,
        "split": "validation", "resume": True, "overwrite": True, "layout": "folders",
        "masks": ["invert"], "subjects": "^(.)", "split_file": Path("a.csv"),
        "review": Path("b"), "allow_leakage": True, "overlapping": True, "palette": "vessel",
        "accept": ("masks-inverted",), "seed": 4, "device": "cpu", "threads": 2, "epochs": 3,
        "steps": 9,
    }  # fmt: skip
    assert "otsu-seed1: no luck" in result.stderr
    assert result.stdout.splitlines()[-1] == str(tmp_path / "study.html")


def test_nothing_but_data_and_folder_need_be_said_to_go_on(delineate, called, tmp_path):
    """What is not said stays unsaid, so that a resumed study keeps what it began with."""
    delineate("study", "data", "--out", tmp_path, "--resume")
    unsaid = {"seeds", "minutes", "epochs", "steps", "folds", "split", "seed", "device", "threads",
              "layout", "masks", "subjects", "split_file", "review", "palette"}  # fmt: skip
    assert {name for name, value in called.items() if value is None} == unsaid
    assert (called["recipes"], called["changes"], called["overwrite"]) == ((), (), False)


def test_the_board_in_plain_text():
    """A row a recipe with its cost, what was not trained, every pair, and the rules."""
    lines = list(study_table(DOCUMENT))
    assert lines[1].split("  ")[0] == "vessel"
    assert "0.8000 (0.7000 to 0.9000)" in lines[1]
    assert lines[1].endswith("2      61 s      40.0         1,234")
    assert lines[2].endswith("1      -         -            -")
    assert lines[3].startswith("empty prediction  -")
    text = "\n".join(lines)
    assert "vessel  otsu    +0.1000 (+0.0500 to +0.1500)  vessel is better" in text
    assert "undefined                     no interval from 2 subjects" in text
    assert "vessel against observer 1, whole frame; split test: 10 cases of 1 subject" in text
    assert "mean per image: images empty in both count 1" in text
    assert lines[-3:] == ["note: a test split", "still missing: otsu-seed1", "note: a rule"]


def test_a_study_without_a_score_says_so():
    """There is nothing to set in columns."""
    assert list(study_table({"rows": []})) == ["no run could be scored"]


@pytest.mark.parametrize("has_begun", [False, True])
def test_an_interrupted_study_says_how_to_go_on(delineate, monkeypatch, tmp_path, has_begun):
    """Ctrl-C ends with one line and code 130; before anything is kept it says so."""

    def interrupted(*_, **__):
        if has_begun:
            (tmp_path / "asked.json").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("delineate.study.study.study", interrupted)
    result = delineate("study", "data", "--out", tmp_path, "--recipes", "otsu")
    assert result.exit_code == 130
    how = f"go on with: delineate study data --out {tmp_path} --resume"
    assert (how in result.stderr) is has_begun
    assert result.stderr.count("\n") == 1


def test_wrong_recipes_are_one_line(delineate, pairs, tmp_path):
    """An unknown name proposes the nearest, and nothing is written."""
    result = delineate("study", pairs, "--out", tmp_path / "out", "--recipes", "otsu,genral")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: unknown recipe 'genral'; did you mean 'general'?")
    assert not (tmp_path / "out").exists()
