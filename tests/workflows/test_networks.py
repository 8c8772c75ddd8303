"""Every kind of network from training to prediction: unpadded, with depths, with an encoder."""

from __future__ import annotations

import json
import shutil
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from delineate.cli.scores import score_table
from delineate.core.errors import DelineateError, SettingsError
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card
from delineate.models.catalogue import build_model
from delineate.recipe.recipe import load_recipe, recipe_text
from delineate.report.depth_table import depth_table
from delineate.training.loop import loss_of as loop_loss
from delineate.workflows.evaluate import evaluate
from delineate.workflows.predict import predict
from delineate.workflows.train import train

ORIGINAL = (
    "model.architecture=unet_original",
    "model.arguments={width = 4, depth = 1, dropout = 0.1}",
    "patches.size_px=[20, 24]",
    "loss={border = 1.0}",
    "train.optimiser=sgd",
    "train.schedule=constant",
    "augment.elastic_px=1.0",
    "prepare.normalise=unit",
)
NESTED = ("model.architecture=unetpp", "model.arguments={width = 4, depth = 2}")
ENCODER = (
    "model.architecture=encoder_decoder",
    'model.arguments={encoder = "resnet18"}',
    "patches.size_px=[32, 32]",
)
PREPROCESSING = {"mean": [0.5, 0.4, 0.3], "deviation": [0.2, 0.3, 0.4]}


def image_of(root) -> np.ndarray:
    """The first picture of a set."""
    return np.asarray(Image.open(root / "images" / "s0_0.png"))


class InterruptedTrainingError(Exception):
    """Somebody pressed a key."""


