"""Model folders made of whole model folders."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from delineate.core.errors import CannotWriteError, LayoutError, UnreadableFileError
from delineate.core.seeds import stream
from delineate.inference.classifier import load_classifier
from delineate.inference.composing import write_composed
from delineate.inference.model import load_model
from delineate.inference.model_folder import read_card


def image_of() -> np.ndarray:
    """A grey image of noise."""
    return stream(4, "image").integers(0, 256, (37, 50), np.uint8)


def files_of(folder) -> list[str]:
    """Every file, by its way from the folder."""
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


@pytest.fixture
def card(tmp_path, write_segmenter, composed_card):
    """A card with the one member `members/a`, which is in the folder `a`."""
    write_segmenter(tmp_path / "a")
    return composed_card(read_card(tmp_path / "a"), members=("members/a",))


def test_a_whole_folder_comes_and_nothing_beside_it(tmp_path, card):
    """Of a run its model is taken: weights, card and page, and no picture that lies beside."""
    run = tmp_path / "run"
    shutil.copytree(tmp_path / "a", run / "model")
    (run / "model/README.md").write_text("A member.")
    (run / "model/notes.txt").write_text("mine")
    write_composed(tmp_path / "c", card, members={"members/a": run}, page="A page.")
    assert files_of(tmp_path / "c") == [
        "README.md",
        "members/a/README.md",
        "members/a/model.json",
        "members/a/model.safetensors",
        "model.json",
    ]
    assert (tmp_path / "c/README.md").read_text() == "A page."
    assert read_card(tmp_path / "c") == card
    shutil.rmtree(run)
    alone = load_model(tmp_path / "a").probability(image_of())
    assert (load_model(tmp_path / "c").probability(image_of()) == alone).all()


def test_every_stage_can_be_taken_by_itself(two_stages, tmp_path):
    """Gate and members are whole models, also far from the others."""
    assert files_of(two_stages)[:3] == ["README.md", "gate/README.md", "gate/m/1/model.json"]
    shutil.move(two_stages / "gate", tmp_path / "elsewhere")
    assert load_classifier(tmp_path / "elsewhere").probability(image_of()) > 0
    assert load_model(two_stages / "segmenter/1").predict(image_of()).gate is None


def test_weights_take_no_room_twice(tmp_path, card):
    """The file of the weights is the same one; cards and pages are copies."""
    write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "a"}, page="")
    member = tmp_path / "c/members/a"
    assert (member / "model.safetensors").samefile(tmp_path / "a/model.safetensors")
    assert not (member / "model.json").samefile(tmp_path / "a/model.json")


def test_without_links_weights_are_copied(tmp_path, card, monkeypatch):
    """A disk that cannot have one file in two folders gets a second one."""

    def no_links(*_: object) -> None:
        raise PermissionError("links are not supported")

    monkeypatch.setattr(os, "link", no_links)
    write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "a"}, page="")
    copied = tmp_path / "c/members/a/model.safetensors"
    assert copied.read_bytes() == (tmp_path / "a/model.safetensors").read_bytes()
    assert not copied.samefile(tmp_path / "a/model.safetensors")


def test_what_stood_there_is_replaced(tmp_path, card, write_segmenter):
    """Written again with another member of the same name, nothing of the first remains."""
    write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "a"}, page="first")
    (tmp_path / "c/members/a/rest.txt").write_text("of the first")
    write_segmenter(tmp_path / "b", seed=2)
    write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "b"}, page="second")
    assert "members/a/rest.txt" not in files_of(tmp_path / "c")
    alone = load_model(tmp_path / "b").probability(image_of())
    assert (load_model(tmp_path / "c").probability(image_of()) == alone).all()


def test_what_does_not_fit_leaves_no_card(tmp_path, card, write_segmenter):
    """A folder in which something is wrong never becomes a model."""
    write_segmenter(tmp_path / "three", classes=3)
    write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "a"}, page="")
    with pytest.raises(UnreadableFileError, match="its member a has classes 0, 1, 2"):
        write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "three"}, page="")
    with pytest.raises(LayoutError, match="expected a run or a model folder"):
        load_model(tmp_path / "c")
    with pytest.raises(LayoutError, match="no such folder"):
        write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "none"}, page="")


def test_every_name_of_the_card_is_wanted(tmp_path, card):
    """Callers give a folder for each name of the card, and for no other."""
    with pytest.raises(ValueError, match=r"expected the models .*members/a.*, found \['a'\]"):
        write_composed(tmp_path / "c", card, members={"a": tmp_path / "a"}, page="")
    with pytest.raises(ValueError, match="found \\[\\]"):
        write_composed(tmp_path / "c", card, members={}, gate=tmp_path / "a", page="")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path, card):
    """A file in the way of the folder is named."""
    (tmp_path / "c").write_text("in the way")
    with pytest.raises(CannotWriteError, match="c: cannot be written"):
        write_composed(tmp_path / "c", card, members={"members/a": tmp_path / "a"}, page="")
