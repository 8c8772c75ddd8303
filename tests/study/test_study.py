"""A study from its recipes to its board, in one go and in pieces."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from importlib import import_module

import pytest

from delineate.core.errors import DelineateError, OutputExistsError, SettingsError
from delineate.data.splitting import read_split
from delineate.files.writing import read_json
from delineate.recipe.recipe import load_recipe
from delineate.study.study import study
from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

RUNS = [f"{name}-seed{seed}" for name in ("cut", "fast", "slow") for seed in (0, 1)]
TIMES = ("seconds", "milliseconds_an_image", "images_timed")


def board(folder):
    """What the board says of scores, without what depends on time."""
    document = read_json(folder / "study.json", schema="study")
    for row in document["rows"]:
        for name in TIMES:
            row["cost"].pop(name)
    return {name: document[name] for name in ("rows", "baselines", "pairs", "missing", "failures")}


def test_every_recipe_with_every_seed(whole):
    """All runs are there, on one and the same split, each by the recipe that was asked for."""
    assert sorted(each.name for each in (whole / "runs").iterdir() if each.is_dir()) == RUNS
    parts = Counter(read_split(whole / "split.csv").values())
    assert parts == {"train": 6, "validation": 2, "test": 10}
    for run in RUNS:
        assert read_split(whole / "runs" / run / "split.csv") == read_split(whole / "split.csv")
        name, seed = run.split("-seed")
        kept = load_recipe(str(whole / "runs" / run / "recipe.toml"))
        assert kept == load_recipe(str(whole / "recipes" / f"{name}.toml"))
        facts = json.loads((whole / "runs" / run / "run.json").read_text())["facts"]
        assert facts["seed"] == int(seed)


def test_scores_are_those_of_the_evaluations(whole):
    """A value is the mean of what evaluations of the runs say; baselines are theirs."""
    for row in board(whole)["rows"]:
        documents = [
            json.loads((whole / "runs" / run / "evaluation-test" / "evaluation.json").read_text())
            for run in row["runs"]
        ]
        assert len(documents) == 2
        for score in row["scores"]:
            values = [
                each["value"]
                for document in documents
                for each in document["headline"]
                if each["predictor"] == "model"
                and (each["score"], each["pooling"]) == (score["score"], score["pooling"])
            ]
            assert score["by_seed"] == values
            assert score["value"] == pytest.approx(sum(values) / 2)
    names = [each["predictor"] for each in board(whole)["baselines"]]
    assert names == ["mean training mask", "empty prediction"]


def test_one_seed_has_the_intervals_of_its_evaluation(begin, recipes, tmp_path):
    """Without a second seed, every interval is that of evaluation.json."""
    document = begin(tmp_path / "one", recipes=recipes[:1], seed=7).document
    (row,) = document["rows"]
    assert row["seeds"] == [7]
    file = tmp_path / "one" / "runs" / "slow-seed7" / "evaluation-test" / "evaluation.json"
    headline = [r for r in json.loads(file.read_text())["headline"] if r["predictor"] == "model"]
    for found, wanted in zip(row["scores"], headline, strict=True):
        for name in ("score", "pooling", "value", "low", "high", "why_no_interval"):
            assert found[name] == pytest.approx(wanted[name]), name
    assert document["pairs"] == []


def test_rows_are_ordered_and_paired(whole):
    """The best Dice in the mean per image first; every pair once, the better one first."""
    found = board(whole)
    order = [row["recipe"] for row in found["rows"]]
    led = [
        score["value"]
        for row in found["rows"]
        for score in row["scores"]
        if (score["score"], score["pooling"]) == ("dice", "mean per image")
    ]
    assert led == sorted(led, reverse=True)
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [
        (order[0], order[1]), (order[0], order[2]), (order[1], order[2]),
    ]  # fmt: skip
    for pair, (one, other) in zip(found["pairs"], [(0, 1), (0, 2), (1, 2)], strict=True):
        assert pair["value"] == pytest.approx(led[one] - led[other])
        assert pair["low"] <= pair["value"] <= pair["high"]
        assert (pair["cases"], pair["subjects"]) == (10, 10)
        assert sum(pair["by_seed"]) / 2 == pytest.approx(pair["value"])


class Stopped(KeyboardInterrupt):
    """Ctrl-C at a certain place."""


def stop_at(monkeypatch, target, count):
    """Let a function be called so many times less one, and then stop before it works."""
    module, _, name = target.rpartition(".")
    import_module(module)
    original, calls = getattr(sys.modules[module], name), []

    def counted(*arguments, **options):
        calls.append(name)
        if len(calls) == count:
            raise Stopped
        return original(*arguments, **options)

    monkeypatch.setattr(sys.modules[module], name, counted)


def slow(*place):
    """One of the places that are tried where there is more time."""
    return pytest.param(*place, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("target", "count"),
    [
        ("delineate.training.loop.save_checkpoint", 2),  # within a training
        slow("delineate.study.study.write_asked", 1),  # before the study can be resumed
        slow("delineate.workflows.train_network.write_run", 1),  # a run folder without a run
        slow("delineate.workflows.train_network.write_model", 1),  # all steps done, no model yet
        slow("delineate.study.running.evaluate", 2),  # trained, not scored
        slow("delineate.workflows.train_classical.write_classical_model", 1),
        slow("delineate.study.study.write_board", 3),
    ],
)
def test_stopped_and_resumed_equals_uninterrupted(
    whole, begin, squares, recipes, tmp_path, monkeypatch, target, count
):
    """Wherever it is stopped, a resumed study comes to the same scores, bit for bit."""
    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        stop_at(patch, target, count)
        with pytest.raises(Stopped):
            begin(out, seeds=2)
    has_asked = (out / "asked.json").is_file()
    result = study(squares, out, resume=True) if has_asked else begin(out, seeds=2, resume=True)
    assert result.failures == ()
    assert board(out) == board(whole)


def test_what_is_finished_is_kept(copied, squares, monkeypatch):
    """Nothing is trained or scored again; a scoring that is lost is repeated, not its training."""
    called = []
    monkeypatch.setattr("delineate.study.running.train", lambda *_, **__: called.append("train"))
    monkeypatch.setattr(
        "delineate.study.running.evaluate",
        lambda run, *rest, **options: (called.append(run.name), evaluate(run, *rest, **options))[1],
    )
    before = board(copied)
    assert board(study(squares, copied, resume=True).folder) == before
    assert called == []
    file = copied / "runs" / "fast-seed1.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"scored": None}))
    assert board(study(squares, copied, resume=True).folder) == before
    assert called == ["fast-seed1"]


def test_an_unfinished_study_has_a_board(begin, tmp_path, monkeypatch):
    """After the first run the page is there, and says what is still missing."""
    out = tmp_path / "some"
    with monkeypatch.context() as patch:
        stop_at(patch, "delineate.study.running.train", 2)
        with pytest.raises(Stopped):
            begin(out, seeds=2)
    document = read_json(out / "study.json", schema="study")
    assert [row["recipe"] for row in document["rows"]] == ["slow"]
    assert document["missing"] == ["slow-seed1", "fast-seed0", "fast-seed1", "cut-seed0",
                                   "cut-seed1"]  # fmt: skip
    assert any("its means are of 1 seed so far, of 2" in note for note in document["notes"])
    assert "5 runs are still missing" in (out / "study.html").read_text()


def test_a_recipe_that_fails_is_listed(copied, squares, recipes, tmp_path):
    """The others stand on the board; it is tried again when the study goes on."""
    wild = tmp_path / "wild.toml"
    text = (squares.parent / "slow.toml").read_text()
    wild.write_text(text.replace("learning_rate = 1e-3", "learning_rate = 1e25\nclip_norm = 1e30"))
    first = study(squares, copied, recipes=[str(wild)], resume=True)
    assert [row["recipe"] for row in first.document["rows"]] == [
        row["recipe"] for row in board(copied)["rows"]
    ]
    assert len(first.failures) == 2
    assert first.failures[0].startswith("wild-seed0: training: at step")
    record = json.loads((copied / "runs" / "wild-seed0.json").read_text())
    assert "gradient" in record["failure"]
    assert "wild-seed0" in (copied / "study.html").read_text()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ZeroDivisionError("of two\nlines"), "a fault of the program: ZeroDivisionError: of two; "),
        (
            RuntimeError("\nCUDA out of memory. " + "x" * 900),
            "too little memory: RuntimeError: CUDA",
        ),
        (MemoryError(), "too little memory: MemoryError: no words; "),
    ],
)
def test_a_fault_in_one_recipe_does_not_end_the_others(
    begin, squares, recipes, tmp_path, monkeypatch, fault, words
):
    """It is listed in one line, its traceback kept in a file, which a later success removes."""

    def train_or_not(data, run, **options):
        if "fast" in run.name:
            raise fault
        return train(data, run, **options)

    out = tmp_path / "study"
    with monkeypatch.context() as patch:
        patch.setattr("delineate.study.running.train", train_or_not)
        found = begin(out, recipes=recipes[1:])
    assert [row["recipe"] for row in found.document["rows"]] == ["cut"]
    (failure,) = found.failures
    assert failure.startswith(f"fast-seed0: {words}")
    assert failure.endswith("its traceback stands in runs/fast-seed0.traceback.txt")
    assert "\n" not in failure
    assert len(failure) < 400
    file = out / "runs" / "fast-seed0.traceback.txt"
    assert "in train_or_not" in file.read_text()
    assert study(squares, out, resume=True).failures == ()
    assert not file.exists()


def test_a_gate_and_a_segmenter_are_not_scored_on_what_they_have_seen(begin, squares, tmp_path):
    """Without a test part validation would be scored, which two stages were trained on."""
    parts = tmp_path / "parts.csv"
    rows = (squares.parent / "parts.csv").read_text().replace("test", "validation")
    parts.write_text(rows)
    with pytest.raises(SettingsError, match="the data has no test part to compare it on"):
        begin(tmp_path / "study", recipes=["pneumothorax"], split_file=parts)
    assert not (tmp_path / "study").exists()


def test_the_same_words_go_on(begin, recipes, tmp_path):
    """A changed recipe from a file may be named again with --resume, with its change or without."""
    out = tmp_path / "study"
    changes = ["cut:classical.images=1"]
    begin(out, recipes=recipes[2:], changes=changes)
    for again in (changes, ()):
        found = begin(out, recipes=recipes[2:], changes=again, resume=True)
        assert [row["recipe"] for row in found.document["rows"]] == ["cut"]


def test_another_recipe_of_a_known_name_is_refused(begin, squares, tmp_path):
    """Also where its name alone is given, so that nobody is shown another recipe's figures."""
    file = tmp_path / "otsu.toml"
    file.write_text((squares.parent / "cut.toml").read_text())
    out = begin(tmp_path / "study", recipes=[str(file)]).folder
    with pytest.raises(SettingsError, match="this study holds another recipe called otsu"):
        study(squares, out, recipes=["otsu"], resume=True)