def interrupted(train_tiny, data, folder, *, after, **options):
    """The folder of a run that ended in the middle of the step after so many."""
    steps = count(1)

    def loss_of(*arguments):
        if next(steps) > after:
            raise InterruptedTrainingError("now")
        return loop_loss(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("delineate.training.loop.loss_of", loss_of)
        with pytest.raises(InterruptedTrainingError, match="now"):
            train_tiny(data, folder, **options)
    return folder


@pytest.fixture(scope="module")
def original_run(tiny_set, tmp_path_factory, train_tiny):
    """A run of the unpadded U-Net, only ever added to."""
    folder = tmp_path_factory.mktemp("original") / "run"
    return train_tiny(tiny_set, folder, steps=6, changes=ORIGINAL).folder


@pytest.fixture(scope="module")
def nested_run(tiny_set, tmp_path_factory, train_tiny):
    """A run of UNet++ with two depths, only ever added to."""
    folder = tmp_path_factory.mktemp("nested") / "run"
    return train_tiny(tiny_set, folder, steps=40, changes=NESTED).folder


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """Weights of a ResNet-18 for three colours, and what they expect of an image."""
    torch.manual_seed(5)
    network = build_model(
        "encoder_decoder", channels=3, classes=1, arguments={"encoder": "resnet18"}
    )
    file = tmp_path_factory.mktemp("weights") / "resnet.safetensors"
    metadata = {"preprocessing": json.dumps(PREPROCESSING)}
    save_file(network.encoder.state_dict(), file, metadata)
    return file


def test_the_unpadded_network_goes_the_whole_way(original_run, tiny_set, tmp_path):
    """What it loses is in the card, and scores and masks are those of whole images."""
    card = read_card(original_run)
    assert card.architecture == "unet_original"
    assert (
        card.lost_px
        == build_model("unet_original", channels=1, classes=1, arguments=card.arguments).lost_px
    )
    assert card.lost_px > 0
    assert card.depths == ()
    assert (card.preparation.mean, card.preparation.deviation) == ((0.0,), (1.0,))
    result = evaluate(original_run, threads=1, out=tmp_path / "scored")
    assert not result.failures
    assert "depths" not in result.document
    predicted = predict(original_run, [tiny_set / "images" / "s0_0.png"], out=tmp_path / "masks")
    assert not predicted.failures
    with Image.open(tmp_path / "masks" / "s0_0_mask.png") as mask:
        assert (mask.height, mask.width) == (41, 37)


def test_settings_of_the_original_are_kept(original_run):
    """Loss, optimiser, schedule and elastic bending are in the run's recipe; the rate stays."""
    recipe = load_recipe(str(original_run / "recipe.toml"))
    assert {name: term.weight for name, term in recipe.loss.items()} == {"border": 1.0}
    assert (recipe.train.optimiser, recipe.train.schedule) == ("sgd", "constant")
    assert recipe.augment.elastic_px == 1.0
    rows = [json.loads(row) for row in (original_run / "history.jsonl").read_text().splitlines()]
    assert [row["learning_rate"] for row in rows] == [recipe.train.learning_rate] * len(rows)


def test_patches_that_do_not_fit_leave_no_folder(tiny_set, tmp_path, train_tiny):
    """The next sizes that halve evenly are named, and nothing is written."""
    changes = (*ORIGINAL, "patches.size_px=[21, 24]")
    with pytest.raises(SettingsError, match=r"patches.size_px \[21, 24\].*\[22, 24\]"):
        train_tiny(tiny_set, tmp_path / "run", changes=changes)
    assert not (tmp_path / "run").exists()


def test_every_depth_is_in_the_card(nested_run):
    """Deeper ones have more parameters, the deepest all; each has its own threshold."""
    card = read_card(nested_run)
    assert [each.depth for each in card.depths] == [1, 2]
    first, last = card.depths
    assert first.parameters < last.parameters == card.parameters
    assert last.threshold == card.threshold
    assert first.threshold.value is not None
    assert "validation split" in first.threshold.chosen_on


def test_every_depth_is_scored(nested_run, tmp_path):
    """The deepest row has the headline's scores; page and printed table show every row."""
    result = evaluate(nested_run, threads=1, out=tmp_path / "scored")
    document = json.loads((tmp_path / "scored" / "evaluation.json").read_text())
    shallow, deep = document["depths"]
    assert (shallow["depth"], deep["depth"]) == (1, 2)
    assert shallow["parameters"] < deep["parameters"]
    assert deep["share_of_time"] == 1.0
    headline = [each for each in document["headline"] if each["predictor"] == "model"]
    assert [each["value"] for each in deep["scores"]] == [each["value"] for each in headline]
    assert [each["value"] for each in shallow["scores"]] != [each["value"] for each in headline]

    table = depth_table(result.document)
    assert table is not None
    page = (tmp_path / "scored" / "evaluation.html").read_text()
    for _, cells in table.rows:
        assert all(f">{cell}<" in page for cell in cells)
    printed = list(score_table(result.document))
    (head,) = [at for at, line in enumerate(printed) if line.startswith("depth  parameters")]
    for line, row in zip(printed[head + 1 :], document["depths"], strict=False):
        assert line.split()[:2] == [str(row["depth"]), f"{row['parameters']:,}"]


def test_one_depth_is_scored_alone(nested_run, tmp_path):
    """Its scores and threshold are those of its row among all depths, and no other is tried."""
    every = evaluate(nested_run, threads=1, out=tmp_path / "every").document
    alone = evaluate(nested_run, threads=1, depth=1, out=tmp_path / "alone").document
    assert "depths" not in alone
    assert alone["depth"] == 1
    assert "depth 1, views" in (tmp_path / "alone" / "evaluation.html").read_text()
    assert alone["threshold"] == every["depths"][0]["threshold"]
    headline = [each for each in alone["headline"] if each["predictor"] == "model"]
    assert [each["value"] for each in every["depths"][0]["scores"]] == [
        each["value"] for each in headline
    ]


def test_a_shallower_prediction_is_that_of_the_pruned_model(nested_run, tiny_set, tmp_path):
    """`depth` of predict and of load_model are one, and differ from the whole network."""
    predict(
        nested_run, [tiny_set / "images" / "s0_0.png"], out=tmp_path, depth=1, probabilities=True
    )
    written = np.asarray(Image.open(tmp_path / "s0_0_prob.png")) / 65535
    pruned = load_model(nested_run, depth=1, device="cpu")
    expected = pruned.predict(image_of(tiny_set)[..., None])
    np.testing.assert_allclose(written, expected.probability[0], atol=1e-4)
    mask = np.asarray(Image.open(tmp_path / "s0_0_mask.png"))
    np.testing.assert_array_equal(mask > 0, expected.labels > 0)
    whole = load_model(nested_run, device="cpu").predict(image_of(tiny_set)[..., None])
    assert np.abs(whole.probability - expected.probability).max() > 1e-3


@pytest.mark.parametrize("verb", ["predict", "evaluate", "load"])
def test_depths_that_are_not_there_are_refused(nested_run, original_run, tiny_set, tmp_path, verb):
    """Too deep, and any depth of a network that has but one; nothing is written."""
    calls = {
        "predict": lambda run, depth: predict(
            run, [tiny_set / "images"], out=tmp_path / "out", depth=depth
        ),
        "evaluate": lambda run, depth: evaluate(run, out=tmp_path / "out", depth=depth),
        "load": lambda run, depth: load_model(run, depth=depth),
    }
    with pytest.raises(SettingsError, match=r"depth 3.*it has 1 to 2"):
        calls[verb](nested_run, 3)
    with pytest.raises(SettingsError, match=r"depth 1.*it has none"):
        calls[verb](original_run, 1)
    assert not (tmp_path / "out").exists()


def test_an_encoder_never_starts_in_silence(tiny_set, tmp_path, train_tiny):
    """Without a word on its weights the training is refused before anything is written."""
    with pytest.raises(SettingsError, match=r"resnet18.*--encoder-weights imagenet.*random"):
        train_tiny(tiny_set, tmp_path / "run", changes=ENCODER)
    assert not (tmp_path / "run").exists()


def test_weights_without_an_encoder_are_refused(tiny_set, weights_file, tmp_path, train_tiny):
    """A network without an encoder by name takes none, and nothing is written."""
    with pytest.raises(SettingsError, match="no encoder by name"):
        train_tiny(tiny_set, tmp_path / "run", encoder_weights=str(weights_file))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "weights", "message"),
    [
        (ENCODER, None, "nothing says what encoder 'resnet18' starts from"),
        (ENCODER, "absent.pt", r"absent\.pt: no such file"),
        (ENCODER, "damaged.pt", r"damaged\.pt: holds objects .* or is no torch file"),
        (ENCODER, "imagenet", "resnet18.* cannot be downloaded"),
        ((), "absent.pt", "no encoder by name"),
    ],
)
def test_weights_are_refused_before_any_data_is_read(
    tmp_path, train_tiny, monkeypatch, changes, weights, message
):
    """What is wrong with the weights is said at once, even of data that are not there."""
    from huggingface_hub import constants

    def offline(_) -> None:
        raise SettingsError("resnet18: cannot be downloaded")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("delineate.models.encoder_weights.hub_file", offline)
    (tmp_path / "damaged.pt").write_bytes(bytes(200))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DelineateError, match=message):
        train_tiny(tmp_path / "no data", tmp_path / "run", changes=changes, encoder_weights=weights)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["damaged.pt"]


