"""Marking a search for copies against what was planted."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from delineate.data.phantoms.writing import write_ultrasound

SIZE = (84, 116)
KINDS = [
    "twin", "flipped_twin", "contradictory_mask", "turned_twin", "cropped_twin", "sequence",
]  # fmt: skip


def _module():
    """The benchmarks are no installed package: the file is loaded by its path."""
    path = Path(__file__).parents[2] / "benchmarks" / "audit_marking.py"
    spec = spec_from_file_location("audit_marking", path)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


marking = _module()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory):
    """A small set with a few faults of each sort, and its truth."""
    folder = tmp_path_factory.mktemp("marking") / "set"
    made = write_ultrasound(
        folder, subjects=2, images_per_subject=10, seed=4, faults=KINDS, size_px=SIZE
    )
    return made, marking.truth_of(folder)


def test_copies_are_pairs_and_sequences_are_none(planted) -> None:
    """Five copies in four columns; ten pairs of the five frames of the sequence."""
    _, truth = planted
    assert truth.columns == {"identical": 2, "flipped": 1, "turned": 1, "cropped": 1}
    assert len(truth.look_alikes) == 10
    assert len(truth.dice) == 1


def test_everything_found_and_nothing_else_is_full_recall(planted) -> None:
    """A pair in either order, or named twice, counts once."""
    _, truth = planted
    found = [tuple(pair) for pair in truth.pairs]
    mark = marking.marked(truth, found + [pair[::-1] for pair in found])
    assert mark.found == mark.planted
    assert mark.false == 0
    assert "5/5 found; 0 false pairs" in str(mark)


def test_false_pairs_and_frames_of_one_sequence_are_counted_apart(planted) -> None:
    """A missed copy lowers its column; a sequence found is a false pair, and said so."""
    _, truth = planted
    found = [pair for pair, column in truth.pairs.items() if column != "flipped"]
    mark = marking.marked(truth, [*found, next(iter(truth.look_alikes)), ("1_1", "none")])
    assert mark.found["flipped"] == 0
    assert (mark.false, mark.false_in_sequence) == (2, 1)
    assert "flipped 0/1" in str(mark)
    assert "2 false pairs, 1 of them frames of one sequence" in str(mark)


def test_planted_maps_fit_themselves_in_both_directions(planted) -> None:
    """The inverse map of the reversed pair is as good; a pixel aside is a pixel of error."""
    _, truth = planted
    errors = marking.map_errors_px(truth, truth.maps)
    assert set(errors) == set(truth.columns)
    assert max(worst for _, worst in errors.values()) == 0

    reversed_maps = {}
    for (first, second), matrix in truth.maps.items():
        full = np.vstack([np.reshape(matrix, (2, 3)), [0, 0, 1]])
        reversed_maps[second, first] = tuple(np.linalg.inv(full)[:2].ravel())
    errors = marking.map_errors_px(truth, reversed_maps)
    assert max(worst for _, worst in errors.values()) < 1e-9

    aside = {pair: (*matrix[:2], matrix[2] + 1, *matrix[3:]) for pair, matrix in truth.maps.items()}
    assert marking.map_errors_px(truth, aside)["flipped"] == pytest.approx((1, 1))


def test_maps_of_missing_pairs_are_left_out(planted) -> None:
    """Nothing found, no errors."""
    _, truth = planted
    assert marking.map_errors_px(truth, {}) == {}
