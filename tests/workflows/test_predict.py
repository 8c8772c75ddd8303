"""Masks for images without any."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from delineate.core.errors import LayoutError, OutputExistsError, SettingsError
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.files.class_tables import read_class_table
from delineate.files.mask_files import read_probability
from delineate.files.writing import read_json
from delineate.inference.model import load_model
from delineate.workflows.asked_images import listed_images, stems
from delineate.workflows.predict import predict


@pytest.fixture
def images(tiny_set, tmp_path) -> Path:
    """A folder of three images."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("s0_0", "s1_0", "s2_0"):
        shutil.copy(tiny_set / "images" / f"{name}.png", folder)
    return folder


def masks(folder: Path) -> list[str]:
    """Names of the written masks."""
    return sorted(file.name for file in folder.glob("*_mask.png"))


def pixels(file: Path) -> np.ndarray:
    """What the file holds."""
    return np.asarray(Image.open(file))


def test_file_folder_and_pattern(tiny_run, images, tmp_path):
    """One file, a folder and a pattern each give a mask an image, at its own size."""
    all_three = ["s0_0_mask.png", "s1_0_mask.png", "s2_0_mask.png"]
    for number, (source, expected) in enumerate(
        [
            (images / "s1_0.png", all_three[1:2]),
            (images, all_three),
            (f"{images}/s[02]_*.png", [all_three[0], all_three[2]]),
        ]
    ):
        result = predict(tiny_run, [source], tmp_path / str(number), threads=1)
        assert masks(result.folder) == expected
        assert result.failures == ()
        assert all(pixels(result.folder / name).shape == (41, 37) for name in expected)
        assert len(list(result.folder.glob("*_overlay.png"))) == len(expected)
        document = read_json(result.folder / "predictions.json", schema="predictions")
        assert [Path(row["mask"]).name for row in document["images"]] == expected


def test_an_unreadable_image_is_listed_and_the_others_done(tiny_run, images, tmp_path):
    """A broken file and a text among good ones are failures by name; the rest is written."""
    (images / "broken.png").write_bytes((images / "s0_0.png").read_bytes()[:60])
    (images / "text.png").write_text("not an image")
    result = predict(tiny_run, [images], tmp_path / "out", threads=1)
    assert len(masks(result.folder)) == 3
    assert len(result.failures) == 2
    assert "broken.png" in result.failures[0]
    assert "text.png" in result.failures[1]
    assert result.document["failures"] == list(result.failures)


def test_an_image_that_does_not_fit_the_model_is_named(tiny_run, images, tmp_path):
    """Floats beyond 0 to 1 are read well and cannot be prepared: which file it was is said."""
    tifffile.imwrite(images / "wide.tif", np.full((20, 20), 7.5, np.float32))
    result = predict(tiny_run, [images], tmp_path / "out", threads=1)
    (failure,) = result.failures
    assert failure.startswith(f"{images / 'wide.tif'}: image: expected uint8")


def test_probabilities_have_sixteen_bits(tiny_run, images, tmp_path):
    """Maps hold the model's probability within half a step, and agree with the mask."""
    predict(tiny_run, [images], tmp_path / "out", probabilities=True, overlays=False, threads=1)
    model = load_model(tiny_run, threads=1)
    threshold = model.card.threshold.value
    assert not list((tmp_path / "out").glob("*_overlay.png"))
    for file in images.iterdir():
        raw = pixels(tmp_path / "out" / f"{file.stem}_prob.png")
        expected = model.predict(pixels(file)).probability[0]
        assert raw.dtype in (np.uint16, np.int32)
        assert np.abs(raw / 65535 - expected).max() <= 0.5 / 65535 + 1e-6
        read = read_probability(tmp_path / "out" / f"{file.stem}_prob.png")
        mask = pixels(tmp_path / "out" / f"{file.stem}_mask.png") > 0
        is_clear = np.abs(expected - threshold) > 1e-4
        assert ((read >= threshold) == mask)[is_clear].all()


