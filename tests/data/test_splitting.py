from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from delineate.core.errors import LayoutError, SettingsError
from delineate.data.placing import whole_groups
from delineate.data.sample import Dataset, Sample
from delineate.data.splitting import (
    apply_split,
    complete_split,
    hold_out,
    read_split,
    shared_subjects,
    split_by_subject,
    write_split,
)

HALVES = {"train": 0.5, "test": 0.5}


def dataset_of(subjects, split=None):
    """A dataset with one labelled sample for each name of a subject (None for nobody)."""
    samples = tuple(
        Sample(f"s{n}", Path(f"s{n}.png"), who, {"reference": (Path(f"m{n}.png"),)}, split=split)
        for n, who in enumerate(subjects)
    )
    return Dataset(Path("data"), "folders", "", samples)


def shares(dataset, value=0.1):
    """One share of foreground for every sample."""
    return {sample.id: value for sample in dataset.samples}


@settings(max_examples=60, deadline=None)
@given(
    who=st.lists(st.integers(0, 12), min_size=13, max_size=80),
    areas=st.lists(st.floats(0, 1), min_size=80, max_size=80),
    seed=st.integers(0, 5),
)
def test_no_subject_crosses_and_none_is_lost(who, areas, seed):
    """Whatever the subjects and areas, each sample has one split and no subject has two."""
    dataset = dataset_of([str(w) for w in [*who, 20, 21, 22]])
    facts = dict(zip((s.id for s in dataset.samples), [*areas, 0, 0, 0], strict=False))
    assignment = split_by_subject(dataset, seed=seed, facts=facts)
    assert list(assignment) == [s.id for s in dataset.samples]
    assert shared_subjects(apply_split(dataset, assignment).samples) == {}
    assert set(assignment.values()) == {"train", "validation", "test"}


@settings(max_examples=60, deadline=None)
@given(
    who=st.lists(st.none() | st.integers(0, 9).map(str), min_size=12, max_size=40),
    together=st.lists(st.sets(st.integers(0, 50), max_size=4), max_size=5),
    seed=st.integers(0, 3),
)
def test_copies_stay_together_with_their_subjects(who, together, seed):
    """Samples that must not be parted are on one side, and with them all of their subjects."""
    dataset = dataset_of([*who, "x", "y", "z"])
    ids = [{f"s{n}" for n in each} for each in together]
    assume(len(set(whole_groups(dataset.samples, ids).values())) >= 3)
    assignment = split_by_subject(dataset, seed=seed, facts=shares(dataset), together=ids)
    assert shared_subjects(apply_split(dataset, assignment).samples) == {}
    for each in ids:
        assert len({assignment[id_] for id_ in each if id_ in assignment}) <= 1


def test_chains_of_copies_join_subjects():
    """A copy of b and b of c keeps all three subjects in one group, and leaves others alone."""
    dataset = dataset_of(["a", "a", "b", "c", None])
    groups = whole_groups(dataset.samples, [("s1", "s2"), ("s2", "s3"), ("s4", "elsewhere")])
    assert len({groups[f"s{n}"] for n in range(4)}) == 1
    assert groups["s4"] == "sample:s4"


def test_too_few_groups_are_refused_when_copies_join_them():
    """Subjects that copies join count as one."""
    dataset = dataset_of(["a", "b", "c"])
    expected = r"2 subjects \(3 but for copies of one picture, .* cannot be parted into train, val"
    with pytest.raises(SettingsError, match=expected):
        split_by_subject(dataset, seed=0, facts=shares(dataset), together=[("s0", "s1")])


def test_fractions_are_followed():
    """Of a hundred single images, seventy train, fifteen validate and fifteen test."""
    dataset = dataset_of([None] * 100)
    counts = Counter(split_by_subject(dataset, seed=0, facts=shares(dataset)).values())
    assert counts == {"train": 70, "validation": 15, "test": 15}


