"""Where two stages are cut, from what they say of images that they never saw."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import UnreadableFileError
from delineate.core.progress import SILENT
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.files.mask_files import write_probability
from delineate.metrics.mask_grid import MaskGrid
from delineate.metrics.operating_settings import CostSettings, OperatingSettings
from delineate.workflows.operating import operated
from delineate.workflows.out_of_fold import OutOfFold

SIDE_PX = 20
KAGGLE = OperatingSettings()
# Of each image: something is there; what the segmenter draws; what gate and head say.
IMAGES = {
    "a_0": (True, 0.9, 0.9, 0.6),
    "b_0": (True, 0.9, 0.8, 0.7),
    "c_0": (False, 1.0, 0.3, 0.65),
    "d_0": (False, 1.0, 0.2, 0.1),
    "e_0": (False, 0.0, 0.1, 0.1),
    "f_0": (False, 0.0, 0.1, 0.1),
}


@pytest.fixture
def data(tmp_path):
    """Six images, a square in the first two; masks of 0 and 255."""
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for name, (is_positive, *_) in IMAGES.items():
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        mask[4:12, 4:12] = 255 * is_positive
        for folder in ("images", "masks"):
            Image.fromarray(mask).save(tmp_path / "data" / folder / f"{name}.png")
    dataset = open_dataset(tmp_path / "data")
    return settle_encodings(dataset, observers=(dataset.observers[0],))


@pytest.fixture
def said(data, tmp_path):
    """What the gate says, and what the segmenter with its head says and draws."""
    gate, segmenter = [], []
    for at, (name, (_, drawn, gate_says, head_says)) in enumerate(IMAGES.items()):
        probability = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        probability[4:12, 4:12] = drawn
        file = tmp_path / f"{name}_prob.png"
        write_probability(file, probability)
        fold = 1 + at % 2
        gate.append(OutOfFold(name, None, fold, (), gate_says))
        segmenter.append(OutOfFold(name, None, fold, (file,), head_says))
    return tuple(reversed(gate)), tuple(segmenter)  # in another order


def test_each_kind_of_gate_is_cut_for_itself(data, said):
    """Counted by hand: the gate parts all, without it two false alarms stay, the head lets one."""
    found = {each.gate: each for each in operated(data, *said, KAGGLE, SILENT)}
    assert list(found) == ["classifier", None, "head"]
    gated, bare, headed = found["classifier"], found[None], found["head"]
    assert (gated.score, gated.cross_fitted_score) == (1.0, 1.0)
    assert gated.point.gate_threshold == pytest.approx(0.55)  # the middle of 0.3 to 0.8
    assert gated.reached.share_segmented == pytest.approx(2 / 6)
    assert bare.score == pytest.approx(4 / 6)
    assert bare.point.gate_threshold is None
    # From 0.6 on the head opens for both positives, and for one of the four others.
    assert headed.score == pytest.approx(5 / 6)
    assert 0.1 < headed.point.gate_threshold <= 0.6
    assert headed.reached.share_segmented == bare.reached.share_segmented == 1.0


def test_a_segmenter_without_a_head_has_two_points(data, said):
    """What cannot look at an image for itself is no gate."""
    gate, segmenter = said
    bare = tuple(replace(case, presence=None) for case in segmenter)
    assert [each.gate for each in operated(data, gate, bare, KAGGLE, SILENT)] == [
        "classifier",
        None,
    ]


def test_pixels_outside_the_region_do_not_count(data, said, tmp_path):
    """A false alarm that lies outside the region of interest is none."""
    Image.fromarray(np.pad(np.full((4, SIDE_PX), 255, np.uint8), ((16, 0), (0, 0)))).save(
        tmp_path / "region.png"
    )
    samples = tuple(
        replace(s, region=tmp_path / "region.png") if s.id in ("c_0", "d_0") else s
        for s in data.samples
    )
    found = operated(replace(data, samples=samples), *said, KAGGLE, SILENT)
    assert found[1].score == 1.0


def test_the_card_says_what_was_chosen(data, said):
    """Objective, grid and number of images stand in the rule of point and gate."""
    gated = operated(data, *said, KAGGLE, SILENT)[0]
    point, gate = gated.on_card, gated.as_gate("gate")
    grid = MaskGrid.of_size(SIDE_PX * SIDE_PX)
    assert point.objective == gate.rule
    assert "highest mean Dice of the images" in gate.rule
    assert f"out-of-fold predictions of 6 images, over every threshold of a gate, {grid}" in (
        gate.rule
    )
    assert (gate.kind, gate.folder, gate.threshold) == ("classifier", "gate", point.gate_threshold)
    assert gated.document["cross_fitted"]["kaggle_dice"] == 1.0


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (
            OperatingSettings(objective="sensitivity", false_alarm_rate=0.25),
            "false alarms on at most 25.0%, 1 of 4 images, of the others",
        ),
        (
            OperatingSettings(objective="sensitivity", false_alarm_rate=0.1),
            "fewest false alarms, for none keeps them at 10.0%: 50.0% of 4 images without",
        ),
        (
            OperatingSettings(objective="cost", costs=CostSettings(miss=7, segmented=0.5)),
            "least mean cost of an image: 7 for one missed, 1 for a false alarm, 1 times .* 0.5",
        ),
    ],
)
def test_every_objective_is_told(data, said, settings, rule):
    """What was chosen for, and where a rate cannot be kept, that it is not."""
    found = {each.gate: each for each in operated(data, *said, settings, SILENT)}
    told = found["head" if settings.false_alarm_rate == 0.25 else None].rule
    assert re.search(rule, told)


def test_a_map_that_is_missing_stops_the_choice(data, said):
    """No image is left out in silence."""
    said[1][3].maps[0].unlink()
    with pytest.raises(UnreadableFileError, match=r"d_0_prob\.png"):
        operated(data, *said, KAGGLE, SILENT)
