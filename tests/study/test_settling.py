"""What the demo decides, and how it marks an audit against what was planted."""

from __future__ import annotations

import csv

from delineate.data.phantoms.faults import Planted
from delineate.study.planted import marked
from delineate.study.settling import write_decisions


def finding(kind, *samples, splits=None):
    """A finding of an audit's document, in train unless said otherwise."""
    evidence = {"splits": splits or ["train"] * len(samples)}
    return {"id": f"{kind}-{samples[0]}", "kind": kind, "samples": samples, "evidence": evidence}


def decided(path, *findings):
    """Finding -> action and sample, as written."""
    write_decisions(path, {"findings": findings})
    with path.open(newline="") as file:
        return {row["finding"]: (row["action"], row["sample"]) for row in csv.DictReader(file)}


def test_copies_across_splits_stay_in_train(tmp_path):
    """Of a copy in test and train the one in train is kept, and decided on once."""
    leak = finding("leaked_file", "t", "a", splits=["test", "train"])
    twins = finding("twins", "t", "a", splits=["test", "train"])
    assert decided(tmp_path / "d.csv", twins, leak) == {"leaked_file-t": ("keep_one", "a")}


def test_a_shared_subject_loses_its_test_images(tmp_path):
    """Images of test go, those of train stay."""
    leak = finding("leaked_subject", "a", "b", "c", splits=["train", "test", "test"])
    assert decided(tmp_path / "d.csv", leak) == {"leaked_subject-a": ("drop", "b|c")}


def test_contradictions_are_united(tmp_path):
    """Contradictory masks get their union, agreeing copies are kept once, the rest is left."""
    found = decided(
        tmp_path / "d.csv",
        finding("contradictory_twins", "a", "b"),
        finding("twins", "c", "d"),
        finding("unusual_mask", "e"),
    )
    assert found == {"contradictory_twins-a": ("union", ""), "twins-c": ("keep_one", "c")}


def test_a_fault_is_found_by_a_finding_that_names_all_of_it():
    """Half a pair, or a finding of another kind, does not count."""
    fault = Planted("contradictory_mask", ("a", "b"), (), "", {})
    document = {"findings": [finding("twins", "a", "b"), finding("contradictory_twins", "a", "c")]}
    assert not marked([fault], document)[0].is_found
    document["findings"].append(finding("contradictory_twins", "c", "b", "a"))
    (found,) = marked([fault], document)
    assert found.findings == ("contradictory_twins-c",)


def test_a_sequence_is_no_fault():
    """Look-alike frames are there to be passed over."""
    assert marked([Planted("sequence", ("a", "b"), (), "", {})], {"findings": []}) == ()
