"""Masks behind a gate: which images are segmented, and how that is told."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import SettingsError
from delineate.core.seeds import stream
from delineate.files.mask_files import read_probability
from delineate.files.writing import read_json
from delineate.inference.composing import write_composed
from delineate.inference.model import load_model
from delineate.inference.model_card import Gate, ModelCard, OperatingPoint, Threshold
from delineate.workflows.predict import predict

NAMES = ("a", "b", "c", "d")


def picture(number: int) -> np.ndarray:
    """Noise of another brightness for each number."""
    noise = stream(number, "picture").integers(0, 120, (44, 60))
    return (noise + 30 * number).astype(np.uint8)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """A folder of four images."""
    folder = tmp_path_factory.mktemp("images")
    for number, name in enumerate(NAMES):
        Image.fromarray(picture(number)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory, write_part) -> Path:
    """A classifier that lets two of the four images through, before a segmenter."""
    folder = tmp_path_factory.mktemp("models")
    write_part(folder / "gate", "classify")
    card = write_part(folder / "segmenter", "segment")
    write_composed(
        folder / "both", two_stages(card, 0.5, 0.5), members={"segmenter": folder / "segmenter"},
        gate=folder / "gate", page="",
    )  # fmt: skip
    loaded = load_model(folder / "both", threads=1)
    verdicts = sorted(loaded.gate.probability(picture(number)) for number in range(4))
    assert verdicts[1] < verdicts[2]
    cut = float(np.median(loaded.probability(picture(0))))
    write_composed(
        folder / "both", two_stages(card, verdicts[2], cut),
        members={"segmenter": folder / "segmenter"}, gate=folder / "gate", page="",
    )  # fmt: skip
    return folder / "both"


def two_stages(card: ModelCard, gate_threshold: float, threshold: float) -> ModelCard:
    """The card of both; without a gate everything is foreground."""
    free = OperatingPoint(
        gate=None, gate_threshold=None, threshold=0.0, minimum_area_px=0, objective="all", score=1
    )
    changes = {
        "name": "two stages",
        "weights_sha256": None,
        "members": ("segmenter",),
        "gate": Gate(kind="classifier", folder="gate", threshold=gate_threshold, rule="both"),
        "threshold": Threshold(value=threshold, chosen_on="folds", rule="both", score=None),
        "operating_points": (free,),
    }
    return ModelCard.model_validate(card.model_dump() | changes)


def pixels(file: Path) -> np.ndarray:
    """What the file holds."""
    return np.asarray(Image.open(file))


def table(folder: Path) -> list[dict[str, str]]:
    """The table that was written."""
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_images_without_anything_have_empty_masks(model, images, tmp_path):
    """Masks, maps, rows and the table all say what the loaded model says."""
    result = predict(model, [images], tmp_path / "out", probabilities=True, threads=1)
    assert result.failures == ()
    document = read_json(result.folder / "predictions.json", schema="predictions")
    loaded = load_model(model, threads=1)
    opened = 0
    for name, row, said in zip(NAMES, document["images"], table(result.folder), strict=True):
        expected = loaded.predict(pixels(images / f"{name}.png"))
        assert row["gate"] == {
            "probability": expected.gate.probability,
            "threshold": loaded.gate_cut(),
            "is_present": expected.gate.is_present,
        }
        assert said == {
            "image": str(images / f"{name}.png"),
            "probability": repr(expected.gate.probability),
            "verdict": "present" if expected.gate.is_present else "absent",
        }
        mask = pixels(result.folder / f"{name}_mask.png")
        assert ((mask > 0) == (expected.labels > 0)).all()
        assert mask.any() == expected.gate.is_present
        assert row["area_px"]["foreground"] == expected.labels.sum()
        map_ = read_probability(result.folder / f"{name}_prob.png")
        np.testing.assert_allclose(map_, expected.probability[0], atol=1e-5)
        opened += expected.gate.is_present
    assert opened == 2


def test_the_document_says_what_the_gate_saves(model, images, tmp_path):
    """Half of the images reach the segmenter; both stages have a time."""
    gate = predict(model, [images], tmp_path / "out", overlays=False, threads=1).document["gate"]
    assert (gate["kind"], gate["present"], gate["segmented"]) == ("classifier", 2, 2)
    assert gate["share_segmented"] == 0.5
    assert gate["threshold_origin"] == "both"
    assert gate["heat_maps"] is None
    assert gate["milliseconds"]["gate"] > 0
    assert gate["milliseconds"]["segmenter"] > 0
    assert "median" in gate["milliseconds"]["rule"]


def test_a_threshold_by_hand_moves_the_gate_alone(model, images, tmp_path):
    """At 0 all images pass and have the masks of the segmenter; at 1 none does."""
    options = {"overlays": False, "threads": 1}
    everything = predict(model, [images], tmp_path / "0", gate_threshold=0.0, **options)
    nothing = predict(model, [images], tmp_path / "1", gate_threshold=1.0, **options)
    assert everything.document["gate"]["present"] == 4
    assert everything.document["gate"]["threshold_origin"] == "given by hand"
    assert everything.document["images"][0]["gate"]["threshold"] == 0.0
    assert everything.document["threshold"] == nothing.document["threshold"]
    assert nothing.document["gate"]["segmented"] == 0
    assert nothing.document["gate"]["milliseconds"]["segmenter"] is None
    alone = predict(model / "segmenter", [images], tmp_path / "2", threads=1, overlays=False,
                    threshold=everything.document["threshold"])  # fmt: skip
    assert alone.document["gate"] is None
    for name in NAMES:
        file = f"{name}_mask.png"
        assert (pixels(everything.folder / file) == pixels(alone.folder / file)).all()
        assert not pixels(nothing.folder / file).any()


def test_without_the_gate_every_image_is_segmented(model, images, tmp_path):
    """What was chosen for no gate holds: here a threshold at which all is foreground."""
    result = predict(model, [images], tmp_path / "out", gate=False, overlays=False, threads=1)
    assert result.document["gate"] is None
    assert result.document["threshold"] == 0.0
    assert result.document["threshold_origin"].startswith("all")
    assert all(pixels(result.folder / f"{name}_mask.png").all() for name in NAMES)
    assert "gate" not in result.document["images"][0]
    assert not (result.folder / "predictions.csv").exists()


def test_run_lengths_are_empty_behind_a_closed_gate(model, images, tmp_path):
    """Every image has its row; those in which nothing is found have an empty one."""
    result = predict(model, [images], tmp_path / "out", formats=["rle"], overlays=False, threads=1)
    is_present = [row["gate"]["is_present"] for row in result.document["images"]]
    with (result.folder / "rle_siim.csv").open() as file:
        siim = [row["EncodedPixels"].strip() for row in csv.DictReader(file)]
    with (result.folder / "rle_nerve.csv").open() as file:
        nerve = [row["pixels"] for row in csv.DictReader(file)]
    assert [each != "-1" for each in siim] == is_present
    assert [each != "" for each in nerve] == is_present


def test_the_mask_is_red_and_the_verdict_stands_below(model, images, tmp_path):
    """No pixel of the picture is hidden: what the gate says stands in a strip of its own."""
    result = predict(model, [images], tmp_path / "out", threads=1)
    for name, row in zip(NAMES, result.document["images"], strict=True):
        drawn = pixels(result.folder / f"{name}_overlay.png").astype(int)
        assert drawn.shape[0] > 44
        is_red = (drawn[:44, :60] == (230, 40, 40)).all(axis=2)
        assert is_red.any() == row["gate"]["is_present"]
        assert (drawn[44:].min() < 60) & ((drawn[44:] == 255).mean() > 0.6)
        if not row["gate"]["is_present"]:
            image = pixels(images / f"{name}.png")
            assert (drawn[:44, :60] == image[..., None]).all()
    other = predict(model, [images], tmp_path / "nerve", palette="nerve", threads=1)
    drawn = pixels(other.folder / "d_overlay.png")
    colours = {tuple(each) for each in drawn.reshape(-1, 3).tolist()}
    assert ((170, 70, 220) in colours) == other.document["images"][3]["gate"]["is_present"]
    assert (230, 40, 40) not in colours


def test_an_open_gate_with_nothing_outlined_says_so(model, images, tmp_path):
    """A mask that is empty though the gate says present is told from one that is not."""
    plain = predict(model, [images], tmp_path / "a", gate_threshold=0.0, threads=1)
    bare = predict(model, [images], tmp_path / "b", gate_threshold=0.0, threshold=1.0, threads=1)
    assert not pixels(bare.folder / "a_mask.png").any()
    widths = [pixels(each.folder / "a_overlay.png").shape[1] for each in (plain, bare)]
    assert widths[1] > widths[0]


def test_heat_maps_show_where_the_gate_looked(model, images, tmp_path):
    """On wish each image has one, with the verdict below."""
    result = predict(model, [images], tmp_path / "out", heat_maps=True, overlays=False, threads=1)
    assert "where the network looked" in result.document["gate"]["heat_maps"]
    for name, row in zip(NAMES, result.document["images"], strict=True):
        assert row["heat_map"] == f"{name}_cam.png"
        assert pixels(result.folder / row["heat_map"]).shape[0] > 44
    assert not list(result.folder.glob("*_overlay.png"))


def test_the_gate_can_be_asked_alone(model, images, tmp_path):
    """Its folder is a classifier, whose verdicts are at its own threshold."""
    whole = predict(model, [images], tmp_path / "whole", overlays=False, threads=1)
    alone = predict(model / "gate", [images], tmp_path / "alone", overlays=False, threads=1)
    assert alone.document["threshold"] == 0.5
    assert [row["probability"] for row in alone.document["images"]] == [
        row["gate"]["probability"] for row in whole.document["images"]
    ]


def test_a_head_of_its_own_lets_through_too(write_part, images, tmp_path):
    """The segmenter looks at every image then, and its own verdict is told."""
    gate = Gate(kind="head", threshold=1.0, rule="by hand")
    write_part(tmp_path / "a", "segment", head=True, gate=gate)
    result = predict(tmp_path / "a", [images], tmp_path / "out", threads=1)
    said = result.document["gate"]
    assert (said["kind"], said["present"], said["segmented"]) == ("head", 0, 4)
    assert said["milliseconds"]["gate"] is None
    assert len(table(result.folder)) == 4
    assert not any(pixels(result.folder / f"{name}_mask.png").any() for name in NAMES)
    with pytest.raises(SettingsError, match=r"--heat-maps: .* segmenter's own head"):
        predict(tmp_path / "a", [images], tmp_path / "no", heat_maps=True)
    free = predict(tmp_path / "a", [images], tmp_path / "free", gate=False, threads=1)
    assert free.document["gate"] is None


def test_an_image_that_cannot_be_read_has_no_verdict(model, images, tmp_path):
    """It is listed as a failure, and counts among nothing."""
    (tmp_path / "broken.png").write_bytes((images / "a.png").read_bytes()[:60])
    sources = [images / "a.png", tmp_path / "broken.png"]
    result = predict(model, sources, tmp_path / "out", gate_threshold=0.0, threads=1)
    assert len(result.failures) == 1
    assert len(table(result.folder)) == 1
    assert result.document["gate"]["share_segmented"] == 1.0


def test_options_of_a_gate_need_one(model, images, tmp_path):
    """A classifier or segmenter alone, and contradictions, are refused before anything is made."""
    out = tmp_path / "out"
    for part, options, message in (
        ("segmenter", {"gate_threshold": 0.5}, "--gate-threshold: this model has no gate"),
        ("segmenter", {"gate": False}, "--no-gate: this model has no gate"),
        ("segmenter", {"heat_maps": True}, "--heat-maps: this model has no gate"),
        ("gate", {"gate_threshold": 0.5}, "--gate-threshold: this model is a classifier, whose"),
        ("gate", {"gate": False}, "--no-gate: this model is a classifier, with no"),
        ("gate", {"heat_maps": True}, "--heat-maps: a classifier draws them anyway"),
        ("", {"gate": False, "gate_threshold": 0.5}, "--gate-threshold: there is no gate with"),
        ("", {"gate": False, "heat_maps": True}, "--heat-maps: there is no gate with --no-gate"),
    ):
        with pytest.raises(SettingsError, match=message):
            predict(model / part, [images], out, **options)
    assert not out.exists()
