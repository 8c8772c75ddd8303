from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

from delineate.core.errors import OutputExistsError
from delineate.data.sample import Dataset, Sample
from delineate.files.mask_encoding import MaskEncoding
from delineate.workflows.evaluate import evaluate
from delineate.workflows.inputs import inputs_of
from delineate.workflows.predict import predict
from delineate.workflows.score import score
from delineate.workflows.train import train


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file under a folder and what it holds."""
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def run(tiny_run, tmp_path) -> Path:
    """A copy of the run, which a mistake may destroy."""
    return copytree(tiny_run, tmp_path / "run")


@pytest.fixture
def data(tiny_set, tmp_path) -> Path:
    """A copy of the set, marked as if Delineate had made each of its folders."""
    copy = copytree(tiny_set, tmp_path / "data")
    for folder in (copy, copy / "images", copy / "masks"):
        (folder / ".delineate").touch()
    return copy


@pytest.mark.parametrize("place", ["", "model"])
def test_evaluate_never_replaces_the_model(run, place):
    """The run and the model inside it are refused as outputs, and stay whole."""
    (run / "model/.delineate").touch()
    before = contents(run)
    with pytest.raises(OutputExistsError, match="the input"):
        evaluate(run, out=run / place, overwrite=True, threads=1)
    assert contents(run) == before


@pytest.mark.parametrize("place", ["", "images", "masks"])
def test_training_never_replaces_its_data(data, place):
    """The data's folder, and those of its images and masks, are refused as run folders."""
    before = contents(data)
    with pytest.raises(OutputExistsError, match="the input"):
        train(data, data / place, steps=1, overwrite=True, threads=1, device="cpu")
    assert contents(data) == before


def test_training_goes_on_in_no_folder_of_others(data, tmp_path):
    """`resume` in a folder that Delineate did not make is refused, and adds nothing to it."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").write_bytes(b"x")
    with pytest.raises(OutputExistsError, match="--resume goes on only in folders"):
        train(data, tmp_path / "photos", steps=1, resume=True, threads=1, device="cpu")
    assert [file.name for file in (tmp_path / "photos").iterdir()] == ["a.png"]


@pytest.mark.parametrize("place", ["", "model"])
def test_predict_never_replaces_the_model(run, data, place):
    """The run and the model inside it are refused as outputs, and stay whole."""
    (run / "model/.delineate").touch()
    before = contents(run)
    with pytest.raises(OutputExistsError, match="the input"):
        predict(run, [data / "images"], run / place, overwrite=True, threads=1)
    assert contents(run) == before


def test_predict_never_replaces_the_images(run, data):
    """A folder that holds the images is refused, however they were named."""
    before = contents(data)
    for images in (data / "images", data / "images/*.png", data / "images/s0_0.png"):
        with pytest.raises(OutputExistsError, match="the input"):
            predict(run, [images], data / "images", overwrite=True, threads=1)
    assert contents(data) == before


@pytest.mark.parametrize("place", ["predicted", "data/masks"])
def test_score_never_replaces_what_it_reads(data, tmp_path, place):
    """Neither the predictions nor the truth make room for their scores."""
    copytree(data / "masks", tmp_path / "predicted")
    before = contents(tmp_path)
    with pytest.raises(OutputExistsError, match="the input"):
        score(tmp_path / "predicted", data, out=tmp_path / place, overwrite=True)
    assert contents(tmp_path) == before


def test_tables_and_pictures_that_masks_need_are_inputs(tmp_path: Path) -> None:
    """The PNGs of a panoptic JSON and a table may lie anywhere; packaged tables are no files."""
    (tmp_path / "table.csv").write_text("name,value\nnerve,1\n")
    masks = {"panoptic": (tmp_path / "panoptic.json",), "values": (tmp_path / "a.png",)}
    encodings = {
        "panoptic": MaskEncoding("coco-panoptic"),
        "values": MaskEncoding("values", table=str(tmp_path / "table.csv")),
        "packaged": MaskEncoding("values", table="camvid"),
    }
    sample = Sample("a", tmp_path / "image.png", masks=masks)
    found = inputs_of(Dataset(tmp_path / "data", "manifest", "", (sample,), encodings))
    assert {tmp_path / "panoptic", tmp_path / "panoptic.json", tmp_path / "table.csv"} <= set(found)
    assert Path("camvid") not in found