def test_few_single_images_are_shared_by_fractions():
    """Of twenty photographs three validate and three test."""
    dataset = dataset_of([str(n) for n in range(20)])
    counts = Counter(split_by_subject(dataset, seed=3, facts=shares(dataset)).values())
    assert counts == {"train": 14, "validation": 3, "test": 3}


@pytest.mark.parametrize("seed", range(5))
def test_empty_masks_are_spread(seed):
    """With half of the masks empty, each part has half of them empty."""
    dataset = dataset_of([str(n // 2) for n in range(200)])
    facts = {s.id: 0.0 if n // 2 % 2 else 0.1 for n, s in enumerate(dataset.samples)}
    assignment = split_by_subject(dataset, seed=seed, facts=facts)
    for part in ("train", "validation", "test"):
        empty = [facts[id_] == 0 for id_, split in assignment.items() if split == part]
        assert abs(np.mean(empty) - 0.5) < 0.08


@pytest.mark.parametrize("seed", range(5))
def test_areas_are_spread(seed):
    """Small and large foregrounds stand on both sides in like numbers."""
    dataset = dataset_of([None] * 60)
    facts = {s.id: 0.01 if n < 30 else 0.5 for n, s in enumerate(dataset.samples)}
    assignment = split_by_subject(dataset, fractions=HALVES, seed=seed, facts=facts)
    large = Counter(split for id_, split in assignment.items() if facts[id_] == 0.5)
    assert large == {"train": 15, "test": 15}


def test_seed_decides():
    """The same seed gives the same split, another seed another."""
    dataset = dataset_of([str(n) for n in range(30)])
    first = split_by_subject(dataset, seed=1, facts=shares(dataset))
    assert split_by_subject(dataset, seed=1, facts=shares(dataset)) == first
    assert split_by_subject(dataset, seed=2, facts=shares(dataset)) != first


def test_as_many_subjects_as_parts():
    """Three subjects of very different size still fill three parts."""
    dataset = dataset_of(["a"] * 50 + ["b"] + ["c"])
    assignment = split_by_subject(dataset, seed=0, facts=shares(dataset))
    assert assignment["s0"] == "train"
    assert {assignment["s50"], assignment["s51"]} == {"validation", "test"}


def test_too_few_subjects_are_refused():
    """Two subjects cannot fill three parts, however many images they have."""
    dataset = dataset_of(["a"] * 50 + ["b"] * 50)
    with pytest.raises(SettingsError, match="2 subjects cannot be parted into train, validation"):
        split_by_subject(dataset, seed=0, facts=shares(dataset))


def test_part_with_no_share_is_not_made():
    """A fraction of zero asks for no part at all."""
    dataset = dataset_of(["a", "b"])
    fractions = {"train": 0.5, "validation": 0.0, "test": 0.5}
    assignment = split_by_subject(dataset, fractions=fractions, seed=0, facts=shares(dataset))
    assert sorted(assignment.values()) == ["test", "train"]


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"train": 0.5, "test": 0.6}, "expected a sum of 1"),
        ({"train": 1.5, "test": -0.5}, "expected numbers from 0 to 1"),
        ({"train": 0.5, "holdout": 0.5}, "found holdout"),
    ],
)
def test_wrong_fractions_are_refused(fractions, message):
    """Fractions must be of known parts, from 0 to 1, and add to 1."""
    dataset = dataset_of(["a", "b"])
    with pytest.raises(SettingsError, match=message):
        split_by_subject(dataset, fractions=fractions, seed=0, facts=shares(dataset))


def test_images_without_masks_are_refused():
    """An image without a mask cannot be split for training: the error counts and names it."""
    dataset = dataset_of(["a", "b", "c", "d"])
    bare = Sample("x", Path("x.png"), "e")
    dataset = replace(dataset, samples=(*dataset.samples, bare))
    with pytest.raises(LayoutError, match=r"1 of 5 images: .* x\.png"):
        split_by_subject(dataset, seed=0, facts=shares(dataset))