def test_recipes_may_be_added(copied, squares, recipes):
    """A recipe that is given with --resume joins the others, and one that is there stays."""
    found = study(squares, copied, recipes=["edges", *recipes[:1]], resume=True)
    assert found.failures == ()
    assert {row["recipe"] for row in found.document["rows"]} == {"slow", "fast", "cut", "edges"}
    assert len(found.document["pairs"]) == 6
    assert board(copied)["missing"] == []


def test_a_study_under_way_stays_as_it_was(copied, squares):
    """Other seeds are refused, and the board is untouched."""
    before = (copied / "study.json").read_bytes()
    with pytest.raises(SettingsError, match="--seeds 3: this study was started with 2"):
        study(squares, copied, seeds=3, resume=True)
    assert (copied / "study.json").read_bytes() == before


def test_data_that_changed_is_no_longer_compared(begin, squares, recipes, tmp_path):
    """A run that was scored on other masks than those before it stands among the failures."""
    data = shutil.copytree(squares, tmp_path / "squares")
    parts = squares.parent / "parts.csv"
    out = tmp_path / "study"
    study(data, out, recipes=recipes[:1], split_file=parts, steps=2, threads=1)
    shutil.copy(data / "masks" / "17.png", data / "masks" / "09.png")
    found = study(data, out, recipes=recipes[1:2], resume=True)
    assert [row["recipe"] for row in found.document["rows"]] == ["slow"]
    assert "scored on other cases or masks than slow-seed0" in found.failures[0]
    shutil.copy(data / "masks" / "02.png", data / "masks" / "01.png")
    found = study(data, out, recipes=recipes[2:], resume=True)
    assert any("trained on other images or masks than slow-seed0" in f for f in found.failures)