def test_random_encoders_say_so(tiny_set, tmp_path, train_tiny):
    """The card says that it is not pretrained, and how grey images enter."""
    run = train_tiny(
        tiny_set, tmp_path / "run", steps=1, changes=ENCODER, encoder_weights="random"
    ).folder
    training = read_card(run).training
    assert training["encoder_weights"] == "encoder resnet18 from random weights, not pretrained"
    assert training["grey_rule"] == "the first convolution takes one channel"
    assert load_recipe(str(run / "recipe.toml")).model.encoder_weights == "random"
    page = (run / "model" / "README.md").read_text()
    assert "| encoder | encoder resnet18 from random weights, not pretrained |" in page
    assert "| colours | the first convolution takes one channel |" in page


def test_the_file_is_what_the_encoder_starts_from(
    tiny_set, weights_file, tmp_path, train_tiny, monkeypatch
):
    """At a rate near nothing the model's encoder is the file's; the card says which file."""
    monkeypatch.chdir(weights_file.parent)
    still = ("train.learning_rate=1e-12", "train.weight_decay=0", "train.average_decay=0")
    run = train_tiny(
        tiny_set,
        tmp_path / "run",
        steps=2,
        changes=(*ENCODER, *still, "prepare.normalise=encoder"),
        encoder_weights=weights_file.name,
    ).folder
    card = read_card(run)
    assert "resnet.safetensors (sha256 " in card.training["encoder_weights"]
    assert card.training["encoder_weights"].endswith(", kernels summed over colours")
    assert load_recipe(str(run / "recipe.toml")).model.encoder_weights == str(weights_file)
    assert card.preparation.mean == pytest.approx([0.4])
    assert card.preparation.deviation == pytest.approx([0.3])
    wanted = load_file(weights_file)
    wanted["conv1.weight"] = wanted["conv1.weight"].sum(dim=1, keepdim=True)
    model = load_file(run / "model" / "model.safetensors")
    compared = 0
    for name, tensor in wanted.items():
        if "running_" in name or "num_batches" in name:  # these follow the images at any rate
            continue
        torch.testing.assert_close(model[f"encoder.{name}"], tensor, rtol=0, atol=1e-6)
        compared += 1
    assert compared == 60


