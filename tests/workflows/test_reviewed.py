"""Decisions applied before training and scoring, with the original files untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.core.checks import sha256_of_file
from delineate.core.errors import UnreadableFileError
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.workflows.reviewed import decided, review_words


def labels_of(dataset, id_):
    """The labels of one sample, whatever its file and encoding."""
    settled = settle_encodings(dataset)
    (sample,) = (s for s in settled.samples if s.id == id_)
    return read_labels(settled, sample, settled.observers[0])


def test_without_a_review_nothing_changes(tiny_set, tmp_path):
    """The data is what it was, and nothing is written anywhere."""
    dataset = open_dataset(tiny_set)
    with decided(dataset, None) as reviewed:
        assert reviewed.dataset is reviewed.original is dataset
        assert reviewed.document is None
        assert reviewed.placed_in(tmp_path) is reviewed
    assert list(tmp_path.iterdir()) == []


def test_decisions_are_applied_beside_the_originals(leaking_set, review_of, tmp_path):
    """Masks are united and images dropped in the data set, not in its folder."""
    before = {file: file.read_bytes() for file in leaking_set.rglob("*") if file.is_file()}
    audit = review_of(("flipped", "union"), ("s2_0", "drop"))
    dataset = open_dataset(leaking_set)
    with decided(dataset, audit) as reviewed:
        assert [sample.id for sample in reviewed.dropped] == ["s2_0"]
        united = labels_of(reviewed.dataset, "s5_1")
    assert np.array_equal(united[:, ::-1], labels_of(dataset, "s0_0"))
    assert not np.array_equal(united, labels_of(dataset, "s5_1"))
    assert {file: file.read_bytes() for file in before} == before


def test_placed_masks_outlive_the_block(leaking_set, review_of, tmp_path):
    """Masks and a copy of the log move to a folder, where they are read from then on."""
    audit = review_of(("flipped", "union"))
    with decided(open_dataset(leaking_set), audit / "review.sqlite") as reviewed:
        within = labels_of(reviewed.dataset, "s5_1")
        temporary = mask_of(reviewed.dataset, "s5_1").parent
        placed = reviewed.placed_in(tmp_path / "run")
    assert not temporary.exists()
    assert mask_of(placed.dataset, "s5_1").parent == tmp_path / "run" / "review"
    assert np.array_equal(labels_of(placed.dataset, "s5_1"), within)
    copy = tmp_path / "run" / "review" / "review.sqlite"
    assert sha256_of_file(copy) == reviewed.document["sha256"]
    assert sha256_of_file(copy) == sha256_of_file(audit / "review.sqlite")


def mask_of(dataset, id_) -> Path:
    """The mask file of one sample."""
    (sample,) = (s for s in dataset.samples if s.id == id_)
    return sample.masks[dataset.observers[0]][0]


def test_the_document_says_what_was_used(leaking_set, review_of):
    """Every decision stands there with its effect, and those that no longer apply with why."""
    audit = review_of(("flipped", "union"), ("s2_0", "drop"), ("gone", "drop"))
    said: list[str] = []

    class Listener:
        def say(self, text: str) -> None:
            """Remember it."""
            said.append(text)

    with decided(open_dataset(leaking_set), audit, progress=Listener()) as reviewed:
        document = reviewed.document
    assert document["file"] == str(audit)
    assert (document["dropped"], document["relabelled"]) == (["s2_0"], ["s5_1"])
    assert [each["is_applied"] for each in document["decisions"]] == [True, True, False]
    assert review_words(document) == (
        f"2 decisions of {audit}: 1 image left out, 1 image with another mask; "
        "1 decision not applicable"
    )
    assert said[0] == f"review: {review_words(document)}"
    assert said[1].startswith("decision 3 (drop) changes nothing: ")


def test_pictures_called_different_are_handed_on(leaking_set, review_of):
    """The gate must know who is no twin of whom."""
    with decided(open_dataset(leaking_set), review_of(("flipped", "not_a_twin"))) as reviewed:
        assert reviewed.not_twins == (frozenset({"s0_0", "s5_1"}),)


@pytest.mark.parametrize("content", [None, b"not a database at all", b""])
def test_something_else_is_no_review(tiny_set, tmp_path, content):
    """A missing file, a text and an empty file are refused in one line that names them."""
    file = tmp_path / "review.sqlite"
    if content is not None:
        file.write_bytes(content)
    with (
        pytest.raises(UnreadableFileError, match=r"review\.sqlite: expected"),
        decided(open_dataset(tiny_set), file),
    ):
        pass
