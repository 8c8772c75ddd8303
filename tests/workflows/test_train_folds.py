"""Several trainings over folds and seeds, from a folder to one model, interrupted or not."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from delineate.core.errors import LayoutError, LeakageError, SettingsError
from delineate.data.folding import read_folds
from delineate.data.splitting import read_split
from delineate.files.image_files import read_image
from delineate.files.mask_decoding import read_mask
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.mask_files import read_probability
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card
from delineate.metrics.thresholds import best_dice_threshold, decide
from delineate.recipe.recipe import load_recipe
from delineate.training.budget import Clock
from delineate.workflows.evaluate import evaluate
from delineate.workflows.members import Shares
from delineate.workflows.run_folder import read_run
from delineate.workflows.starting import AskedData
from delineate.workflows.train_folds import train_folds

BINARY = MaskEncoding.parse("binary")


@pytest.fixture(name="train_tiny", scope="session")
def _train_tiny(train_tiny):
    """The function that trains a tiny network, of a recipe that is not planned first."""

    def trained(data, out, **options):
        return train_tiny(
            data, out, **({} if "resume" in options else {"recipe": "general"}) | options
        )

    return trained


@pytest.fixture(scope="module")
def folds_run(tiny_set, train_tiny):
    """Two folds of one seed on the tiny set; only ever added to."""
    changes = ("about.title=Blocks", "about.purpose=Outlines blocks.")
    return train_tiny(tiny_set, tiny_set.parent / "folds", folds=2, steps=40, changes=changes)


def member(run: Path, name: str) -> Path:
    """The run folder of a member."""
    return run / "members" / name


def test_every_image_but_those_for_test_is_in_one_fold(folds_run):
    """Folds hold the rest whole by subject, and each member is held against its own alone."""
    folds, split = (
        read_folds(folds_run.folder / "folds.csv"),
        read_split(folds_run.folder / "split.csv"),
    )
    assert {id_ for id_, part in split.items() if part == "train"} == set(folds)
    assert set(split.values()) == {"train", "test"}
    for subject in range(6):
        assert folds.get(f"s{subject}_0") == folds.get(f"s{subject}_1")
    for fold in (1, 2):
        own = read_split(member(folds_run.folder, f"fold{fold}-seed0") / "split.csv")
        assert own == {
            id_: "test" if id_ not in folds else "validation" if folds[id_] == fold else "train"
            for id_ in split
        }


def test_the_mean_and_each_member_say_what_they_are_for(folds_run):
    """The words of the recipe stand on every card and head every page."""
    models = [folds_run.folder, *(member(folds_run.folder, f"fold{k}-seed0") for k in (1, 2))]
    for folder in models:
        card = read_card(folder)
        assert (card.about.title, card.about.purpose) == ("Blocks", "Outlines blocks.")
        page = (folder / "model/README.md").read_text()
        assert page.startswith(f"# Blocks\n\nOutlines blocks.\n\n{card.name}. ")


def test_the_test_part_is_that_of_one_training(folds_run, tiny_run):
    """The same data and seed leave the same images alone, with and without folds."""
    several, one = (read_split(run / "split.csv") for run in (folds_run.folder, tiny_run))
    assert [k for k, part in several.items() if part == "test"] == [
        k for k, part in one.items() if part == "test"
    ]


def test_nothing_is_chosen_on_the_fold_that_is_predicted(folds_run):
    """Members keep their last weights and have no patience, whatever the recipe says."""
    for folder in (folds_run.folder, member(folds_run.folder, "fold2-seed0")):
        recipe = load_recipe(str(folder / "recipe.toml"))
        assert (recipe.train.keep, recipe.validation.patience) == ("last", None)
    card = read_card(member(folds_run.folder, "fold1-seed0"))
    assert card.training["kept_step"] == card.training["steps"] == 40


def test_the_run_remembers_how_it_was_started(folds_run):
    """run.json says how many folds and seeds there are, and the card how its threshold is meant."""
    facts = read_run(folds_run.folder)
    assert (facts.folds, facts.seeds, facts.steps, facts.seed) == (2, 1, 40, 0)
    card = read_card(folds_run.folder)
    assert card.members == ("members/fold1-seed0", "members/fold2-seed0")
    assert (
        card.threshold.chosen_on == f"out-of-fold predictions, {len(folds_run.out_of_fold)} images"
    )
    assert card.parameters == 2 * read_card(member(folds_run.folder, "fold1-seed0")).parameters
    assert card.training["steps"] == 80
    assert card.training["images"] == {"train": 10, "validation": 0}


def test_an_image_is_answered_by_who_never_saw_it(folds_run, tiny_set):
    """The map of each image is that of its own fold's member, and the model is the mean of all."""
    folder = folds_run.folder
    models = {n: load_model(member(folder, f"fold{n}-seed0"), threads=1) for n in (1, 2)}
    whole = load_model(folder, threads=1)
    assert {case.fold for case in folds_run.out_of_fold} == {1, 2}
    for case in folds_run.out_of_fold[:3] + folds_run.out_of_fold[-3:]:
        image = read_image(tiny_set / "images" / f"{case.id}.png")
        each = {n: model.probability(image) for n, model in models.items()}
        assert np.allclose(case.probability, each[case.fold], atol=1 / 131070 + 1e-7)
        assert not np.allclose(case.probability, each[3 - case.fold], atol=1e-3)
        assert np.allclose(whole.probability(image), (each[1] + each[2]) / 2, atol=1e-6)


