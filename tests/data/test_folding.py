"""Folds keep subjects whole, are alike, and can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.core.errors import LayoutError, SettingsError
from delineate.data.folding import (
    fold_of,
    folds_by_subject,
    read_folds,
    require_same_samples,
    write_folds,
)
from delineate.data.sample import Dataset, Sample


def of(*subjects):
    """Samples s0, s1, ... of these subjects."""
    return [Sample(f"s{at}", Path(f"s{at}.png"), who) for at, who in enumerate(subjects)]


def parted(samples, count, *, seed=0, shares=None, together=()):
    """Folds in which all masks are alike unless said."""
    shares = shares or dict.fromkeys((s.id for s in samples), 0.1)
    return folds_by_subject(samples, count, seed=seed, shares=shares, together=together)


@settings(max_examples=50)
@given(
    subjects=st.lists(st.integers(0, 9), min_size=12, max_size=40),
    count=st.integers(2, 4),
    seed=st.integers(0, 99),
)
def test_every_sample_is_in_one_fold_with_all_of_its_subject(subjects, count, seed):
    """No subject is parted, every fold has somebody, and no sample is forgotten."""
    subjects = [*map(str, subjects), *"abcd"]  # so that there are enough to part
    samples = of(*subjects)
    folds = parted(samples, count, seed=seed)
    assert list(folds) == [sample.id for sample in samples]
    assert set(folds.values()) == set(range(1, count + 1))
    where = {}
    for sample in samples:
        assert where.setdefault(sample.subject, folds[sample.id]) == folds[sample.id]


def test_folds_are_alike():
    """Twelve subjects, a third of them without foreground, fall evenly on three folds."""
    samples = of(*"abcdefghijkl")
    shares = {s.id: 0.0 if at % 3 == 0 else 0.2 for at, s in enumerate(samples)}
    folds = parted(samples, 3, shares=shares)
    for fold in (1, 2, 3):
        own = [shares[id_] for id_, where in folds.items() if where == fold]
        assert (len(own), own.count(0.0)) in {(4, 1), (4, 2)}
    empty = [folds[id_] for id_, share in shares.items() if share == 0]
    assert sorted(empty).count(1) <= 2


def test_copies_stay_together():
    """Two subjects with one picture in common are in one fold, whatever the seed."""
    samples = of(*"abcdef")
    assert any(parted(samples, 3, seed=seed)["s0"] != parted(samples, 3, seed=seed)["s5"]
               for seed in range(8))  # fmt: skip
    for seed in range(8):
        folds = parted(samples, 3, seed=seed, together=[("s0", "s5")])
        assert folds["s0"] == folds["s5"]


def test_the_seed_decides():
    """One seed gives the same folds again, another gives others."""
    samples = of(*"abcdefghij")
    assert parted(samples, 3, seed=1) == parted(samples, 3, seed=1)
    assert any(parted(samples, 3, seed=1) != parted(samples, 3, seed=seed) for seed in (2, 3, 4))


@pytest.mark.parametrize("count", [-1, 0, 1, 21])
def test_numbers_of_folds_that_are_refused(count):
    """One fold leaves nothing to learn from, and too many take for ever."""
    with pytest.raises(SettingsError, match=f"--folds {count}: expected 2 to 20"):
        parted(of(*"abcdef"), count)


def test_too_few_subjects():
    """Copies that join subjects count: three subjects, two of them joined, make no three folds."""
    with pytest.raises(SettingsError, match="--folds 3: expected a subject at least for each fold, "
                                            "found 2 subjects"):  # fmt: skip
        parted(of("a", "b", "b", "c"), 3, together=[("s0", "s3")])


def test_a_fold_as_a_split():
    """Its own images validate, those of others train, and what is in no fold stays where it is."""
    samples = tuple(of("a", "b", "c"))
    samples = (*samples, Sample("t", Path("t.png"), "d", split="test"), Sample("n", Path("n.png")))
    dataset = Dataset(Path("root"), "folders", "", samples)
    assert fold_of(dataset, {"s0": 1, "s1": 2, "s2": 1}, 1) == {
        "s0": "validation",
        "s1": "train",
        "s2": "validation",
        "t": "test",
    }


def test_what_is_written_is_read(tmp_path):
    """A table of folds comes back as it was, subjects beside it for people to read."""
    dataset = Dataset(Path("root"), "folders", "", tuple(of("a", None, "c,d")))
    write_folds(tmp_path / "folds.csv", {"s0": 1, "s2": 12}, dataset)
    assert (tmp_path / "folds.csv").read_text() == 'id,subject,fold\ns0,a,1\ns2,"c,d",12\n'
    assert read_folds(tmp_path / "folds.csv") == {"s0": 1, "s2": 12}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,subject,fold\na,A,0\n", "row 2: expected a fold from 1 to 20, found '0'"),
        ("id,subject,fold\na,A,1\nb,B,x\n", "row 3: expected a fold from 1 to 20, found 'x'"),
        ("id,subject,fold\na,A,1\na,A,2\n", "row 3: id a stands there twice"),
        ("id,part\na,1\n", "expected the columns id, fold"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, said):
    """What somebody changed by hand is refused by its row."""
    (tmp_path / "folds.csv").write_text(text)
    with pytest.raises(LayoutError, match=said):
        read_folds(tmp_path / "folds.csv")


def test_folds_of_other_images():
    """Folds that lack an image, or name one that is not there, are refused."""
    samples = of("a", "b")
    require_same_samples({"s0": 1, "s1": 2}, samples)
    with pytest.raises(LayoutError, match="the folds lack s1; expected a fold for each image"):
        require_same_samples({"s0": 1}, samples)
    with pytest.raises(LayoutError, match="the folds name s7, which is not there"):
        require_same_samples({"s0": 1, "s1": 2, "s7": 1}, samples)
