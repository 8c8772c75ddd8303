"""The gate: copies and subjects on both sides of a split are found, named and refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LeakageError
from delineate.data.opening import open_dataset
from delineate.data.sample import Dataset, Sample
from delineate.data.splitting import apply_split, read_split
from delineate.workflows import leakage
from delineate.workflows.leakage import Gate, find_split_leaks, leak_document, leaked_cases


@pytest.fixture
def leaking(leaking_set) -> Dataset:
    """The set under the split that parts its copies; nobody knows whose images they are."""
    return apply_split(open_dataset(leaking_set), read_split(leaking_set.parent / "split.csv"))


def by_kind(leaks) -> dict[str, list[tuple[str, ...]]]:
    """Kind to the samples of each leak."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for leak in leaks:
        found.setdefault(leak.kind, []).append(tuple(sorted(leak.samples)))
    return found


def seen_through(dataset, *splits, **options):
    """The leaks between these splits, none refused."""
    return find_split_leaks(dataset, splits, gate=Gate(), is_allowed=True, **options)


def test_files_and_flipped_copies_are_found(leaking):
    """One file under two names and a flipped copy are each told once, as what they are."""
    leaks = seen_through(leaking, "train", "validation", "test")
    assert by_kind(leaks) == {
        "leaked_file": [("s1_0", "s4_0")],
        "leaked_twins": [("s0_0", "s5_1")],
    }
    assert leaked_cases(leaks, "test") == {"s4_0", "s5_1"}
    assert leaked_cases(leaks, "train") == {"s0_0", "s1_0"}


def test_the_refusal_says_what_and_what_to_do(leaking):
    """How many of each kind, which, in which splits, and both ways on, in one line."""
    with pytest.raises(LeakageError) as refusal:
        find_split_leaks(leaking, ("train", "test"), gate=Gate())
    text = str(refusal.value)
    assert "\n" not in text
    assert "1 image file on both sides: s1_0 (train) and s4_0 (test)" in text
    assert "1 picture with copies on both sides: s0_0 (train) and s5_1 (test)" in text
    assert "delineate split DATA --fresh" in text
    assert "--allow-leakage" in text


def test_only_splits_that_are_used_are_compared(leaking):
    """Without the test split there is no leak; one split alone is not even looked at."""
    assert seen_through(leaking, "train", "validation") == ()
    gone = tuple(replace(s, image=Path("gone")) for s in leaking.samples)
    assert seen_through(replace(leaking, samples=gone), "test") == ()


def test_only_what_leaks_into_the_scored_split_counts(leaking):
    """A copy in train and test does not leak into validation."""
    assert seen_through(leaking, "train", "validation", "test", into="validation") == ()
    assert len(seen_through(leaking, "train", "validation", "test", into="test")) == 2


def test_subjects_are_refused_before_any_image_is_opened(leaking):
    """Where a subject leaks, the error comes at once."""
    samples = tuple(replace(s, subject="P7", image=Path("gone")) for s in leaking.samples)
    with pytest.raises(LeakageError, match=r"1 subject on both sides .* P7 \(in train and test\)"):
        find_split_leaks(replace(leaking, samples=samples), ("train", "test"), gate=Gate())


def test_a_subject_made_of_copies_is_not_told_twice(leaking):
    """Copies with a subject of their own are one leak; a subject with more images is another."""
    names = {"s0_0": "twins", "s5_1": "twins", "s1_0": "P1", "s4_0": "P1", "s4_1": "P1"}
    samples = tuple(replace(s, subject=names.get(s.id)) for s in leaking.samples)
    leaks = seen_through(replace(leaking, samples=samples), "train", "test")
    assert by_kind(leaks)["leaked_subject"] == [("s1_0", "s4_0", "s4_1")]
    assert by_kind(leaks)["leaked_twins"] == [("s0_0", "s5_1")]


def test_images_without_masks_are_left_out(leaking):
    """What is neither trained on nor scored cannot leak."""
    samples = tuple(replace(s, masks={}) if s.split == "test" else s for s in leaking.samples)
    assert seen_through(replace(leaking, samples=samples), "train", "test") == ()


def test_images_that_a_table_labels_are_looked_at(leaking):
    """Without any mask, what a table of image labels names is compared, and nothing else."""
    bare = tuple(replace(s, masks={}) for s in leaking.samples)
    every = dict.fromkeys((s.id for s in bare), True)
    leaks = seen_through(replace(leaking, samples=bare, image_labels=every), "train", "test")
    assert by_kind(leaks) == {"leaked_file": [("s1_0", "s4_0")], "leaked_twins": [("s0_0", "s5_1")]}
    fewer = {id_: label for id_, label in every.items() if id_ != "s4_0"}
    leaks = seen_through(replace(leaking, image_labels=fewer), "train", "test")
    assert by_kind(leaks) == {"leaked_twins": [("s0_0", "s5_1")]}


def test_pictures_that_are_no_twins_may_be_parted(leaking):
    """What somebody has called different pictures is no leak; the same file stays one."""
    denied = (frozenset({"s0_0", "s5_1"}), frozenset({"s1_0", "s4_0"}))
    gate = Gate(not_twins=denied)
    leaks = find_split_leaks(leaking, ("train", "test"), gate=gate, is_allowed=True)
    assert by_kind(leaks) == {"leaked_file": [("s1_0", "s4_0")]}


