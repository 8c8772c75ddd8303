"""`delineate predict`."""

from __future__ import annotations

import json

from delineate.cli.predict import _table


def test_counts_then_the_folder(delineate, run_folder, tmp_path):
    """The number of masks is told, and their folder comes last."""
    images = run_folder.parent / "data" / "images"
    result = delineate("predict", run_folder, images, "--out", tmp_path / "masks")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "masks       6 images"
    assert lines[1].startswith("foreground  found in ")
    assert lines[-1] == str(tmp_path / "masks")
    assert (tmp_path / "masks" / "00_overlay.png").is_file()


def test_files_patterns_and_options(delineate, run_folder, tmp_path):
    """Patterns are looked up, probabilities written, overlays left out."""
    images = run_folder.parent / "data" / "images"
    options = [
        "--probabilities",
        "--no-overlays",
        "--threshold",
        "0",
        "--repeats",
        "turns",
        "--palette",
        "nerve",
    ]
    arguments = [images / "0[01].png", images / "02.png", "--out", tmp_path / "m", "--json"]
    result = delineate("predict", run_folder, *arguments, *options)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["repeats"] == "turns"
    assert document["threshold"] == 0
    written = {file.name for file in (tmp_path / "m").glob("*.png")}
    assert written == {f"0{n}_{kind}.png" for n in range(3) for kind in ("mask", "prob")}


def test_forms_are_repeated_or_have_commas(delineate, run_folder, tmp_path):
    """Each form is a file, and which one is told."""
    image = run_folder.parent / "data" / "images" / "00.png"
    asked = ["--format", "rle", "--format", "png,coco-polygons"]
    result = delineate("predict", run_folder, image, "--out", tmp_path / "m", *asked)
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()[2:-1]] == [
        ["rle-nerve", "rle_nerve.csv"],
        ["rle-siim", "rle_siim.csv"],
        ["coco-polygons", "instances_predictions.json"],
    ]
    assert (tmp_path / "m" / "rle_siim.csv").read_text().startswith("ImageId,EncodedPixels\n00,")
    refused = delineate("predict", run_folder, image, "--out", tmp_path / "n", "--format", "rel")
    assert refused.exit_code == 2
    assert "unknown format 'rel'; did you mean 'rle'?" in refused.stderr


def test_a_bad_image_is_listed_and_exit_1(delineate, run_folder, tmp_path):
    """An image that cannot be read is named, and the other is done."""
    bad = tmp_path / "bad.png"
    bad.write_text("not an image\n" * 9)
    good = run_folder.parent / "data" / "images" / "00.png"
    result = delineate("predict", run_folder, good, bad, "--out", tmp_path / "m", "--quiet")
    assert result.exit_code == 1
    assert result.stdout == f"{tmp_path / 'm'}\n"
    assert result.stderr.startswith(f"1 failed:\n  {bad}: ")
    assert (tmp_path / "m" / "00_mask.png").is_file()


def test_a_run_without_a_model(delineate, run_folder, tmp_path):
    """A run that has not finished says how to finish it."""
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    images = run_folder.parent / "data" / "images"
    result = delineate("predict", tmp_path / "run", images, "--out", tmp_path / "m")
    assert result.exit_code == 2
    assert "--resume" in result.stderr


def test_options_of_a_gate_reach_the_work(delineate, run_folder, tmp_path):
    """A model without a gate refuses each of them in one line."""
    image = run_folder.parent / "data" / "images" / "00.png"
    for asked in (["--gate-threshold", "0.5"], ["--no-gate"], ["--heat-maps"]):
        result = delineate("predict", run_folder, image, "--out", tmp_path / "m", *asked)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: {asked[0]}: this model has no gate")
        assert result.stderr.count("\n") == 1


def test_what_the_gate_lets_through_is_told():
    """How many images it let pass, at which threshold, and the median times of both stages."""
    gate = {
        "threshold": 0.4121,
        "present": 3,
        "segmented": 3,
        "milliseconds": {"gate": 12.3, "segmenter": 40.0},
    }
    rows = [{"area_px": {"gas": size}} for size in (0, 5, 0, 7)]
    document = {
        "images": rows, "classes": ["background", "gas"], "gate": gate, "formats": {},
        "objects": None, "failures": [], "doubts": [],
    }  # fmt: skip
    assert list(_table(document)) == [
        "masks      4 images",
        "gas        found in 2 of 4",
        "gate       present in 3 of 4 at 0.412, median 12 ms an image",
        "segmented  3 of 4, median 40 ms an image",
    ]
    document["doubts"] = ["a.png: almost black", "b.png: almost black"]
    assert list(_table(document))[-1] == (
        "doubtful   2 images, see predictions.json; a.png: almost black"
    )
    document["doubts"] = []
    gate |= {"segmented": 4, "milliseconds": {"gate": None, "segmenter": None}}
    assert list(_table(document))[2:] == [
        "gate       present in 3 of 4 at 0.412",
        "segmented  4 of 4",
    ]