def test_an_unreadable_image_is_listed_once(begin, squares, recipes, tmp_path):
    """It counts as failed in every run, and the recipes stand on the board all the same."""
    data = shutil.copytree(squares, tmp_path / "squares")
    (data / "images" / "09.png").write_bytes(b"no picture")
    parts = squares.parent / "parts.csv"
    found = study(data, tmp_path / "study", recipes=recipes[2:], seeds=2, split_file=parts)
    assert [each.partition(": /")[0] for each in found.failures] == ["every run: 09"]
    (row,) = found.document["rows"]
    assert row["failed_cases"] == [1, 1]
    assert found.document["scored"]["cases"] == 10


def test_validation_can_be_scored_in_the_place_of_test(begin, recipes, tmp_path):
    """The board says on what it was read, and what that is good for."""
    found = begin(tmp_path / "study", recipes=recipes[2:], split="validation").document
    assert (found["scored"]["split"], found["scored"]["cases"]) == ("validation", 2)
    assert "good for choosing among recipes" in found["choosing"]
    assert found["rows"][0]["scores"][0]["low"] is None


def test_a_test_split_is_not_for_choosing(whole):
    """Whoever picks a recipe there is told what follows."""
    document = read_json(whole / "study.json", schema="study")
    assert "whoever picks a recipe from this board has used it to choose" in document["choosing"]