def test_copies_are_named_for_a_new_split(leaking):
    """Every group of copies by its ids, whatever the splits; of one image there are none."""
    groups = Gate().together(leaking.samples)
    assert sorted(map(sorted, groups)) == [["s0_0", "s5_1"], ["s1_0", "s4_0"]]
    assert Gate().together(leaking.samples[:1]) == []


def test_copies_are_looked_for_once(leaking, monkeypatch):
    """What the gate has compared it does not compare again to keep copies together."""
    gate = Gate()
    find_split_leaks(leaking, ("train", "validation", "test"), gate=gate, is_allowed=True)
    monkeypatch.setattr(Gate, "copies", None)
    assert sorted(gate.together(leaking.samples)) == [("s0_0", "s5_1"), ("s1_0", "s4_0")]
    train = [sample for sample in leaking.samples if sample.split == "train"]
    assert gate.together(train) == []


def empty_frames(folder: Path, splits) -> Dataset:
    """Black images, as scanners leave them, one a split."""
    samples = []
    for number, split in enumerate(splits):
        file = folder / f"{number}.png"
        Image.fromarray(np.zeros((20, 20), np.uint8)).save(file)
        samples.append(Sample(f"{number}", file, None, {"1": (file,)}, split=split))
    return Dataset(folder, "folders", "", tuple(samples))


def test_empty_frames_are_no_copies(tmp_path):
    """Black images are all alike: they neither leak nor tie those together who have them."""
    dataset = empty_frames(tmp_path, ["train", "train", "test"])
    assert seen_through(dataset, "train", "test") == ()
    assert Gate().together(dataset.samples) == []


def test_an_image_that_cannot_be_read_does_not_stop_the_gate(leaking, tmp_path):
    """Damaged files are told elsewhere; the others are compared all the same."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n")
    images = {"s2_0": broken, "s4_1": broken}
    samples = tuple(replace(s, image=images.get(s.id, s.image)) for s in leaking.samples)
    leaks = seen_through(replace(leaking, samples=samples), "train", "test")
    assert len(leaks) == 2


def test_other_data_leaks_by_files_and_copies_alone(leaking):
    """Images of another set, or copies of them, are found; its subjects say nothing."""
    cases = [replace(s, subject="P") for s in leaking.samples if s.split == "test"]
    seen = [replace(s, subject="P") for s in leaking.samples if s.split == "train"]
    leaks = Gate().leaks_from("run's data", seen, cases)
    assert by_kind(leaks) == {
        "leaked_file": [("run's data:s1_0", "s4_0")],
        "leaked_twins": [("run's data:s0_0", "s5_1")],
    }
    assert leaked_cases(leaks, "test") == {"s4_0", "s5_1"}
    assert leakage.in_words(leaks).startswith(
        "1 image file on both sides: s4_0 (this data) and run's data:s1_0 (run's data)"
    )
    assert Gate().leaks_from("x", (), cases) == Gate().leaks_from("x", seen, ()) == ()


def test_the_document_counts_and_names(leaking):
    """In JSON each leak has its samples with their splits."""
    document = leak_document(seen_through(leaking, "train", "test"))
    assert document["counts"] == {"leaked_file": 1, "leaked_twins": 1}
    assert document["found"][0]["samples"] == {"s1_0": "train", "s4_0": "test"}


def test_a_second_look_decodes_nothing(leaking, monkeypatch, tmp_path):
    """What was seen of an image is kept by its content, so that the gate is cheap."""
    gate = Gate(cache=tmp_path / "cache")
    _, first = gate.copies(leaking.samples)

    def refuse(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("delineate.auditing.pictures.gallery.look", refuse)
    monkeypatch.setattr("delineate.workflows.copies.find_twins", refuse)
    gallery, groups = Gate(cache=tmp_path / "cache").copies(leaking.samples)
    assert len(gallery) == 12
    assert [group.members for group in groups] == [group.members for group in first]


def test_a_spoiled_cache_is_not_believed(leaking, tmp_path):
    """A torn file of copies is made anew, and one that cannot be written costs only time."""
    gate = Gate(cache=tmp_path / "cache")
    groups = [group.members for group in gate.copies(leaking.samples)[1]]
    (file,) = (tmp_path / "cache" / "copies").iterdir()
    file.write_text('{"schema": "delin')
    assert [group.members for group in gate.copies(leaking.samples)[1]] == groups
    assert '"pairs"' in file.read_text()
    shutil.rmtree(file.parent)
    file.parent.write_text("in the way")
    assert [group.members for group in gate.copies(leaking.samples)[1]] == groups


def test_another_image_is_another_search(leaking, leaking_set, tmp_path):
    """What is kept belongs to the contents: a new picture is compared with the others."""
    gate = Gate(cache=tmp_path / "cache")
    gate.copies(leaking.samples)
    file = tmp_path / "turned.png"
    with Image.open(leaking_set / "images" / "s2_0.png") as picture:
        picture.rotate(180).save(file)
    samples = [replace(s, image=file) if s.id == "s3_0" else s for s in leaking.samples]
    gallery, groups = gate.copies(samples)
    names = [tuple(gallery.name(member) for member in group.members) for group in groups]
    assert ("s2_0", "s3_0") in names