def read_truth(data: Path, id_: str):
    """The labels of a picture of the tiny set."""
    return read_mask(data / "masks" / f"{id_}.png", BINARY)


def test_the_threshold_is_the_best_on_all_and_each_fold_is_cut_at_the_others(folds_run, tiny_set):
    """Thresholds are the exact ones of the written maps, and masks are cut where folds say."""
    cases = {
        case.id: (case.fold, read_probability(case.maps[0]), read_truth(tiny_set, case.id))
        for case in folds_run.out_of_fold
    }

    def best(folds):
        own = [case for case in cases.values() if case[0] in folds]
        return best_dice_threshold([p for _, p, _ in own], [t for _, _, t in own], pooled=True)

    card = read_card(folds_run.folder)
    assert card.threshold.value == pytest.approx(best({1, 2}).threshold, abs=1e-6)
    assert card.threshold.score == pytest.approx(best({1, 2}).score)
    hits = drawn = true = 0
    for id_, (fold, probability, truth) in cases.items():
        expected = decide(probability[None], best({3 - fold}).threshold)
        written = folds_run.folder / "out_of_fold" / "predictions" / f"{id_}_mask.png"
        assert np.array_equal(read_mask(written, BINARY), expected)
        hits += int(((expected == 1) & (truth == 1)).sum())
        drawn, true = drawn + int(expected.sum()), true + int((truth == 1).sum())
    (point,) = card.operating_points
    assert point.cross_fitted_score == pytest.approx(2 * hits / (drawn + true))
    document = json.loads((folds_run.folder / "out_of_fold" / "evaluation.json").read_text())
    pooled = next(
        each["value"]
        for each in document["headline"]
        if (each["predictor"], each["score"], each["pooling"]) == ("model", "dice", "pooled")
    )
    assert pooled == pytest.approx(point.cross_fitted_score)
    assert any("out of fold" in note for note in document["notes"])


