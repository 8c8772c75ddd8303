"""Models inside models: means that are means, and nothing hostile gets in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from delineate.core.errors import DelineateError, LayoutError, UnreadableFileError
from delineate.core.seeds import stream
from delineate.inference.classifier import load_classifier
from delineate.inference.composing import write_composed
from delineate.inference.model import load_model
from delineate.inference.model_card import Gate, Threshold
from delineate.inference.model_folder import read_card
from delineate.inference.preparation import Preparation

HEAD = Gate(kind="head", threshold=0.5, rule="by hand")


def image_of(height: int = 37, width: int = 50) -> np.ndarray:
    """A grey image of noise."""
    return stream(4, "image").integers(0, 256, (height, width), np.uint8)


@pytest.fixture
def mean_of(tmp_path, composed_card):
    """Writes a model whose members are model folders, and says where."""

    def write(*folders: Path, **changes: object) -> Path:
        members = {f"members/{each.name}": each for each in folders}
        card = composed_card(read_card(folders[0]), members=tuple(members), **changes)
        write_composed(tmp_path / "mean", card, members=members, page="A mean.")
        return tmp_path / "mean"

    return write


def change_card(folder: Path, **changes: object) -> None:
    """Rewrite single fields of the card."""
    file = folder / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("classes", [2, 3])
def test_probability_is_the_mean_of_the_members(tmp_path, write_segmenter, mean_of, classes):
    """Each member prepares the image in its own way, and their maps count alike."""
    small = Preparation(
        channels=1, full_range=(0, 255), mean=(0.2,), deviation=(0.5,), size_px=(20, 24)
    )
    write_segmenter(tmp_path / "a", classes=classes, seed=1)
    write_segmenter(tmp_path / "b", classes=classes, seed=2, preparation=small)
    write_segmenter(tmp_path / "c", classes=classes, seed=3)
    alone = [load_model(tmp_path / name).probability(image_of()) for name in "abc"]
    model = load_model(mean_of(*(tmp_path / name for name in "abc")))
    probability = model.probability(image_of())
    np.testing.assert_allclose(probability, np.mean(alone, axis=0), atol=1e-6)
    assert probability.dtype == np.float32
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    assert len(model.members) == 3
    assert (model.members[1].probability(image_of()) == alone[1]).all()
    expected = probability[0] >= 0.5 if classes == 2 else probability.argmax(axis=0)
    assert (model.predict(image_of()).labels == expected).all()


def test_one_member_is_that_member(tmp_path, write_segmenter, mean_of):
    """The mean of one model is its own probability, bit for bit."""
    write_segmenter(tmp_path / "a")
    alone = load_model(tmp_path / "a").probability(image_of())
    assert (load_model(mean_of(tmp_path / "a")).probability(image_of()) == alone).all()


def test_settings_are_those_of_each_member(tmp_path, write_segmenter, mean_of):
    """Views that are asked for are those of every member; the smallest area is the whole's."""
    for seed, name in enumerate("ab"):
        write_segmenter(tmp_path / name, seed=seed)
    folder = mean_of(tmp_path / "a", tmp_path / "b")
    turned = load_model(folder, repeats="turns")
    alone = [load_model(tmp_path / n, repeats="turns").probability(image_of()) for n in "ab"]
    np.testing.assert_allclose(turned.probability(image_of()), np.mean(alone, axis=0), atol=1e-6)
    assert turned.predict_settings.repeats == "turns"
    assert (turned.probability(image_of()) != load_model(folder).probability(image_of())).any()
    large = load_model(folder, minimum_area_px=10_000)
    assert load_model(folder).predict(image_of(), threshold=0).labels.all()
    assert not large.predict(image_of(), threshold=0).labels.any()