def test_same_as_the_evaluation(tiny_run, tiny_evaluation, tiny_set, tmp_path):
    """Predicting the test images gives the masks that were scored, byte for pixel."""
    written = sorted((tiny_evaluation.folder / "predictions").iterdir())
    ids = [file.name.removesuffix("_mask.png") for file in written]
    sources = [tiny_set / "images" / f"{id_}.png" for id_ in ids]
    predict(tiny_run, sources, tmp_path / "out", threads=1)
    for file in written:
        assert (pixels(file) == pixels(tmp_path / "out" / file.name)).all()


def test_three_classes_write_indices_and_a_map_each(classes_run, images, tmp_path):
    """Masks hold class indices in a palette; maps of all classes sum to one."""
    result = predict(classes_run, [images], tmp_path / "out", probabilities=True, threads=1)
    maps = [read_probability(tmp_path / "out" / f"s0_0_prob_{index}.png") for index in range(3)]
    assert np.abs(sum(maps) - 1).max() < 1e-4
    mask = Image.open(tmp_path / "out" / "s0_0_mask.png")
    assert mask.mode == "P"
    assert (np.asarray(mask) == np.argmax(maps, axis=0)).mean() > 0.999
    row = result.document["images"][0]
    areas = [int((np.asarray(mask) == index).sum()) for index in (1, 2)]
    assert list(row["area_px"].values()) == areas


@pytest.mark.parametrize("form", ["rle-nerve", "rle-siim", "coco", "coco-polygons"])
@pytest.mark.parametrize("run", ["tiny_run", "classes_run"])
def test_every_form_is_read_back_as_data(request, run, form, images, tmp_path):
    """Beside the images each file is a data set, whose masks are those of the pictures."""
    model = request.getfixturevalue(run)
    out = predict(model, [images], tmp_path / "out", formats=[form], overlays=False, threads=1)
    (name,) = out.document["formats"].values()
    shutil.copy(out.folder / name, images)
    dataset = settle_encodings(open_dataset(images))
    assert [each.name for each in dataset.classes[1:]] == out.document["classes"][1:]
    for sample in dataset.samples:
        picture = pixels(out.folder / f"{sample.id}_mask.png")
        truth = picture if run == "classes_run" else picture // 255
        assert truth.any()
        assert (read_labels(dataset, sample, "reference") == truth).all()
    assert len(dataset.samples) == 3


def test_classes_keep_their_order_where_their_table_lies_beside(classes_run, images, tmp_path):
    """Run lengths name classes and do not number them: `classes.csv` does."""
    out = predict(classes_run, [images], tmp_path / "out", formats=["rle-nerve"], threads=1)
    table = read_class_table(out.folder / "classes.csv")
    assert table.classes == load_model(classes_run, threads=1).classes
    shutil.copy(out.folder / "rle_nerve.csv", images)
    (images / "classes.csv").write_text("name,red,green,blue\nbackground,0,0,0\n"
                                        "class 2,9,0,0\nclass 1,0,9,0\n")  # fmt: skip
    dataset = settle_encodings(open_dataset(images))
    assert [each.name for each in dataset.classes] == ["background", "class 2", "class 1"]
    labels = read_labels(dataset, dataset.samples[0], "reference")
    mask = pixels(out.folder / f"{dataset.samples[0].id}_mask.png")
    assert (labels == np.array([0, 2, 1], np.uint8)[mask]).all()


def test_overlays_of_several_classes_have_a_legend_below(classes_run, images, tmp_path):
    """The image keeps its pixels, and a strip below names the colours."""
    predict(classes_run, [images], tmp_path / "out", threads=1)
    height, width, _ = pixels(tmp_path / "out" / "s0_0_overlay.png").shape
    assert height > 41
    assert width >= 37


def test_an_unknown_form_is_refused_before_anything_is_written(tiny_run, images, tmp_path):
    """The nearest is proposed."""
    with pytest.raises(SettingsError, match="unknown format 'cocoa'; did you mean 'coco'"):
        predict(tiny_run, [images], tmp_path / "out", formats=["cocoa"], threads=1)
    assert not (tmp_path / "out").exists()