def test_the_table_of_predictions(folds_run):
    """Every image has one row: who it is of, and its fold; without a head there is no presence."""
    with (folds_run.folder / "out_of_fold" / "out_of_fold.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    folds = read_folds(folds_run.folder / "folds.csv")
    assert {row["id"]: int(row["fold"]) for row in rows} == folds
    assert all(row["subject"] == row["id"][:2] and row["presence"] == "" for row in rows)


def test_cost_and_scores_are_listed(folds_run):
    """folds.json holds each member's cost and scores, and the page stands beside it."""
    document = json.loads((folds_run.folder / "folds.json").read_text())
    assert [row["name"] for row in document["members"]] == ["fold1-seed0", "fold2-seed0"]
    for row in document["members"]:
        card = read_card(member(folds_run.folder, row["name"]))
        assert row["scores"] == card.validation["scores"]
        assert (row["steps"], row["parameters"]) == (40, card.parameters)
    for row in document["folds"]:
        # One member a fold: the mean is that member, up to the bits of its maps.
        own = next(each for each in document["members"] if each["fold"] == row["fold"])
        assert row["scores"] == pytest.approx(own["scores"], abs=2e-3)
    assert (folds_run.folder / "folds.html").is_file()


def test_the_run_is_evaluated_like_any_other(folds_run, tmp_path):
    """The mean of all members is scored on the run's own test part without being told where."""
    result = evaluate(folds_run.folder, out=tmp_path / "scored", threads=1)
    split = read_split(folds_run.folder / "split.csv")
    assert result.evaluation.cases == sum(part == "test" for part in split.values())
    assert result.failures == ()
    report = (folds_run.folder / "report.html").read_text()
    assert "40 steps" in report


class CtrlCError(Exception):
    """Somebody pressed Ctrl-C."""


class Interrupting:
    """Lets so many steps of all trainings pass, then interrupts."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def say(self, text: str) -> None:
        """Keep quiet."""

    def bar(self, label, total):
        """A bar that counts steps of trainings."""
        counter = self

        class Bar:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                return None

            def reach(self, done, text=""):
                if label == "training":
                    counter.left -= 1
                    if counter.left < 0:
                        raise CtrlCError

        return Bar()


@pytest.mark.parametrize("after", [11, 17])
def test_a_resumed_run_equals_an_uninterrupted_one(tiny_set, tmp_path, train_tiny, after):
    """Stopped in the first or the second member, weights, maps and thresholds are the same bits."""
    whole = train_tiny(tiny_set, tmp_path / "whole", folds=2)
    with pytest.raises(CtrlCError):
        train_tiny(tiny_set, tmp_path / "parts", folds=2, progress=Interrupting(after))
    assert not (tmp_path / "parts" / "model").exists()
    resumed = train_tiny(tiny_set, tmp_path / "parts", resume=True)
    for name in ("fold1-seed0", "fold2-seed0"):
        digests = [
            read_card(member(tmp_path / run, name)).weights_sha256 for run in ("whole", "parts")
        ]
        assert digests[0] == digests[1]
    for one, other in zip(whole.out_of_fold, resumed.out_of_fold, strict=True):
        assert (one.id, one.fold) == (other.id, other.fold)
        assert one.maps[0].read_bytes() == other.maps[0].read_bytes()
    assert whole.document["threshold"] == resumed.document["threshold"]
    assert whole.document["operating_points"] == resumed.document["operating_points"]


def test_a_finished_member_is_kept(folds_run, tiny_set, train_tiny):
    """Going on with a finished run trains nothing anew and comes to the same."""
    before = (member(folds_run.folder, "fold1-seed0") / "history.jsonl").stat().st_mtime_ns
    again = train_tiny(tiny_set, folds_run.folder, resume=True)
    after = (member(folds_run.folder, "fold1-seed0") / "history.jsonl").stat().st_mtime_ns
    assert before == after
    assert again.document["threshold"] == folds_run.document["threshold"]
    assert again.out_of_fold == folds_run.out_of_fold


def test_time_before_an_interruption_counts(folds_run, tiny_set, tmp_path, train_tiny, monkeypatch):
    """What a member took before it was interrupted is not given to those that come after it."""
    run, kept = tmp_path / "run", tmp_path / "kept"
    shutil.copytree(folds_run.folder, run)
    (run / "model" / "model.json").unlink()
    shutil.move(member(run, "fold1-seed0") / "model", kept)
    card = json.loads((kept / "model.json").read_text())
    card["training"]["minutes"] = 7.0
    (kept / "model.json").write_text(json.dumps(card))

    def finished(own, *_, **__):
        shutil.copytree(kept, own.folder / "model")

    monkeypatch.setattr("delineate.workflows.train_folds.train_member", finished)
    again = train_tiny(tiny_set, run, resume=True)
    assert again.document["training"]["minutes"] >= 7.0


def test_a_plan_that_saw_every_fold_is_named(folds_run, tiny_set, tmp_path, train_tiny):
    """What no member learnt from had a part in the settings of all: the evaluation says so."""

    def notes(run: Path) -> str:
        document = json.loads((run / "out_of_fold" / "evaluation.json").read_text())
        return " ".join(document["notes"])

    assert "planned" not in notes(folds_run.folder)
    run = tmp_path / "run"
    shutil.copytree(folds_run.folder, run)
    (run / "plan.json").write_text("{}")
    train_tiny(tiny_set, run, resume=True)
    assert "the recipe was planned on training images of every fold" in notes(run)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folds": 3}, "--folds 3: this run was started with 2"),
        ({"seeds": 2}, "--seeds 2: this run was started with 1"),
        ({"steps": 7}, "--steps 7: this run was started with 40"),
        ({"epochs": 2}, "--resume: split, labels and epochs come from the run folder"),
        ({"accept": ["masks-shifted"]}, "--resume: this run had its preflight"),
        ({"recipe": "vessel"}, "--resume: recipe and settings come from the run folder"),
    ],
)
def test_a_resumed_run_takes_no_other_options(folds_run, tiny_set, train_tiny, options, said):
    """What differs from how the run was started is refused by name."""
    with pytest.raises(SettingsError, match=said):
        train_tiny(tiny_set, folds_run.folder, resume=True, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folds": 1}, "--folds 1: expected 2 to 20"),
        ({"folds": 6}, "--folds 6: expected a subject at least for each fold, found 5 subjects"),
        ({"seeds": 0}, "--seeds 0: expected 1 to 20"),
        ({"folds": 2, "minutes": 1, "steps": 1}, "--minutes, --epochs and --steps exclude"),
        ({"folds": 2, "changes": ("loss={none_such = 1.0}",)}, "none_such"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    tiny_set, tmp_path, train_tiny, options, said
):
    """Wrong numbers and recipes leave no folder behind."""
    with pytest.raises(SettingsError, match=said):
        train_tiny(tiny_set, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_seeds_alone_share_one_split(tiny_set, tiny_run, tmp_path, train_tiny):
    """Without folds the members differ by seed, and the first is what it would be by itself."""
    several = train_tiny(tiny_set, tmp_path / "seeds", seeds=2)
    alone = train_tiny(tiny_set, tmp_path / "alone")
    run = several.folder
    assert read_split(run / "split.csv") == read_split(tmp_path / "alone" / "split.csv")
    first = read_card(member(run, "seed0"))
    assert first.weights_sha256 == read_card(alone.folder).weights_sha256
    assert first.weights_sha256 != read_card(member(run, "seed1")).weights_sha256
    models = [load_model(member(run, f"seed{seed}"), threads=1) for seed in (0, 1)]
    for case in several.out_of_fold:
        image = read_image(tiny_set / "images" / f"{case.id}.png")
        mean = np.mean([model.probability(image) for model in models], axis=0)
        assert np.allclose(case.probability, mean, atol=1 / 131070 + 1e-6)
    card = read_card(run)
    assert card.threshold.chosen_on.startswith("validation split, ")
    assert card.operating_points[0].cross_fitted_score is None
    assert (run / "validation" / "evaluation.json").is_file()
    assert not (run / "folds.csv").exists()


def test_folds_of_another_training_are_taken_over(tiny_set, folds_run, tmp_path):
    """Given folds are the folds, with the split that they were made for; others are refused."""
    folds = {id_: 3 - fold for id_, fold in read_folds(folds_run.folder / "folds.csv").items()}
    plan = load_recipe(str(folds_run.folder / "recipe.toml"))
    asked = AskedData(
        tiny_set, subjects=r"^(?:.*/)?(s\d+)_", split_file=folds_run.folder / "split.csv"
    )

    def run(assignment):
        return train_folds(
            plan, asked, tmp_path / "run", clock=Clock(), folds=2, seeds=None,
            assignment=assignment, steps=2, device="cpu", threads=1,
        )  # fmt: skip

    with pytest.raises(LayoutError, match="the folds lack s"):
        run(dict(list(folds.items())[1:]))
    result = run(folds)
    assert {case.id: case.fold for case in result.out_of_fold} == folds
    assert read_folds(tmp_path / "run" / "folds.csv") == folds


def test_methods_without_a_network_are_averaged_too(tiny_set, tmp_path, train_tiny):
    """Otsu over three folds: three methods, one model, and resuming finds all of it done."""
    options = {"recipe": "otsu", "folds": 3, "changes": (), "subjects": r"^(?:.*/)?(s\d+)_"}
    from delineate.workflows.train import train

    result = train(tiny_set, tmp_path / "run", threads=1, **options)
    assert len(result.document["members"]) == 3
    assert result.document["classical"] is None
    image = read_image(tiny_set / "images" / "s0_0.png")
    models = [load_model(member(result.folder, f"fold{n}-seed0"), threads=1) for n in (1, 2, 3)]
    mean = np.mean([model.probability(image) for model in models], axis=0)
    assert np.allclose(load_model(result.folder, threads=1).probability(image), mean)
    again = train(tiny_set, tmp_path / "run", resume=True, threads=1)
    assert again.document["threshold"] == result.document["threshold"]
    scored = evaluate(result.folder, out=tmp_path / "scored", threads=1)
    assert "times the time of one member" in (scored.folder / "evaluation.html").read_text()


def test_subjects_may_stand_in_train_and_validation_but_not_in_test(
    tiny_set, tmp_path, split_of, train_tiny
):
    """Folds part train and validation anew, so that only what test shares with them leaks."""
    file = split_of(tmp_path / "split.csv", s3="validation", s5="test")
    rows = file.read_text().replace("s3_0,validation", "s3_0,train")
    file.write_text(rows)
    result = train_tiny(tiny_set, tmp_path / "run", folds=2, steps=1, split_file=file)
    folds = read_folds(result.folder / "folds.csv")
    assert len(folds) == 10
    assert folds["s3_0"] == folds["s3_1"]
    file.write_text(rows.replace("s5_0,test", "s5_0,train"))
    with pytest.raises(LeakageError, match="s5 \\(in train and test\\)"):
        train_tiny(tiny_set, tmp_path / "other", folds=2, steps=1, split_file=file)


class StoppedClock(Clock):
    """A clock that somebody else moves."""

    now_s = 0.0

    def elapsed_s(self) -> float:
        """What it shows."""
        return self.now_s


def test_minutes_are_shared_among_what_is_still_to_come():
    """Each member gets an equal part of what is left, less the predictions and the writing."""
    clock = StoppedClock()
    shares = Shares(10.0, clock, folds=2)
    assert shares.next_minutes(members_left=4, folds_left=2) == pytest.approx((600 - 5) / 4 / 60)
    clock.now_s, shares.predicting_s = 200.0, 10.0
    # Of two folds one is still to be predicted, and two to be scored: three times 13 s.
    left_s = 600 - 200 - 5 - 3 * 13
    assert shares.next_minutes(members_left=2, folds_left=1) == pytest.approx(left_s / 2 / 60)
    clock.now_s = 1000.0
    assert shares.next_minutes(members_left=1, folds_left=1) == pytest.approx(1 / 60)
    assert Shares(None, clock, folds=2).next_minutes(members_left=1, folds_left=1) is None


def test_minutes_are_for_all_of_it(tiny_set, tmp_path, train_tiny):
    """A budget that is all but used up leaves every member a step, and a model."""
    result = train_tiny(tiny_set, tmp_path / "run", folds=2, minutes=0.01)
    card = read_card(result.folder)
    assert card.training["budget_minutes"] == 0.01
    for name in ("fold1-seed0", "fold2-seed0"):
        own = read_card(member(result.folder, name)).training
        assert own["budget_minutes"] == pytest.approx(1 / 60)  # the least there is
        assert own["steps"] >= 1


def test_epochs_are_those_of_each_member(tiny_set, tmp_path, train_tiny):
    """Two epochs are two passes over the images of each member's own training part."""
    result = train_tiny(tiny_set, tmp_path / "run", folds=2, epochs=2)
    for name in ("fold1-seed0", "fold2-seed0"):
        training = read_card(member(result.folder, name)).training
        assert training["steps"] == 2 * -(-training["images"]["train"] // 2)
    assert read_run(result.folder).steps is None
