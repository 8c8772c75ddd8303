"""Methods without a network: trained, scored and used like any other model, without torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import DelineateError, LayoutError, SettingsError, UnreadableFileError
from delineate.inference.about import About
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card
from delineate.workflows.evaluate import evaluate
from delineate.workflows.predict import predict
from delineate.workflows.train import train

# A program whose every import of these fails, as where they are not installed; it runs one command
# line after the other, up to the first that fails.
BLOCKED = """
import json
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "lightning_fabric", "timm",
                                  "segmentation_models_pytorch", "safetensors"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
from delineate.cli.main import run
for line in json.loads(sys.argv[1]):
    sys.argv[1:] = line
    try:
        run()
    except SystemExit as end:
        if end.code:
            raise
"""
FEW = {
    "otsu": ("classical.parameters={levels = 2}",),
    "kmeans": ("classical.parameters={clusters = [2, 4], smoothing_px = [0.0, 1.0]}",),
    "gmm": ("classical.parameters={clusters = 3}",),
    "edges": ("classical.parameters={edge_share = [0.05, 0.1]}",),
    "watershed": ("classical.parameters={region_px = 4}",),
    "spectral": ("classical.parameters={superpixels = 80, parts = 8}",),
    "chan-vese": ("classical.parameters={length_weight = 0.1}",),
    "frangi": ("classical.parameters={is_dark = [true, false], scales = 1}",),
    "sato": ("classical.parameters={is_dark = [true, false], scales = 1}",),
}
SUBJECTS = r"^(?:.*/)?(s\d+)_"
WORDS = ("about.title=Discs", "about.limits=['Rings.']")


def write_set(root: Path, *, classes: int = 2) -> Path:
    """`images/` beside `masks/`: eight pictures of four subjects with a bright block a class."""
    rng = np.random.default_rng(11)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(8):
        labels = np.zeros((41, 57), np.uint8)
        for index in range(1, classes):
            row, column = rng.integers(2, 24), 3 + 26 * (index - 1)
            labels[row : row + 14, column : column + 16] = index
        image = rng.integers(0, 60, labels.shape) + labels * (160 // (classes - 1))
        name = f"s{number // 2}_{number % 2}.png"
        Image.fromarray(image.astype(np.uint8)).save(root / "images" / name)
        mask = Image.fromarray(labels * 255 if classes == 2 else labels)
        if classes > 2:
            mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [9] * 759)
        mask.save(root / "masks" / name)
    return root


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A set of two classes."""
    return write_set(tmp_path_factory.mktemp("classical") / "set")


@pytest.fixture(scope="module")
def data_of_three(tmp_path_factory) -> Path:
    """A set of three classes."""
    return write_set(tmp_path_factory.mktemp("classical_three") / "set", classes=3)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> Path:
    """A run of k-means."""
    out = tmp_path_factory.mktemp("classical_run") / "run"
    changes = (*FEW["kmeans"], *WORDS)
    return train(data, out, recipe="kmeans", changes=changes, subjects=SUBJECTS).folder


def delineate(*lines: tuple[object, ...]) -> subprocess.CompletedProcess[str]:
    """The program without torch, on one command line after the other."""
    words = [[str(word) for word in line] for line in lines]
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, json.dumps(words)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_no_torch_is_needed(data, tmp_path):
    """Train, evaluate and predict run where torch and its like cannot be imported."""
    run, masks = tmp_path / "run", tmp_path / "masks"
    done = delineate(
        ("train", data, "--recipe", "gmm", "--out", run, "--set", FEW["gmm"][0]),
        ("evaluate", run, "--split", "validation"),
        ("predict", run, data / "images" / "s0_0.png", "--out", masks),
    )
    assert done.returncode == 0, done.stderr
    assert "without a network" in done.stdout
    mask = np.asarray(Image.open(masks / "s0_0_mask.png"))
    truth = np.asarray(Image.open(data / "masks" / "s0_0.png")) > 0
    assert 2 * ((mask > 0) & truth).sum() / ((mask > 0).sum() + truth.sum()) > 0.9


def test_a_network_without_torch_says_what_is_missing(data, tmp_path):
    """Only the recipes of networks need it."""
    done = delineate(("train", data, "--recipe", "general", "--out", tmp_path / "run"))
    assert done.returncode != 0
    assert "torch" in done.stderr