def test_what_cannot_be_begun_leaves_nothing(begin, squares, tmp_path):
    """An unknown recipe, palette or split, or a missing table, is refused before anything."""
    out = tmp_path / "study"
    for options, words in [
        ({"recipes": ["genral"]}, "did you mean 'general'"),
        ({"palette": "pink"}, "unknown palette 'pink'"),
        ({"split": "tset"}, "tset"),
        ({"split_file": tmp_path / "none.csv"}, "no such file"),
        ({"recipes": ["pneumothorax"], "folds": 2}, "its two stages .* have seen both"),
        ({"recipes": ["pneumothorax"], "split": "validation"}, "its two stages"),
    ]:
        with pytest.raises(DelineateError, match=words):
            begin(out, **options)
        assert not out.exists()
    with pytest.raises(OutputExistsError, match="holds the input"):
        begin(squares.parent, overwrite=True)


def test_an_existing_study_is_not_replaced(copied, begin, recipes):
    """Without --overwrite or --resume it stays; with --overwrite it is begun anew."""
    with pytest.raises(OutputExistsError, match="--resume"):
        begin(copied)
    assert len(begin(copied, recipes=recipes[2:], overwrite=True).document["rows"]) == 1
    assert sorted(each.name for each in (copied / "recipes").iterdir()) == ["cut.toml"]


def test_changes_are_for_one_recipe(begin, recipes, tmp_path):
    """`--set RECIPE:...` changes that one alone."""
    found = begin(tmp_path / "study", recipes=recipes[1:], changes=["fast:train.batch=1"]).folder
    assert load_recipe(str(found / "runs" / "fast-seed0" / "recipe.toml")).train.batch == 1