def test_unlabelled_test_folder_stays_out():
    """Images without masks that the folder calls test are in no part."""
    dataset = dataset_of(["a", "b", "c", "d"])
    bare = Sample("x", Path("x.png"), "e", split="test")
    dataset = replace(dataset, samples=(*dataset.samples, bare))
    assert "x" not in split_by_subject(dataset, seed=0, facts=shares(dataset))


def test_held_out_subjects_leave_train_whole():
    """Holding out moves whole subjects of train to validation and leaves test alone."""
    train = dataset_of([str(n // 2) for n in range(20)], split="train")
    test = Sample("t", Path("t.png"), "99", {"reference": (Path("t_m.png"),)}, split="test")
    dataset = replace(train, samples=(*train.samples, test))
    assignment = hold_out(dataset, fraction=0.2, seed=0, facts=shares(train))
    assert Counter(assignment.values()) == {"train": 16, "validation": 4, "test": 1}
    assert shared_subjects(apply_split(dataset, assignment).samples) == {}


@pytest.mark.parametrize("fraction", [0, 1, -0.1])
def test_nothing_or_all_cannot_be_held_out(fraction):
    """A fraction to hold out lies between 0 and 1."""
    dataset = dataset_of(["a", "b"], split="train")
    with pytest.raises(SettingsError, match="expected a number between 0 and 1"):
        hold_out(dataset, fraction=fraction, seed=0, facts=shares(dataset))


def test_shared_subjects_have_their_parts():
    """A subject in train and test is named with both."""
    samples = [Sample(f"{n}", Path("a"), "P7", split=s) for n, s in enumerate(["test", "train"])]
    assert shared_subjects(samples) == {"P7": ("train", "test")}


def test_unknown_subjects_leak_nothing():
    """Samples of nobody are each their own."""
    samples = [Sample(f"{n}", Path("a"), None, split=s) for n, s in enumerate(["test", "train"])]
    assert shared_subjects(samples) == {}


def test_split_round_trip(tmp_path):
    """A written split reads back, with ids that hold commas and quotes."""
    dataset = dataset_of(["a,b", 'c"d', None])
    assignment = {"s0": "train", "s1": "test", "s2": "validation"}
    write_split(tmp_path / "split.csv", assignment, dataset)
    assert read_split(tmp_path / "split.csv") == assignment


def test_split_of_other_data_is_refused():
    """A split that names samples that are not here is refused."""
    with pytest.raises(LayoutError, match=r"names 1 sample not in the data \(zz\)"):
        apply_split(dataset_of(["a"]), {"zz": "train"})


def test_samples_outside_of_the_split_have_none():
    """What the assignment leaves out belongs to no split, whatever the folder said."""
    dataset = apply_split(dataset_of(["a", "b"], split="test"), {"s0": "train"})
    assert [s.split for s in dataset.samples] == ["train", None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,split\na,train\na,test\n", "row 3: id a stands there twice"),
        ("id,split\na,holdout\n", "row 2: expected the split train, validation or test"),
        ("name,split\na,train\n", "expected the columns id, split, found name, split; add id"),
        ("", "found nothing"),
        ("id,split\na\n", "row 2: expected 2 cells, found 1"),
    ],
)
def test_wrong_split_files_name_the_row(tmp_path, text, message):
    """A split file that cannot be believed is refused with its row."""
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(LayoutError, match=message):
        read_split(path)


def test_spreadsheet_split_is_read(tmp_path):
    """A byte-order mark, semicolons and empty rows, as spreadsheets write them, are no obstacle."""
    path = tmp_path / "split.csv"
    path.write_bytes("\ufeffid;split\r\na;train\r\n;\r\n".encode())
    assert read_split(path) == {"a": "train"}


def test_binary_split_is_refused(tmp_path):
    """Something that is no text is refused as such."""
    path = tmp_path / "split.csv"
    path.write_bytes(b"\xff\xfe\x00id")
    with pytest.raises(LayoutError, match="expected a CSV in UTF-8"):
        read_split(path)


@pytest.fixture
def labelled(tmp_path):
    """A function that makes a dataset whose masks are there: every second one is empty."""

    def make(splits, *, unlabelled=()):
        samples = []
        for number, split in enumerate([*splits, *unlabelled]):
            image, mask = tmp_path / f"{number}.png", tmp_path / f"{number}_mask.png"
            values = np.zeros((4, 4), np.uint8)
            Image.fromarray(values).save(image)
            values[: number % 2] = 255
            Image.fromarray(values).save(mask)
            masks = {} if number >= len(splits) else {"reference": (mask,)}
            samples.append(Sample(f"s{number}", image, None, masks, split=split))
        return Dataset(tmp_path, "folders", "", tuple(samples))

    return make


def parts_of(made):
    """How many samples each part has."""
    return Counter(sample.split for sample in made.dataset.samples)


def asked(groups, seen):
    """A function that says who must stay together, and notes of whom it was asked."""

    def together(samples):
        seen.append([sample.id for sample in samples])
        return groups

    return together


def test_a_stated_split_is_kept(labelled):
    """Where train and validation are stated nothing is placed, and nobody is asked for copies."""
    dataset, seen = labelled(["train"] * 4 + ["validation"] * 2), []
    made = complete_split(dataset, seed=0, together=asked([], seen))
    assert made.dataset == dataset
    assert (made.origin, made.is_as_stated, seen) == ("as the data states it", True, [])


def test_a_missing_validation_is_taken_from_train(labelled):
    """Only training samples are looked at, and copies move together."""
    dataset, seen = labelled(["train"] * 10 + ["test"] * 2), []
    pairs = [(f"s{n}", f"s{n + 1}") for n in range(0, 10, 2)]
    made = complete_split(dataset, seed=0, held_out=0.2, together=asked(pairs, seen))
    assert parts_of(made) == {"train": 8, "validation": 2, "test": 2}
    assert seen == [[f"s{n}" for n in range(10)]]
    split = {sample.id: sample.split for sample in made.dataset.samples}
    assert all(split[one] == split[other] for one, other in pairs)
    assert set(made.shares) == set(seen[0])
    assert made.origin == "train and test as the data states, with validation taken from train"


def test_data_without_a_split_is_split_anew(labelled):
    """Three parts are made; an unlabelled test folder stays out of them."""
    dataset = labelled([None] * 20, unlabelled=["test"])
    made = complete_split(dataset, seed=0)
    assert parts_of(made) == {"train": 14, "validation": 3, "test": 3, None: 1}
    assert (made.origin, made.is_as_stated) == ("made anew", False)


def test_a_lone_train_is_trusted_or_not(labelled):
    """All in train: validation is taken from it, or it counts as no split at all."""
    dataset = labelled(["train"] * 20)
    assert parts_of(complete_split(dataset, seed=0)) == {"train": 16, "validation": 4}
    made = complete_split(dataset, seed=0, trusts_lone_train=False)
    assert parts_of(made) == {"train": 14, "validation": 3, "test": 3}


def test_no_share_for_validation_takes_none(labelled):
    """Where the fractions ask for no validation, train and test stay as they are stated."""
    dataset = labelled(["train"] * 4 + ["test"] * 2)
    made = complete_split(dataset, fractions={"train": 0.8, "test": 0.2}, seed=0)
    assert made.dataset == dataset


def test_labelled_test_images_alone_are_no_split(labelled):
    """Without anything to train on, the error says how to split anew."""
    with pytest.raises(LayoutError, match=r"for train, found them only for test; .*--fresh"):
        complete_split(labelled(["test"] * 4), seed=0)


def test_train_images_without_masks_are_refused(labelled):
    """They can be placed nowhere, whether a split is stated or not."""
    with pytest.raises(LayoutError, match="1 of 5 images: expected a mask"):
        complete_split(labelled([None] * 4, unlabelled=[None]), seed=0)
    with pytest.raises(LayoutError, match="1 of 5 images: expected a mask"):
        complete_split(labelled(["train"] * 4, unlabelled=["train"]), seed=0)