def test_presence_is_a_mean_only_where_all_have_a_head(tmp_path, write_segmenter, mean_of):
    """Two heads have a mean; a head beside a network without one says nothing of the whole."""
    for seed, name in enumerate("abc"):
        write_segmenter(tmp_path / name, seed=seed, head=name != "c")
    alone = [load_model(tmp_path / name).look([image_of()])[0].presence for name in "ab"]
    both = load_model(mean_of(tmp_path / "a", tmp_path / "b"))
    assert both.has_presence_head
    assert both.look([image_of()])[0].presence == pytest.approx(np.mean(alone))
    assert both.probability(image_of()).shape == (1, 37, 50)
    mixed = load_model(mean_of(tmp_path / "a", tmp_path / "c"))
    assert not mixed.has_presence_head
    assert mixed.look([image_of()])[0].presence is None


def test_classifiers_have_a_mean_too(tmp_path, write_classifier, mean_of):
    """Probability and heat map are means; the card of the whole has the threshold."""
    for seed, name in enumerate("ab"):
        write_classifier(tmp_path / name, seed=seed)
    alone = [load_classifier(tmp_path / name) for name in "ab"]
    rule = Threshold(value=0.9, chosen_on="folds", rule="by hand", score=None)
    whole = load_classifier(mean_of(tmp_path / "a", tmp_path / "b", threshold=rule.model_dump()))
    probabilities = [each.probability(image_of()) for each in alone]
    assert whole.probability(image_of()) == pytest.approx(np.mean(probabilities))
    assert not whole.predict(image_of()).is_present
    heat = np.sum([each.grad_cam(image_of()) for each in alone], axis=0)
    np.testing.assert_allclose(whole.grad_cam(image_of()), heat / heat.max(), atol=1e-6)
    flipped = load_classifier(tmp_path / "mean", repeats="flips")
    expected = [
        load_classifier(tmp_path / n, repeats="flips").probability(image_of()) for n in "ab"
    ]
    assert flipped.probability(image_of()) == pytest.approx(np.mean(expected))


def test_models_inside_models(two_stages):
    """A gate and a segmenter that are means themselves give what their parts give."""
    model = load_model(two_stages)
    alone = [load_model(two_stages / "segmenter" / n).probability(image_of()) for n in "12"]
    np.testing.assert_allclose(model.probability(image_of()), np.mean(alone, axis=0), atol=1e-6)
    gates = [load_classifier(two_stages / "gate/m" / n).probability(image_of()) for n in "12"]
    verdict = model.predict(image_of()).gate
    assert verdict.probability == pytest.approx(np.mean(gates))
    assert load_classifier(two_stages / "gate").probability(image_of()) == verdict.probability


@pytest.mark.parametrize(
    "name",
    ["..", "../a", "a/../../a", ".", "", "./a", "/", "a//b", "a/", "a\\b", "C:a", "a/..", "a\n"],
)
def test_names_that_are_no_folder_inside_are_refused(tmp_path, write_segmenter, mean_of, name):
    """Members are only looked for inside the model folder, by plain names."""
    write_segmenter(tmp_path / "a")
    folder = mean_of(tmp_path / "a")
    change_card(folder, members=[name])
    with pytest.raises(UnreadableFileError, match="not a folder inside its own") as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_an_absolute_name_is_refused(tmp_path, write_segmenter, mean_of):
    """Not even the right folder may be named by its whole path."""
    write_segmenter(tmp_path / "a")
    folder = mean_of(tmp_path / "a")
    change_card(folder, members=[str(folder / "members/a")])
    with pytest.raises(UnreadableFileError, match="not a folder inside its own"):
        load_model(folder)


def test_links_that_lead_out_or_back_are_refused(tmp_path, write_segmenter, mean_of):
    """A link to another folder, to the model itself or to one above it is no member."""
    write_segmenter(tmp_path / "a")
    folder = mean_of(tmp_path / "a")
    change_card(folder, members=["link"])
    for target in (tmp_path / "a", folder, tmp_path):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(target)
        with pytest.raises(UnreadableFileError, match="not a folder inside its own"):
            load_model(folder)