@pytest.mark.parametrize("name", sorted(FEW))
def test_every_recipe_goes_the_whole_way(data, tmp_path, name):
    """A model folder without weights, which scores as the same masks do in Python."""
    run = train(data, tmp_path / "run", recipe=name, changes=FEW[name], subjects=SUBJECTS).folder
    assert sorted(each.name for each in (run / "model").iterdir()) == ["README.md", "model.json"]
    for file in ("recipe.toml", "split.csv", "run.json"):
        assert (run / file).is_file()
    card = read_card(run)
    assert card.weights_sha256 is None
    assert card.classical.combinations == len(card.classical.tried)
    assert card.arguments == max(card.classical.tried, key=lambda each: each.score).parameters
    result = evaluate(run, split="validation", out=tmp_path / "evaluation")
    assert result.document["weights_sha256"] is None
    few = [data / "images" / each for each in ("s0_0.png", "s1_1.png")]
    predicted = predict(run, few, tmp_path / "masks")
    assert len(predicted.document["images"]) == 2
    assert not predicted.failures


def test_a_run_is_repeated_bit_by_bit(data, run, tmp_path):
    """Data, recipe and seed decide everything but the time."""
    again = train(
        data, tmp_path / "again", recipe="kmeans", changes=FEW["kmeans"], subjects=SUBJECTS
    )
    assert read_card(again.folder).classical == read_card(run).classical
    assert (again.folder / "split.csv").read_text() == (run / "split.csv").read_text()


def test_words_of_a_recipe_change_nothing_else(data, run, tmp_path):
    """Card and page say what the model is for; what it learnt is what it learns without words."""
    again = train(
        data, tmp_path / "again", recipe="kmeans", changes=FEW["kmeans"], subjects=SUBJECTS
    )
    told, silent = read_card(run), read_card(again.folder)
    assert told.about == About(title="Discs", limits=("Rings.",))
    assert silent.about == About()
    assert told.training["recipe_sha256"] == silent.training["recipe_sha256"]
    assert told.model_copy(update={"about": About(), "training": {}}) == silent.model_copy(
        update={"training": {}}
    )
    page = (run / "model/README.md").read_text()
    assert page.startswith("# Discs\n\nkmeans, seed 0. A segmentation method")
    assert "## What it must not be used for\n\n- Rings.\n- This model" in page


def test_the_written_recipe_is_a_recipe(data, run, tmp_path):
    """recipe.toml of a run trains the same again."""
    again = train(data, tmp_path / "again", recipe=str(run / "recipe.toml"), subjects=SUBJECTS)
    assert read_card(again.folder).classical == read_card(run).classical


def test_several_classes_are_learnt(data_of_three, tmp_path):
    """k-means tells two classes and a background apart; there is no threshold."""
    data, changes = data_of_three, ("classical.parameters={clusters = 4}",)
    run = train(data, tmp_path / "run", recipe="kmeans", changes=changes, subjects=SUBJECTS).folder
    card = read_card(run)
    assert card.threshold.value is None
    assert card.threshold.score > 0.8
    prediction = load_model(run).predict(np.asarray(Image.open(data / "images" / "s0_0.png")))
    assert prediction.probability.shape == (3, 41, 57)
    assert set(np.unique(prediction.labels)) == {0, 1, 2}


@pytest.mark.parametrize("name", ["edges", "chan-vese", "frangi", "sato"])
def test_methods_of_two_classes_refuse_more(data_of_three, tmp_path, name):
    """The error names the classes and the methods that would do; nothing is written."""
    with pytest.raises(SettingsError, match=rf"expected one class .* for {name}, found 2 .*kmeans"):
        train(data_of_three, tmp_path / "run", recipe=name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"epochs": 3}, "--epochs"),
        ({"steps": 3}, "--steps"),
        ({"device": "cuda"}, "--device"),
        ({"resume": True}, "--resume"),
        ({"encoder_weights": "random"}, "model"),
        ({"changes": ("train.batch=4",)}, "train"),
        ({"changes": ("predict.tile_px=64",)}, "predict.tile_px"),
        ({"changes": ("validation.times=3",)}, "validation.times"),
        ({"changes": ("classical.parameters.clusters=0",)}, "parameters.clusters"),
        ({"changes": ("classical.parameters.clusters=[]",)}, "parameters.clusters"),
        ({"changes": ("classical.parameters.cluster=3",)}, "did you mean 'clusters'"),
        ({"changes": ("classical.method=kmeens",)}, "did you mean 'kmeans'"),
        ({"changes": (f"classical.parameters.clusters={list(range(2, 60)) * 9}",)}, "at most 500"),
        ({"changes": ("prepare.normalise=encoder",)}, "prepare.normalise"),
        ({"minutes": -1.0}, "more than nothing"),
    ],
)
def test_what_has_no_effect_or_no_sense_is_refused(data, tmp_path, options, named):
    """Options and settings of networks, and values that cannot be, name themselves."""
    with pytest.raises(DelineateError, match=named):
        train(data, tmp_path / "run", recipe="kmeans", **options)
    assert not (tmp_path / "run").exists()