def test_a_resumed_run_needs_no_weights_file(tiny_set, weights_file, tmp_path, train_tiny):
    """Interrupted after a checkpoint, with the file gone since, it ends as the uninterrupted."""
    file = Path(shutil.copy(weights_file, tmp_path / "mine.safetensors"))
    changes = (*ENCODER, "prepare.normalise=encoder", "validation.times=2")
    options = {"changes": changes, "encoder_weights": str(file), "steps": 4}
    whole = train_tiny(tiny_set, tmp_path / "whole", **options).folder
    cut = interrupted(train_tiny, tiny_set, tmp_path / "cut", after=2, **options)
    file.unlink()
    resumed = train(tiny_set, cut, resume=True).folder
    assert read_card(resumed).weights_sha256 == read_card(whole).weights_sha256
    assert read_card(resumed).preparation == read_card(whole).preparation


def test_a_run_without_checkpoint_starts_from_its_weights(
    tiny_set, weights_file, tmp_path, train_tiny
):
    """Interrupted before any checkpoint the encoder is filled again, from the same file only."""
    file = Path(shutil.copy(weights_file, tmp_path / "mine.safetensors"))
    options = {"changes": ENCODER, "encoder_weights": str(file), "steps": 2}
    whole = train_tiny(tiny_set, tmp_path / "whole", **options).folder
    cut = interrupted(train_tiny, tiny_set, tmp_path / "cut", after=0, **options)
    kept = file.read_bytes()
    save_file(load_file(file) | {"conv1.weight": torch.ones(64, 3, 7, 7)}, file)
    with pytest.raises(SettingsError, match="was started with encoder resnet18 from mine"):
        train(tiny_set, cut, resume=True)
    file.unlink()
    with pytest.raises(SettingsError, match=r"mine\.safetensors: no such file"):
        train(tmp_path / "no data", cut, resume=True)
    file.write_bytes(kept)
    resumed = train(tiny_set, cut, resume=True).folder
    assert read_card(resumed).weights_sha256 == read_card(whole).weights_sha256


def test_weights_of_a_recipe_file_lie_beside_it(
    tiny_set, weights_file, tmp_path, train_tiny, monkeypatch
):
    """A relative path is the recipe's, whole in the run, and a run resumes from any folder."""
    (tmp_path / "mine").mkdir()
    file = Path(shutil.copy(weights_file, tmp_path / "mine" / "weights.safetensors"))
    recipe = load_recipe("general")
    model = recipe.model.model_copy(update={"encoder_weights": file.name})
    path = tmp_path / "mine" / "recipe.toml"
    path.write_text(recipe_text(recipe.model_copy(update={"model": model})))
    options = {"recipe": str(path), "changes": ENCODER, "steps": 1}
    run = interrupted(train_tiny, tiny_set, tmp_path / "run", after=0, **options)
    assert load_recipe(str(run / "recipe.toml")).model.encoder_weights == str(file)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    resumed = train(tiny_set, run, resume=True).folder
    assert "weights.safetensors (sha256 " in read_card(resumed).training["encoder_weights"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ((*NESTED, "predict.depth=2"), "chosen when predicting, with --depth"),
        (("prepare.normalise=encoder",), "architecture 'unet' has none by name"),
        (("loss.focal.gama=1",), "did you mean 'gamma'"),
        (("model.architecture=classifier",), "'classifier': classifies, .*expected encoder_dec"),
        (("model.architecture=encoder_decoder",), "'width'.*model.arguments={name = value}"),
        ((*ENCODER, "model.arguments={encoder = 3}"), "unknown encoder '3'"),
        ((*ENCODER, "model.encoder_weights=imagnet"), "imagnet: no such file; expected imagenet"),
    ],
)
def test_settings_that_do_not_fit_leave_no_folder(tiny_set, tmp_path, train_tiny, changes, message):
    """What cannot be trained or predicted later is refused before anything is written."""
    with pytest.raises(SettingsError, match=message):
        train_tiny(tiny_set, tmp_path / "run", changes=changes)
    assert not (tmp_path / "run").exists()


def test_losses_and_scales_are_as_asked(tiny_set, tmp_path, train_tiny):
    """Arguments of losses are in the run's recipe, and numbers of ImageNet in the card."""
    changes = ("loss.focal.gamma=1", "loss.tversky.weight=0.5", "prepare.normalise=imagenet")
    run = train_tiny(tiny_set, tmp_path / "run", steps=1, changes=changes).folder
    loss = load_recipe(str(run / "recipe.toml")).loss
    assert loss["focal"].arguments == {"gamma": 1}
    assert loss["tversky"].weight == 0.5
    preparation = read_card(run).preparation
    assert preparation.mean == pytest.approx([(0.485 + 0.456 + 0.406) / 3])
    assert preparation.deviation == pytest.approx([(0.229 + 0.224 + 0.225) / 3])
