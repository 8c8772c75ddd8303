from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, UncertainMaskError, UnreadableFileError
from delineate.data.masks import classes_of, foreground_shares, settle_encodings, survey_masks
from delineate.data.opening import open_dataset
from delineate.files.mask_encoding import MaskEncoding


def save(path: Path, values) -> None:
    """Write a grey picture of these values, without loss where the ending allows it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


@pytest.fixture
def square() -> np.ndarray:
    """A 20x20 mask with a quarter of its pixels 1."""
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 1
    return mask


@pytest.fixture
def root(tmp_path, square) -> Path:
    """A folder with two 0/255 masks, the second one empty."""
    for name, mask in (("a", square * 255), ("b", square * 0)):
        save(tmp_path / f"data/images/{name}.png", np.full((20, 20), 90))
        save(tmp_path / f"data/masks/{name}.png", mask)
    return tmp_path / "data"


def test_certain_masks_settle(root):
    """Masks of 0 and 255 need no confirmation and hold background and foreground."""
    dataset = settle_encodings(open_dataset(root))
    assert str(dataset.encodings["reference"]) == "binary"
    assert [c.name for c in dataset.classes] == ["background", "foreground"]


def test_foreground_shares(root):
    """A quarter of the pixels is 0.25, an empty mask 0."""
    assert foreground_shares(settle_encodings(open_dataset(root))) == {"a": 0.25, "b": 0.0}


def test_uncertain_masks_are_refused_with_the_proposal(root, square):
    """JPEG masks are refused; the error names a file and what to confirm."""
    noisy = np.random.default_rng(0).integers(-9, 10, (20, 20))
    (root / "masks/a.png").unlink()
    save(root / "masks/a.jpg", np.clip(square * 255 + noisy, 0, 255))
    with pytest.raises(UncertainMaskError, match=r"masks/a\.jpg: .*--masks threshold:128"):
        settle_encodings(open_dataset(root))


def test_confirmed_masks_settle(root, square):
    """The same masks are taken once a person has confirmed how to read them."""
    (root / "masks/a.png").unlink()
    save(root / "masks/a.jpg", square * 255)
    dataset = settle_encodings(open_dataset(root, masks="threshold:128"))
    assert foreground_shares(dataset) == {"a": 0.25, "b": 0.0}


def test_observer_is_named_where_there_are_several(root, square):
    """With two observers the proposal says whose masks it is for."""
    (root / "masks").rename(root / "masks_anna")
    save(root / "masks_ben/a.jpg", square * 255)
    with pytest.raises(UncertainMaskError, match="--masks ben=threshold:128"):
        settle_encodings(open_dataset(root))


def test_observers_not_asked_for_may_be_uncertain(root, square):
    """Only the observers that are used need a settled encoding."""
    (root / "masks").rename(root / "masks_anna")
    save(root / "masks_ben/a.jpg", square * 255)
    dataset = settle_encodings(open_dataset(root), observers=["anna"])
    assert list(dataset.encodings) == ["anna"]


def test_most_classes_of_all_observers_count(root, square):
    """Where one observer drew three classes and another two, there are three."""
    (root / "masks").rename(root / "masks_anna")
    save(root / "masks_ben/a.png", square * 2)
    save(root / "masks_ben/b.png", square)
    assert len(settle_encodings(open_dataset(root)).classes) == 3


def test_confirmed_index_counts_its_classes(root, square):
    """Masks of 0 and 5 confirmed as indices hold six classes."""
    save(root / "masks/a.png", square * 5)
    assert len(settle_encodings(open_dataset(root, masks="index")).classes) == 6


def test_colour_table_names_the_classes(root, square):
    """A confirmed table of colours gives names and colours to the classes."""
    rgb = np.zeros((20, 20, 3), np.uint8)
    rgb[square == 1] = (200, 10, 10)
    save(root / "masks/a.png", rgb)
    table = root / "colours.csv"
    table.write_text("name,red,green,blue\nbackground,0,0,0\nnerve,200,10,10\n")
    dataset = settle_encodings(open_dataset(root, masks=f"colours:{table}"))
    assert [(c.name, c.colour) for c in dataset.classes] == [
        ("background", (0, 0, 0)),
        ("nerve", (200, 10, 10)),
    ]
    assert foreground_shares(dataset)["a"] == 0.25


def test_unreadable_mask_is_an_error(root):
    """A text file called .png stops settling with its name."""
    (root / "masks/b.png").write_text("no image")
    with pytest.raises(UnreadableFileError, match=r"masks/b\.png"):
        settle_encodings(open_dataset(root))


def test_survey_lists_unreadable_masks(root):
    """A survey goes on past a bad file and lists it."""
    (root / "masks/b.png").write_text("no image")
    survey = survey_masks(open_dataset(root))
    assert list(survey.unreadable) == [root / "masks/b.png"]
    assert survey.proposals["reference"].is_certain
    assert list(survey.findings) == [root / "masks/a.png"]


def test_no_masks_at_all(folder_of):
    """Settling masks of an observer who drew nothing is an error."""
    dataset = open_dataset(folder_of(["images/a.png", "masks/a.png"]))
    with pytest.raises(LayoutError, match="expected masks of observer nobody"):
        settle_encodings(dataset, observers=["nobody"])


def test_nothing_settled_has_no_classes(root):
    """Classes need a settled encoding."""
    dataset = open_dataset(root)
    assert classes_of(dataset, survey_masks(dataset)) == ()


def test_real_drive(shared_data):
    """DRIVE's observers are both certain, and a share of 8.7 % is vessel."""
    dataset = settle_encodings(open_dataset(shared_data / "drive"))
    shares = foreground_shares(dataset)
    assert len(dataset.classes) == 2
    assert np.mean([shares[s.id] for s in dataset.only("train").samples]) == pytest.approx(
        0.087, abs=0.001
    )
    second = foreground_shares(dataset, observer="2")
    assert len(second) == 20
    assert np.mean(list(second.values())) == pytest.approx(0.084, abs=0.001)


def with_own_encoding(root, values):
    """The data set whose second mask was replaced by one of indices."""
    save(root.parent / "given.png", values)
    opened = open_dataset(root)
    given = replace(opened.samples[1], masks={"reference": (root.parent / "given.png",)})
    return replace(
        opened,
        samples=(opened.samples[0], given),
        file_encodings={root.parent / "given.png": MaskEncoding.parse("index,ignore:255")},
    )


def test_a_file_of_its_own_encoding_speaks_for_no_other(root, square):
    """Indices in a replaced mask leave 0 and 255 certain, and are read as indices."""
    dataset = settle_encodings(with_own_encoding(root, square + 0))
    assert str(dataset.encodings["reference"]) == "binary"
    assert len(dataset.classes) == 2
    assert foreground_shares(dataset) == {"a": 0.25, "b": 0.25}


def test_classes_that_only_a_replaced_mask_holds_count(root, square):
    """A replaced mask may bring in a class that nobody drew before."""
    dataset = settle_encodings(with_own_encoding(root, square * 2))
    assert [c.name for c in dataset.classes] == ["background", "foreground", "class 2"]


def test_masks_that_are_all_replaced_need_no_other(root, square):
    """Where each mask has an encoding of its own nothing has to be proposed."""
    dataset = with_own_encoding(root, square)
    dataset = settle_encodings(replace(dataset, samples=dataset.samples[1:]))
    assert dataset.encodings == {}
    assert foreground_shares(dataset) == {"b": 0.25}
    assert len(dataset.classes) == 2
