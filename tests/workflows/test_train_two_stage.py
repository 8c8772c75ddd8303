"""Two stages from a folder to one model, in seconds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.cli.preflight_table import preflight_table
from delineate.core.errors import DelineateError, LayoutError, SettingsError
from delineate.data.folding import read_folds
from delineate.files.mask_files import read_probability
from delineate.inference.about import About
from delineate.inference.classifier import load_classifier
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card
from delineate.inference.postprocess import labels_from_probability
from delineate.workflows import train_two_stage as stages
from delineate.workflows.train import train

RECIPE = """
name = "two"
description = "As small as two stages go."

[about]
title = "Blocks"

[folds]
count = 2

[gate]
name = "gate"
description = "Is there a block?"
task = "classify"

[gate.prepare]
size_px = [32, 32]

[gate.patches]
size_px = [32, 32]

[gate.model]
architecture = "classifier"
arguments = { encoder = "test_resnet" }
encoder_weights = "random"

[gate.train]
batch = 4
precision = "float32"

[gate.validation]
times = 1

[segmenter]
name = "segmenter"
description = "Where is it?"

[segmenter.about]
title = "Blocks where there is one"
limits = ["Films of rings."]

[segmenter.patches]
size_px = [16, 16]
foreground_share = 0.5

[segmenter.model]
arguments = { width = 4, depth = 1 }
presence_head = true

[segmenter.train]
batch = 2
learning_rate = 0.02
average_decay = 0.5
precision = "float32"

[segmenter.validation]
times = 1

[segmenter.predict]
tile_px = 64
margin_px = 4
blend_px = 4
"""
SUBJECTS = r"^(?:.*/)?(s\d+)_"
WHAT = {"steps": 5, "device": "cpu", "threads": 1}
STAGES = (stages.GATE, stages.SEGMENTER)


def _write_films(root: Path) -> Path:
    """Two grey images of each of ten subjects, of 41x37; on every other one a bright block."""
    rng = np.random.default_rng(4)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(20):
        mask = np.zeros((41, 37), np.uint8)
        if number % 2:
            row, column = rng.integers(0, 25, 2)
            mask[row : row + 12, column : column + 12] = 255
        image = rng.integers(0, 80, mask.shape) + mask // 2
        name = f"s{number // 2}_{number % 2}.png"
        Image.fromarray(image.astype(np.uint8)).save(root / "images" / name)
        Image.fromarray(mask).save(root / "masks" / name)
    return root


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    """The images, with a recipe and a split file beside them; only ever read."""
    folder = tmp_path_factory.mktemp("two")
    _write_films(folder / "data")
    (folder / "two.toml").write_text(RECIPE)
    rows = [f"s{n // 2}_{n % 2},{'test' if n // 2 > 7 else 'train'}" for n in range(20)]
    (folder / "split.csv").write_text("\n".join(["id,split", *rows]) + "\n")
    return folder


def _train(films: Path, out: Path, **options):
    """Train on the films; as it was begun where that is resumed."""
    if not options.get("resume"):
        given = {"recipe": str(films / "two.toml"), "subjects": SUBJECTS, **WHAT}
        options = given | {"split_file": films / "split.csv"} | options
    return train(films / "data", out, **options)


@pytest.fixture(scope="module")
def run(films) -> Path:
    """A finished run; only ever read."""
    return _train(films, films / "run").folder


def _card(run: Path):
    return read_card(run / "model")


def test_both_stages_share_their_folds(run):
    """Every training image is in one fold, the same of both stages; of test none is."""
    folds = read_folds(run / "folds.csv")
    assert sorted(folds) == sorted(f"s{n // 2}_{n % 2}" for n in range(16))
    assert {folds[f"s{n}_0"] == folds[f"s{n}_1"] for n in range(8)} == {True}
    for stage in STAGES:
        assert read_folds(run / stage / "folds.csv") == folds


def test_the_model_holds_both_with_what_was_chosen(run):
    """A gate before a segmenter, and a point for each kind of gate, that in use on the card."""
    card = _card(run)
    assert card.members == ("segmenter",)
    assert (card.gate.kind, card.gate.folder) == ("classifier", "gate")
    assert [point.gate for point in card.operating_points] == ["classifier", None, "head"]
    own = card.operating_points[0]
    assert card.gate.threshold == own.gate_threshold
    assert card.threshold.value == own.threshold
    assert card.predict.minimum_area_px == own.minimum_area_px
    assert len(read_card(run / "model/segmenter").members) == 2
    parts = [read_card(run / "model" / stage).parameters for stage in STAGES]
    assert card.parameters == sum(parts)
    assert "What was chosen together" in (run / "model/README.md").read_text()


def test_the_whole_says_what_it_is_for(run):
    """In its own words, with the segmenter's where it has none; each stage speaks for itself."""
    about = _card(run).about
    assert (about.title, about.purpose, about.limits) == ("Blocks", None, ("Films of rings.",))
    assert read_card(run / "model/segmenter").title == "Blocks where there is one"
    assert read_card(run / "model/gate").about == About()
    page = (run / "model/README.md").read_text()
    assert page.startswith("# Blocks\n\ntwo, 2 folds, seed 0. A segmentation model")
    assert "- Films of rings.\n- This model has seen one data set." in page