def test_tones_that_are_not_there_are_refused(data, tmp_path):
    """Grey images have no green."""
    change = "classical.parameters.tone=green"
    with pytest.raises(SettingsError, match=r"tone: the images are grey.*found green"):
        train(data, tmp_path / "run", recipe="otsu", changes=(change,))


def test_no_time_is_said(data, tmp_path):
    """With hardly any time the first combination alone is tried, and the card says so."""
    result = train(data, tmp_path / "run", recipe="kmeans", minutes=0.001, changes=FEW["kmeans"])
    classical = read_card(result.folder).classical
    assert (len(classical.tried), classical.combinations) == (1, 4)
    assert "1 of 4 combinations tried" in (result.folder / "model" / "README.md").read_text()


def test_the_page_lists_what_was_tried(run):
    """Every combination stands in the model's page with its score."""
    page = (run / "model" / "README.md").read_text()
    for tried in read_card(run).classical.tried:
        assert f"clusters {tried.parameters['clusters']}" in page
        assert f"{tried.score:.4f}" in page


def test_settings_of_tiles_and_devices_are_refused_when_loading(run):
    """A method sees the whole image, on the processor."""
    with pytest.raises(SettingsError, match="tile_px: a method without a network"):
        load_model(run, tile_px=64)
    with pytest.raises(SettingsError, match="--device cuda"):
        load_model(run, device="cuda")
    with pytest.raises(SettingsError, match="depth 1"):
        load_model(run, depth=1)


def test_repeats_average_over_views(run, data):
    """k-means says the same of an image that is mirrored or turned."""
    image = np.asarray(Image.open(data / "images" / "s1_0.png"))
    single, turned = (
        load_model(run, repeats=each).probability(image) for each in ("single", "turns")
    )
    np.testing.assert_allclose(turned, single, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("method", "kmeens", "unknown method 'kmeens'"),
        ("learnt", {}, r"model.json: classical.learnt.parameters: Field required"),
        ("learnt.means", [], r"classical.learnt.means"),
        ("learnt.means", [[1.0, 2.0]], r"expected clusters of 1 tones"),
        ("learnt.means", [["x"]], r"classical.learnt.means.0.0"),
        ("learnt.classes", [[1.0]], r"expected clusters of 1 tones"),
        ("learnt.spread", -1, r"classical.learnt.spread"),
        ("learnt.spread", None, r"classical.learnt.spread"),
        ("learnt.spread", float("nan"), r"classical.learnt.spread|NaN"),
        ("learnt.extra", 1, r"classical.learnt.extra"),
    ],
)
def test_damaged_cards_are_one_line(run, tmp_path, name, value, expected):
    """What a method learnt is checked when it is read."""
    document = json.loads((run / "model" / "model.json").read_text())
    here = document["classical"]
    *path, last = name.split(".")
    for part in path:
        here = here[part]
    here[last] = value
    (tmp_path / "model.json").write_text(json.dumps(document))
    with pytest.raises((UnreadableFileError, SettingsError), match=expected) as error:
        load_model(tmp_path)
    assert "\n" not in str(error.value)


def test_a_network_still_needs_its_weights(run, tmp_path):
    """A card that names weights is no method, and one without either is nothing."""
    document = json.loads((run / "model" / "model.json").read_text())
    (tmp_path / "model.json").write_text(
        json.dumps(document | {"classical": None, "weights_sha256": "0" * 64})
    )
    with pytest.raises(LayoutError, match=r"model\.safetensors is missing"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(document | {"classical": None}))
    with pytest.raises(UnreadableFileError, match="one of weights_sha256"):
        load_model(tmp_path)