def test_a_member_that_is_missing_is_named(tmp_path, write_segmenter, mean_of):
    """Half a copy says which model is not there."""
    for name in "ab":
        write_segmenter(tmp_path / name)
    folder = mean_of(tmp_path / "a", tmp_path / "b")
    shutil.rmtree(folder / "members/b")
    with pytest.raises(
        LayoutError, match=r"'members/b', but .*model\.json is missing; copy the wh"
    ):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 3}, "has classes 0, 1, its member a has classes 0, 1, 2"),
        ({"classes": 3, "is_overlapping": True}, "a has overlapping classes 0, 1, 2: they must"),
    ],
)
def test_members_of_other_classes_are_refused(tmp_path, write_segmenter, mean_of, changes, message):
    """The channels of all members mean what the card says."""
    write_segmenter(tmp_path / "a")
    folder = mean_of(tmp_path / "a")
    shutil.rmtree(folder / "members/a")
    write_segmenter(folder / "members/a", **changes)
    with pytest.raises(UnreadableFileError, match=message):
        load_model(folder)


def test_other_members_are_refused(tmp_path, write_segmenter, write_classifier, mean_of):
    """Of the other task, twice the same, with a gate of its own, or damaged."""
    write_segmenter(tmp_path / "a")
    folder = mean_of(tmp_path / "a")
    change_card(folder, members=["members/a", "members/a"])
    with pytest.raises(UnreadableFileError, match="names a member twice"):
        load_model(folder)
    change_card(folder, members=["members/a"])
    gated = {"kind": "classifier", "folder": "gate", "threshold": 0.5, "rule": "by hand"}
    change_card(folder / "members/a", gate=gated)
    with pytest.raises(UnreadableFileError, match="has a gate of its own: only the whole may"):
        load_model(folder)
    change_card(folder / "members/a", gate=None)
    content = bytearray((folder / "members/a/model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "members/a/model.safetensors").unlink()
    (folder / "members/a/model.safetensors").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"members/a/model\.safet.*digest differs"):
        load_model(folder)
    shutil.rmtree(folder / "members/a")
    write_classifier(folder / "members/a")
    with pytest.raises(UnreadableFileError, match="of the task segment, its member a of classify"):
        load_model(folder)


def test_other_gates_are_refused(tmp_path, write_segmenter, write_classifier, mean_of):
    """A segmenter is no gate, a classifier has none, and a head must be there to be one."""
    write_segmenter(tmp_path / "a")
    folder = mean_of(tmp_path / "a")
    change_card(folder, gate=HEAD.model_dump())
    with pytest.raises(UnreadableFileError, match="expected a segmenter with a head for presence"):
        load_model(folder)
    gated = {"kind": "classifier", "folder": "members/a", "threshold": 0.5, "rule": "by hand"}
    change_card(folder, gate=gated)
    with pytest.raises(UnreadableFileError, match="of the task segment, with a gate of segment"):
        load_model(folder)
    for name in ("c", "c/gate"):
        write_classifier(tmp_path / name)
    change_card(tmp_path / "c", gate=gated | {"folder": "gate"})
    with pytest.raises(UnreadableFileError, match="of the task classify, with a gate of classify"):
        load_classifier(tmp_path / "c")
    change_card(folder, gate=gated | {"folder": "../c"})
    with pytest.raises(UnreadableFileError, match=r"'\.\./c', which is not a folder inside"):
        load_model(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"members": []},
        {"members": "members/a"},
        {"members": [3]},
        {"weights_sha256": "0" * 64},
        {"gate": {"kind": "classifier", "threshold": 0.5, "rule": ""}},
        {"gate": {"kind": "door", "threshold": 0.5, "rule": ""}},
    ],
)
def test_cards_that_contradict_themselves_are_one_line(tmp_path, write_segmenter, mean_of, changes):
    """A card is of one kind, and its gate whole."""
    write_segmenter(tmp_path / "a")
    folder = mean_of(tmp_path / "a")
    change_card(folder, **changes)
    with pytest.raises(DelineateError, match=r"model\.json") as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