def test_a_point_scores_what_its_predictions_score(films, run):
    """The score on the card is that of the out-of-fold predictions, cut one after the other."""
    card = _card(run)
    said = {}
    for line in (run / "gate/out_of_fold/out_of_fold.csv").read_text().splitlines()[1:]:
        id_, _, _, presence = line.split(",")
        said[id_] = float(presence)
    for point in card.operating_points[:2]:
        scores = []
        for id_, presence in said.items():
            found = labels_from_probability(
                read_probability(run / f"segmenter/out_of_fold/{id_}_prob.png")[None],
                threshold=point.threshold,
                minimum_area_px=point.minimum_area_px,
            ).astype(bool)
            if point.gate_threshold is not None and presence < point.gate_threshold:
                found[:] = False
            truth = np.asarray(Image.open(films / f"data/masks/{id_}.png")) > 0
            both = found.sum() + truth.sum()
            scores.append(2 * (found & truth).sum() / both if both else 1.0)
        assert point.score == pytest.approx(np.mean(scores))


def test_the_whole_is_told(run):
    """`operating.json` holds what each kind of gate reaches, the card the cross-fitted figures."""
    document = json.loads((run / "operating.json").read_text())
    assert document["settings"]["objective"] == "kaggle_dice"
    points = {point["gate"]: point for point in document["points"]}
    card = _card(run)
    own = points["classifier"]
    assert card.validation["scores"] == own["cross_fitted"]
    assert own["cross_fitted"]["kaggle_dice"] == own["cross_fitted_score"]
    assert points["head"]["reached"]["share_segmented"] == 1.0
    assert "cut at what was chosen on the others" in card.validation["rule"]


def test_each_stage_looks_for_itself(films, run):
    """The whole model's verdict is the gate's, and its mask the segmenter's."""
    image = np.asarray(Image.open(films / "data/images/s8_1.png"))
    model = load_model(run, device="cpu", threads=1)
    gate = load_classifier(run / "model/gate", device="cpu", threads=1)
    opened, shut = (model.predict(image, gate_threshold=cut) for cut in (0.0, 1.1))
    assert opened.gate.probability == gate.probability(image)
    segmenter = load_model(run / "model/segmenter", device="cpu", threads=1)
    assert np.array_equal(opened.probability, segmenter.probability(image))
    assert not shut.labels.any()


