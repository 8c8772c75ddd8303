"""Model folders: the same predictions after a round trip, and nothing hostile gets in."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from delineate.core.checks import sha256_of_file
from delineate.core.errors import (
    DelineateError,
    LayoutError,
    SettingsError,
    UnreadableFileError,
)
from delineate.core.seeds import stream
from delineate.inference.about import About
from delineate.inference.model import load_model
from delineate.inference.model_folder import find_model_folder, read_card
from delineate.inference.segmenter import segmenter
from delineate.inference.settings import PredictSettings
from delineate.inference.torch_segmenter import torch_pass


@pytest.fixture
def folder(tmp_path, write_segmenter) -> Path:
    """A whole model folder."""
    write_segmenter(tmp_path / "model")
    return tmp_path / "model"


def change_card(folder: Path, **changes) -> None:
    """Rewrite single fields of the card."""
    file = folder / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def replace_weights(folder: Path, content: bytes) -> None:
    """Other weights, with the digest in the card made to fit."""
    (folder / "model.safetensors").write_bytes(content)
    change_card(folder, weights_sha256=sha256_of_file(folder / "model.safetensors"))


@pytest.mark.parametrize("classes", [2, 3])
def test_round_trip_predicts_the_same(tmp_path, write_segmenter, classes):
    """A model read back gives the probabilities of the network that was written."""
    network, card = write_segmenter(tmp_path / "model", classes=classes)
    image = stream(1, "image").integers(0, 256, (37, 50, 1), np.uint8)
    settings = PredictSettings()
    segment = segmenter(torch_pass(network), card.preparation, settings, network.stride)
    (expected,) = segment([image])
    model = load_model(tmp_path / "model")
    prediction = model.predict(image)
    assert (prediction.probability == expected).all()
    assert prediction.labels.shape == (37, 50)
    assert model.card == card
    assert [each.index for each in model.classes] == list(range(classes))
    if classes == 2:
        above = model.predict(image, threshold=float(np.median(expected))).labels
        assert above.mean() == pytest.approx(0.5, abs=0.01)


def test_settings_can_be_replaced_by_name(folder):
    """A keyword changes one prediction setting; a wrong one is refused with the nearest."""
    assert load_model(folder, repeats="turns").predict_settings.repeats == "turns"
    with pytest.raises(SettingsError, match="did you mean 'repeats'"):
        load_model(folder, repeat="turns")
    with pytest.raises(SettingsError, match="repeats: Input should be"):
        load_model(folder, repeats="twice")


def test_run_folder_leads_to_its_model(folder):
    """The folder above may be given as well."""
    assert find_model_folder(folder.parent) == folder


def test_a_pickle_is_never_opened(folder, tmp_path):
    """A pickle under the name of the weights is refused, and its code does not run."""

    class Hostile:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    replace_weights(folder, pickle.dumps(Hostile()))
    with pytest.raises(UnreadableFileError, match="not a whole safetensors file"):
        load_model(folder)
    torch.save({"a": torch.zeros(1)}, tmp_path / "torch.pt")
    replace_weights(folder, (tmp_path / "torch.pt").read_bytes())
    with pytest.raises(UnreadableFileError, match="not a whole safetensors file"):
        load_model(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("length", [0, 5, 200, -1])
def test_truncated_weights_are_refused(folder, length):
    """Weights cut short anywhere are damaged, even where the digest fits."""
    replace_weights(folder, (folder / "model.safetensors").read_bytes()[:length])
    with pytest.raises(UnreadableFileError, match="not a whole safetensors file"):
        load_model(folder)


def test_weights_of_another_digest_are_refused(folder):
    """Swapped weights are found by their digest before anything is decoded."""
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(UnreadableFileError, match="their digest differs"):
        load_model(folder)


def test_weights_of_another_network_are_refused(folder, tmp_path):
    """Missing, strange and misshapen tensors are named."""
    save_file({"head.weight": torch.zeros(1, 2)}, tmp_path / "x.safetensors")
    replace_weights(folder, (tmp_path / "x.safetensors").read_bytes())
    with pytest.raises(UnreadableFileError, match="weights of another network than 'unet'"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "unett"}, "did you mean 'unet'"),
        ({"arguments": {"depth": 2, "width": 4}}, "weights of another network"),
        ({"arguments": {"depht": 2}}, "did you mean 'depth'"),
        ({"preparation": {"channels": 1}}, "preparation.full_range: Field required"),
        ({"schema": "delineate/model/9"}, "expected schema 'delineate/model/1'"),
        ({"schema": None}, "JSON without a schema"),
        ({"classes": 4}, "classes: "),
        ({"title": "Nerve"}, r"model\.json: title: expected it inside of `about`"),
        ({"about": {"titel": "Nerve"}}, r"json: about\.titel: .*has title, purpose, limits"),
        ({"about": {"title": ""}}, r"json: about\.title: expected words, found none"),
        ({"about": {"limits": "Children."}}, r"json: about\.limits: .*mend it there"),
        ({"about": {"limits": ["\ud800"]}}, r"json: about\.limits\.0: .* control characters"),
        ({"about": "Nerve"}, r"json: about: .*has title, purpose, limits"),
    ],
)
def test_cards_that_do_not_fit_are_one_line(folder, changes, message):
    """A changed card is refused with the field or name that is wrong."""
    change_card(folder, **changes)
    with pytest.raises(DelineateError, match=message) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_words_written_by_hand_are_read(folder):
    """A card may be given words at any time; one from before there were any has none."""
    document = json.loads((folder / "model.json").read_text())
    del document["about"]
    (folder / "model.json").write_text(json.dumps(document))
    before = read_card(folder)
    assert (before.about, before.title) == (About(), "test")
    change_card(folder, about={"title": "Nerve in ultrasound", "limits": ["Children."]})
    card = load_model(folder).card
    assert card.title == "Nerve in ultrasound"
    assert card.about.limits == ("Children.",)
    assert card == before.model_copy(update={"about": card.about})


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00\x01"])
def test_damaged_cards_are_refused(folder, content):
    """A card that is not JSON is named."""
    (folder / "model.json").write_text(content)
    with pytest.raises(UnreadableFileError, match=r"model\.json"):
        read_card(folder)


def test_what_is_missing_is_said(folder, tmp_path):
    """No folder, no model in it, no weights, and a run that has not finished differ."""
    with pytest.raises(LayoutError, match="no such folder"):
        load_model(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match="found none"):
        load_model(tmp_path / "empty")
    (tmp_path / "empty" / "checkpoints").mkdir()
    with pytest.raises(LayoutError, match="not finished"):
        load_model(tmp_path / "empty")
    (tmp_path / "folds").mkdir()
    (tmp_path / "folds" / "run.json").write_text("{}")
    with pytest.raises(LayoutError, match="not finished"):
        load_model(tmp_path / "folds")
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "model.safetensors").unlink()
    with pytest.raises(LayoutError, match=r"model\.safetensors is missing"):
        load_model(copy)


def test_an_alpha_channel_is_refused(folder):
    """Four channels are not silently taken for colour."""
    with pytest.raises(SettingsError, match="without an alpha channel"):
        load_model(folder).predict(np.zeros((8, 8, 4), np.uint8))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5), np.uint8), "at least one pixel"),
        (np.zeros((20, 20), np.int64), "found int64"),
        (np.zeros((20, 20), bool), "found bool"),
        (np.full((20, 20), np.nan, np.float32), "expected finite values"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(folder, image, message):
    """What cannot be worked on is said in one line, and never a mask of nothing."""
    with pytest.raises(SettingsError, match=message):
        load_model(folder, threads=1).predict(image)
