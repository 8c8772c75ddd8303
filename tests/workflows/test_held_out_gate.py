"""The members' own heads as gate: every choice counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from delineate.core.progress import SILENT
from delineate.core.types import default_classes
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.files.mask_files import write_probability
from delineate.inference.model_card import Threshold
from delineate.workflows.held_out_gate import HeldOutGate, held_out_gate
from delineate.workflows.held_out_scores import HeldOutScores
from delineate.workflows.out_of_fold import OutOfFold

# Of each image its fold, whether there is something to find, and what the head said of it.
SAID = (
    *((1, True, 0.7), (1, True, 0.8), (1, False, 0.1), (1, False, 0.2)),
    *((2, True, 0.4), (2, True, 0.9), (2, False, 0.3), (2, False, 0.95)),
)


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """A set of eight images, each with a block of 0.9 where the mask is or would be."""
    root = tmp_path_factory.mktemp("gated")
    for folder in ("images", "masks", "maps"):
        (root / folder).mkdir()
    block = np.zeros((8, 8), bool)
    block[2:5, 2:6] = True
    cases = []
    for number, (fold, is_positive, presence) in enumerate(SAID):
        name = f"p{number}"
        shades = np.arange(64, dtype=np.uint8).reshape(8, 8) + number
        Image.fromarray(shades).save(root / "images" / f"{name}.png")
        mask = (block & is_positive).astype(np.uint8) * 255
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
        file = root / "maps" / f"{name}_prob.png"
        write_probability(file, np.where(block, np.float32(0.9), np.float32(0.1)))
        cases.append(OutOfFold(name, None, fold, (file,), presence))
    dataset = settle_encodings(open_dataset(root), progress=SILENT)
    return replace(dataset, classes=default_classes(2)), tuple(cases)


def _gate(looked, cuts=None, *, is_folded=True, cases=None) -> HeldOutGate | None:
    dataset, every = looked
    cut = Threshold(value=0.5, chosen_on="here", rule="pooled Dice", score=0.6)
    scores = HeldOutScores(cut, 0.6, cuts or {1: 0.5, 2: 0.5}, {}, {})
    return held_out_gate(
        every if cases is None else cases,
        dataset,
        scores,
        minimum_area_px=0,
        is_folded=is_folded,
        progress=SILENT,
    )


def test_head_is_cut_where_most_images_are_right(looked):
    """Between 0.3 and 0.4 all but one image without anything are kept back."""
    found = _gate(looked)
    assert found.gate.kind == "head"
    assert found.gate.threshold == pytest.approx(0.35)
    assert found.with_gate.value == pytest.approx(7 / 8)
    assert found.without_gate.value == pytest.approx(4 / 8)
    assert found.ranking == pytest.approx(12 / 16)
    assert "(out-of-fold predictions, 8 images)" in found.gate.rule


def test_each_fold_is_cut_at_what_the_other_chose(looked):
    """Fold 1 chooses 0.45, which keeps back an object of fold 2; fold 2 serves fold 1 well."""
    found = _gate(looked)
    assert found.with_gate.cross_fitted == pytest.approx((4 + 2) / 8)
    assert found.without_gate.cross_fitted == pytest.approx(4 / 8)


def test_masks_of_a_fold_are_cut_where_the_others_say(looked):
    """At 0.95 nothing is drawn in fold 2: its images without anything are right, gate or not."""
    found = _gate(looked, {1: 0.5, 2: 0.95})
    assert found.without_gate.cross_fitted == pytest.approx((2 + 2) / 8)
    assert found.with_gate.cross_fitted == pytest.approx((4 + 2) / 8)
    assert found.with_gate.value == pytest.approx(7 / 8)  # the model itself cuts at 0.5


def test_points_are_of_one_objective(looked):
    """With the gate and without: both by the mean Dice of images, so that they compare."""
    found = _gate(looked)
    points = found.points(0.5, minimum_area_px=3)
    assert [(each.gate, each.gate_threshold, each.score) for each in points] == [
        ("head", found.gate.threshold, pytest.approx(7 / 8)),
        (None, None, pytest.approx(4 / 8)),
    ]
    assert points[0].objective == points[1].objective
    assert {each.minimum_area_px for each in points} == {3}


def test_seeds_alone_have_no_folds_to_cross(looked):
    """What is chosen on one validation split says so, and is not called cross-fitted."""
    cases = tuple(replace(case, fold=1) for case in looked[1])
    found = _gate(looked, {1: 0.5}, is_folded=False, cases=cases)
    assert found.with_gate.cross_fitted is None
    assert found.without_gate.cross_fitted is None
    assert "(validation split, 8 images)" in found.gate.rule


def test_without_images_of_both_kinds_there_is_no_gate(looked):
    """There is nothing to choose a threshold on."""
    cases = tuple(
        case for case, (_, is_positive, _) in zip(looked[1], SAID, strict=True) if is_positive
    )
    found = _gate(looked, cases=cases)
    assert found.gate is None
    assert found.ranking is None


def test_members_without_a_head_have_no_gate(looked):
    """One that says nothing of whole images is enough."""
    first, *others = looked[1]
    assert _gate(looked, cases=(replace(first, presence=None), *others)) is None