@pytest.mark.parametrize(
    "stage", [pytest.param(stages.GATE, marks=pytest.mark.slow), stages.SEGMENTER]
)
def test_a_resumed_run_equals_an_uninterrupted_one(films, run, tmp_path, monkeypatch, stage):
    """Stopped before either stage: the same weights, folds and points come out, bit for bit."""
    work = stages.train_folds

    def interrupted(plan, asked, folder, **options):
        if folder.name == stage:
            raise KeyboardInterrupt
        return work(plan, asked, folder, **options)

    monkeypatch.setattr(stages, "train_folds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _train(films, tmp_path / "run")
    monkeypatch.setattr(stages, "train_folds", work)
    again = _train(films, tmp_path / "run", resume=True).folder
    assert _card(again).operating_points == _card(run).operating_points
    assert _digests(again) == _digests(run)


def _digests(run: Path) -> dict[str, str | None]:
    """The digests of all weights in a model folder."""
    cards = sorted((run / "model").rglob("model.json"))
    return {str(file.relative_to(run)): read_card(file.parent).weights_sha256 for file in cards}


class _StopError(Exception):
    """Raised where a test has seen enough."""


def _asked_of_stages(films: Path, out: Path, monkeypatch, **options) -> dict[str, dict]:
    """With what each stage would be trained."""
    seen = {}

    def remember(plan, asked, folder, **given):
        seen[folder.name] = given | {"plan": plan, "asked": asked}

    monkeypatch.setattr(stages, "train_folds", remember)
    monkeypatch.setattr(stages, "read_card", lambda _: None)
    monkeypatch.setattr(stages, "read_out_of_fold", lambda *_: ())

    def enough(*_):
        raise _StopError

    monkeypatch.setattr(stages, "operated", enough)
    with pytest.raises(_StopError):
        _train(films, out, **options)
    return seen


def test_options_replace_folds_seeds_and_epochs(films, tmp_path, monkeypatch):
    """They reach both stages, and the recipe that the run keeps."""
    options = {"folds": 3, "seeds": 2, "epochs": 7, "steps": None, "seed": 5}
    seen = _asked_of_stages(films, tmp_path / "run", monkeypatch, **options)
    assert list(seen) == list(STAGES)
    for given in seen.values():
        assert (given["folds"], given["seeds"], given["seed"]) == (3, 2, 5)
        assert given["plan"].train.epochs == 7
        assert given["assignment"] == read_folds(tmp_path / "run/folds.csv")
        assert max(given["assignment"].values()) == 3
    assert all(given["is_checked"] for given in seen.values())  # both before anything is written
    text = (tmp_path / "run/recipe.toml").read_text()
    assert text.count("epochs = 7") == 2
    assert "count = 3\nseeds = 2" in text


def test_minutes_are_shared(films, tmp_path, monkeypatch):
    """The gate has its share of what is left for training, the segmenter all that then remains."""
    changes = ("budget.gate_share=0.25",)
    options = {"minutes": 60.0, "steps": None, "changes": changes}
    seen = _asked_of_stages(films, tmp_path / "run", monkeypatch, **options)
    gate, segmenter = (seen[stage]["minutes"] for stage in STAGES)
    assert gate == pytest.approx(15, abs=0.5)
    assert segmenter == pytest.approx(60, abs=1)  # no time went by in this test
    again = _asked_of_stages(films, tmp_path / "run", monkeypatch, resume=True)
    assert again["gate"]["minutes"] == pytest.approx(15, abs=0.5)
    assert again["segmenter"]["minutes"] == pytest.approx(45, abs=0.5)


def test_an_unreadable_test_image_is_none_of_its_business(films, tmp_path, monkeypatch):
    """No image for test is opened, neither for the training nor for the sharing of its minutes."""
    copy = Path(shutil.copytree(films, tmp_path / "copy", ignore=shutil.ignore_patterns("run")))
    for name in ("s8_0", "s9_1"):
        (copy / "data" / "images" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    options = {"minutes": 60.0, "steps": None, "changes": ("budget.gate_share=0.25",)}
    seen = _asked_of_stages(copy, tmp_path / "run", monkeypatch, **options)
    assert seen["gate"]["minutes"] == pytest.approx(15, abs=0.5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"labels": "labels.csv"}, SettingsError, r"--labels labels.csv: the gate of two stages"),
        ({"folds": 21}, SettingsError, r"--folds 21: expected 2 to 20"),
        ({"minutes": 1.0}, SettingsError, r"--minutes, --epochs and --steps exclude each other"),
        (
            {"changes": ("gate.model.encoder_weights=none",)},
            SettingsError,
            r"encoder-weights",
        ),
        (
            {"changes": ("segmenter.loss={nothing = 1.0}",)},
            SettingsError,
            r"unknown loss 'nothing'",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    films, tmp_path, options, error, message
):
    """One line, and no folder is left behind."""
    with pytest.raises(error, match=message) as caught:
        _train(films, tmp_path / "run", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_fold_without_anything_to_find_is_refused_before_anything_is_written(films, tmp_path):
    """The gate cannot learn from it; that is said before a segmenter is trained for hours."""
    data = _write_films(tmp_path / "data")
    for file in (data / "masks").glob("*_1.png"):
        if file.name != "s3_1.png":
            Image.fromarray(np.zeros((41, 37), np.uint8)).save(file)
    options = {"recipe": str(films / "two.toml"), "subjects": SUBJECTS, **WHAT}
    with pytest.raises(LayoutError, match=r"fold \d holds .* found something in none of them"):
        train(data, tmp_path / "run", split_file=films / "split.csv", **options)
    assert not (tmp_path / "run").exists()


def test_both_stages_have_their_preflight_before_either_is_trained(run):
    """It is one, and says of each what it takes."""
    assert [file.parent for file in run.rglob("preflight.json")] == [run]
    report = json.loads((run / "preflight.json").read_text())
    segmenter, gate = report["estimate"]["memory"], report["gate"]["estimate"]["memory"]
    assert segmenter["needed_bytes"] != gate["needed_bytes"]


def test_a_dry_run_looks_at_both_stages(films, tmp_path):
    """Each with its share of the minutes of a fold, and nothing is written."""
    options = {"steps": None, "minutes": 20.0, "changes": ("budget.gate_share=0.25",)}
    document = _train(films, tmp_path / "run", dry_run=True, **options).document
    assert document["estimate"]["minutes"] == pytest.approx(7.5)
    assert document["gate"]["estimate"]["minutes"] == pytest.approx(2.5)
    assert "\n".join(preflight_table(document)).count("loss on two images") == 2
    assert not (tmp_path / "run").exists()


def test_a_dry_run_looks_at_the_folds_that_are_trained_on(films, tmp_path):
    """Two subjects with anything to find are enough for two folds, however few are held out."""
    data = _write_films(tmp_path / "data")
    for file in (data / "masks").glob("*_1.png"):
        if file.name not in ("s3_1.png", "s5_1.png"):
            Image.fromarray(np.zeros((41, 37), np.uint8)).save(file)
    options = {"recipe": str(films / "two.toml"), "subjects": SUBJECTS, **WHAT}
    found = train(
        data, tmp_path / "run", dry_run=True, split_file=films / "split.csv", **options
    ).document
    assert found["looked_at"]["cases"] == found["gate"]["looked_at"]["cases"] == 16


def test_a_dry_run_refuses_what_two_stages_cannot_learn_from(films, tmp_path):
    """A table of labels, which the training refuses too."""
    with pytest.raises(SettingsError, match=r"--labels .*: the gate of two stages learns from"):
        _train(films, tmp_path / "run", dry_run=True, labels=tmp_path / "labels.csv")


def test_several_classes_are_refused(films, tmp_path):
    """One threshold cuts one foreground; nothing is written."""
    data = _write_films(tmp_path / "data")
    for file in (data / "masks").glob("*_1.png"):
        labels = (np.asarray(Image.open(file)) > 0).astype(np.uint8)
        labels[0, 0] = 2
        mask = Image.fromarray(labels)
        mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [9] * 759)
        mask.save(file)
    options = {"recipe": str(films / "two.toml"), "masks": "index", **WHAT}
    with pytest.raises(LayoutError, match=r"expected one class .* for two stages, found 2"):
        train(data, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_keeps_its_recipe(films, run):
    """Another recipe, setting or number of folds for a run that was begun is refused."""
    with pytest.raises(SettingsError, match="this run was started with 2"):
        _train(films, run, resume=True, folds=3)
    for options in ({"recipe": "pneumothorax"}, {"changes": ("folds.count=3",)}):
        with pytest.raises(DelineateError, match="come from the run folder"):
            _train(films, run, resume=True, **options)
