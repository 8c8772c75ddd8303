"""How samples lie on each other, in the evidence of findings about copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.auditing.copies.records import SAME_PLACE, Transform, Twin, TwinGroup
from delineate.auditing.findings.copy_maps import CopyMaps, has_maps
from delineate.auditing.findings.finding import Finding
from delineate.data.sample import Sample

MIRRORED = (-1.0, 0.0, 99.0, 0.0, 1.0, 0.0)  # of 100 columns
DOUBLED = (2.0, 0.0, 0.5, 0.0, 2.0, 0.5)
SAMPLES = [Sample(name, Path(f"{name}.png")) for name in ("a", "b", "c", "d", "e")]


def twin(first: int, second: int) -> Twin:
    """A pair of copies, brighter in the second one."""
    made = Transform("upright", SAME_PLACE, 1.0, 5.0, ("tone",), "brighter")
    return Twin(first, second, made, 0.5, 0.99, is_same_file=False)


@pytest.fixture
def maps() -> CopyMaps:
    """`a` mirrored is `b`, and twice as large `d`; `c` and `e` are another picture."""
    group = TwinGroup((0, 1, 3), (twin(0, 1), twin(1, 3)), (SAME_PLACE, MIRRORED, DOUBLED))
    return CopyMaps([group, TwinGroup((2, 4), (twin(2, 4),), (SAME_PLACE, SAME_PLACE))], SAMPLES)


def test_maps_lead_from_the_first_sample_named(maps: CopyMaps) -> None:
    """Without the first of the group: column 10 of `b` is 89 of `a`, hence 178.5 of `d`."""
    evidence = maps.evidence(("b", "d"))
    same, there = (np.reshape(each, (2, 3)) for each in evidence["matrices"])
    assert same.ravel().tolist() == list(SAME_PLACE)
    np.testing.assert_allclose(there @ [10, 7, 1], [2 * 89 + 0.5, 14.5])
    assert [(each["first"], each["second"]) for each in evidence["twins"]] == [("b", "d")]


def test_the_order_is_that_of_the_samples(maps: CopyMaps) -> None:
    """Row k is the map to sample k, whatever the order of the group."""
    evidence = maps.evidence(("d", "a", "b"))
    _, to_a, to_b = (np.reshape(each, (2, 3)) for each in evidence["matrices"])
    np.testing.assert_allclose(to_a @ [20.5, 10.5, 1], [10, 5])
    np.testing.assert_allclose(to_b @ [20.5, 10.5, 1], [89, 5])
    assert len(evidence["twins"]) == 2


def test_samples_of_several_pictures_have_no_maps(maps: CopyMaps) -> None:
    """Nor have those that copy nothing."""
    assert maps.evidence(("a", "b", "c")) == {}
    assert CopyMaps([], SAMPLES).evidence(("a", "b")) == {}


def test_maps_must_be_there_for_each_sample() -> None:
    """A finding of an earlier audit says nothing, one with a map too few no more."""
    for matrices, expected in (([], False), ([SAME_PLACE], False), ([SAME_PLACE] * 2, True)):
        finding = Finding("leaked_twins", ("a", "b"), "", {"matrices": matrices})
        assert has_maps(finding) is expected
    assert not has_maps(Finding("leaked_twins", ("a", "b"), ""))