def test_colour_and_sixteen_bits_are_taken(tiny_run, images, tmp_path):
    """An RGB copy of a grey image gives the mask of the grey one."""
    grey = pixels(images / "s0_0.png")
    Image.fromarray(np.stack([grey] * 3, axis=2)).save(images / "rgb.png")
    predict(tiny_run, [images], tmp_path / "out", threads=1)
    first, second = (pixels(tmp_path / "out" / f"{n}_mask.png") for n in ("s0_0", "rgb"))
    assert (first == second).all()


def test_a_palette_colours_the_overlay(tiny_run, images, tmp_path):
    """Another palette gives other overlays; an unknown one is refused."""
    predict(tiny_run, [images], tmp_path / "a", threads=1, threshold=0.0)
    predict(tiny_run, [images], tmp_path / "b", threads=1, threshold=0.0, palette="nerve")
    names = [tmp_path / name / "s0_0_overlay.png" for name in "ab"]
    assert (pixels(names[0]) != pixels(names[1])).any()
    with pytest.raises(SettingsError, match="did you mean 'nerve'"):
        predict(tiny_run, [images], tmp_path / "c", palette="nerves")
    assert not (tmp_path / "c").exists()


def test_nothing_to_predict_is_an_error(tiny_run, tmp_path):
    """A missing path, an empty folder and a pattern without a match write nothing."""
    (tmp_path / "empty").mkdir()
    for source, message in [
        (tmp_path / "none.png", "no such file or folder"),
        (tmp_path / "empty", "expected images, found none"),
        (tmp_path / "empty" / "*.png", "expected images, found none"),
    ]:
        with pytest.raises(LayoutError, match=message):
            predict(tiny_run, [source], tmp_path / "out", threads=1)
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_kept(tiny_run, images, tmp_path):
    """A folder with something in it is refused."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(OutputExistsError, match="not empty"):
        predict(tiny_run, [images], tmp_path / "out", threads=1)


def test_images_are_listed_once_in_natural_order(tmp_path):
    """A file named twice is one image, and 10 comes after 9; hidden files are left out."""
    for name in ("10.png", "9.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    found = listed_images([tmp_path, tmp_path / "9.png", f"{tmp_path}/*.png"])
    assert [file.name for file in found if not file.name.startswith(".")] == ["9.png", "10.png"]
    assert [file.name for file in listed_images([tmp_path])] == ["9.png", "10.png"]


def test_deeper_folders_are_named_with_what_to_do(tmp_path):
    """DICOM files are often exported so; the pattern that is named finds them."""
    deep = tmp_path / "study" / "series"
    deep.mkdir(parents=True)
    (deep / "1.dcm").write_bytes(b"")
    with pytest.raises(LayoutError, match="folders in a folder are not searched") as caught:
        listed_images([tmp_path])
    pattern = str(caught.value).split("'")[-2]
    assert listed_images([pattern]) == [deep / "1.dcm"]


def test_one_file_under_two_paths_is_one_image(tmp_path):
    """Neither `..` nor a link to a folder makes two of it; a link to a file is another name."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"")
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    found = listed_images([tmp_path / "a", tmp_path / "linked", tmp_path / "a" / ".." / "a"])
    assert found == [tmp_path / "a" / "x.png"]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.png").symlink_to(tmp_path / "a" / "x.png")
    found = listed_images([tmp_path / "a", tmp_path / "b"])
    assert stems(found) == ["a_x", "b_x"]


def test_stems_never_collide():
    """Equal names take their folders, and equal stems their endings."""
    assert stems([Path("/a/x.png"), Path("/a/y.png")]) == ["x", "y"]
    assert stems([Path("/a/x.png"), Path("/b/x.png")]) == ["a_x", "b_x"]
    same = stems([Path("/a/x.png"), Path("/a/x.tif")])
    assert len(set(same)) == 2
