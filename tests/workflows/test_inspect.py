from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, OutputExistsError
from delineate.data.opening import open_dataset
from delineate.files.writing import read_json
from delineate.workflows.inspect import inspect, table


def save(path: Path, values) -> None:
    """Write a picture of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path) -> Path:
    """Two subjects in train and test with 0/255 masks: a quarter, empty, empty, a quarter."""
    square = np.zeros((24, 32), np.uint8)
    square[6:18, 8:24] = 255
    for place, name, mask in [
        ("train", "1_1", square),
        ("train", "1_2", square * 0),
        ("train", "2_1", square * 0),
        ("test", "3_1", square),
    ]:
        save(tmp_path / f"data/{place}/{name}.tif", np.full((24, 32), 90))
        save(tmp_path / f"data/{place}/{name}_mask.tif", mask)
    return tmp_path / "data"


def test_document(root, tmp_path):
    """The document counts splits, subjects, sizes, classes and empty masks."""
    result = inspect(root, tmp_path / "out")
    document = read_json(tmp_path / "out/inspect.json", schema="inspection")
    assert {key: document[key] for key in result.document} == json.loads(
        json.dumps(result.document)
    )
    assert document["layout"] == "nerve"
    assert document["splits"] == {
        "train": {"images": 3, "labelled": 3, "subjects": 2},
        "test": {"images": 1, "labelled": 1, "subjects": 1},
    }
    assert document["sizes"] == [{"height_px": 24, "width_px": 32, "images": 4}]
    assert document["pixel_types"] == {"grey uint8": 4}
    (observer,) = document["observers"]
    assert (observer["encoding"], observer["is_certain"]) == ("binary", True)
    assert observer["empty_share"] == 0.5
    assert observer["class_pixel_shares"] == {"background": 0.875, "foreground": 0.125}
    assert observer["values"]["most_frequent"] == [
        {"value": 0, "share": 0.875},
        {"value": 255, "share": 0.125},
    ]
    assert result.failures == ()
    assert result.main_result == tmp_path / "out/inspect.html"


def test_page_shows_every_case(root, tmp_path):
    """The contact sheet is one file that names each case and embeds its pictures."""
    text = inspect(root, tmp_path / "out").main_result.read_text()
    assert all(name in text for name in ("1_1", "1_2", "2_1", "3_1"))
    assert text.count("data:image/") >= 8


def test_bad_files_become_failures(root, tmp_path):
    """A truncated image, a text mask and a mask of another size are listed; the rest is seen."""
    whole = (root / "train/1_1.tif").read_bytes()
    (root / "train/1_1.tif").write_bytes(whole[: len(whole) // 2])
    (root / "train/1_2_mask.tif").write_text("no image")
    save(root / "train/2_1_mask.tif", np.zeros((5, 5)))
    result = inspect(root, tmp_path / "out")
    assert len(result.failures) == 3
    assert all(
        any(name in failure for failure in result.failures)
        for name in ("1_1.tif", "1_2_mask.tif", "2_1_mask.tif")
    )
    assert result.document["observers"][0]["decoded"] == 1
    assert (tmp_path / "out/inspect.html").is_file()


def test_proposal_is_previewed_but_not_written_as_settled(root, tmp_path):
    """Soft masks are decoded for the eye, named as a proposal, and left out of the manifest."""
    for name in ("1_1", "3_1"):
        place = "train" if name == "1_1" else "test"
        ramp = np.tile(np.linspace(0, 255, 32) > 128, (24, 1)) * 250.0
        ramp[:, 15:17] = 90, 170
        save(root / f"{place}/{name}_mask.tif", ramp)
    result = inspect(root, tmp_path / "out", manifest=True)
    (observer,) = result.document["observers"]
    assert not observer["is_certain"]
    assert observer["proposed"] == "threshold:128"
    assert observer["class_pixel_shares"]["foreground"] == pytest.approx(0.25)
    assert any("confirm it with --masks threshold:128" in note for note in result.document["notes"])
    assert "threshold" not in (tmp_path / "out/manifest.csv").read_text()


def test_confirmed_encoding_reaches_the_manifest(root, tmp_path):
    """What --masks confirms is what the manifest says and the next verb reads."""
    result = inspect(root, tmp_path / "out", masks="threshold:7", manifest=True)
    assert result.manifest is not None
    again = open_dataset(result.manifest)
    assert str(again.encodings["reference"]) == "threshold:7"
    assert [s.id for s in again.samples] == [s.id for s in open_dataset(root).samples]
    assert result.document["observers"][0]["is_confirmed"]


def test_colours_are_previewed_with_a_written_table(tmp_path):
    """RGB masks get a proposed table of colours that can be edited and confirmed as it is."""
    mask = np.zeros((10, 10, 3), np.uint8)
    mask[:5] = (200, 0, 0)
    mask[5:7] = (0, 0, 200)
    save(tmp_path / "data/images/a.png", np.full((10, 10), 9))
    save(tmp_path / "data/masks/a.png", mask)
    result = inspect(tmp_path / "data", tmp_path / "out")
    (observer,) = result.document["observers"]
    assert list(observer["class_pixel_shares"].values()) == [0.3, 0.5, 0.2]
    confirmed = inspect(tmp_path / "data", tmp_path / "again", masks=observer["proposed"])
    assert confirmed.failures == ()
    assert confirmed.document["observers"][0]["is_confirmed"]


def test_subject_in_two_splits_is_a_note(root, tmp_path):
    """A leak in the folder's own splits is named."""
    for end in ("", "_mask"):
        (root / f"train/2_1{end}.tif").rename(root / f"test/1_9{end}.tif")
    result = inspect(root, tmp_path / "out")
    assert result.document["subjects_in_several_splits"] == {"1": ["train", "test"]}
    assert any("1 subject in several splits: 1" in note for note in result.document["notes"])


def test_missing_masks_are_noted(root, tmp_path):
    """Images without masks among others with masks are counted and named."""
    (root / "train/1_2_mask.tif").unlink()
    notes = inspect(root, tmp_path / "out").document["notes"]
    assert any("no mask for 1 of 3 images of train: 1_2.tif" in note for note in notes)


def test_unlabelled_split_is_no_fault(root, tmp_path):
    """A test split without any mask is as it should be: no note."""
    (root / "test/3_1_mask.tif").unlink()
    result = inspect(root, tmp_path / "out")
    assert not any("no mask for" in note for note in result.document["notes"])
    assert result.document["splits"]["test"]["labelled"] == 0


def test_limit_keeps_cases_with_problems(root, tmp_path):
    """A short contact sheet shows what is wrong before what is well."""
    save(root / "test/3_1_mask.tif", np.zeros((5, 5)))
    text = inspect(root, tmp_path / "out", limit=2).main_result.read_text()
    assert "3_1" in text
    assert "2 of 4 images are shown" in text


def test_table_is_short_text(root, tmp_path):
    """The table for the terminal says layout, splits and how masks are read."""
    rows = dict(table(inspect(root, tmp_path / "out").document))
    assert rows["layout"].startswith("nerve: ")
    assert rows["train"] == "3, all with a mask, 2 subjects"
    assert rows["masks of reference"].startswith("4 files, binary (certain); 50.0% of the masks")


def test_existing_output_is_kept(root, tmp_path):
    """A folder that holds something is refused, and replaced only with overwrite."""
    inspect(root, tmp_path / "out")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        inspect(root, tmp_path / "out")
    inspect(root, tmp_path / "out", overwrite=True)


def test_data_is_never_overwritten(root, tmp_path):
    """A folder that Delineate made and that holds the data is refused, and the data stays."""
    (tmp_path / ".delineate").touch()
    (root / ".delineate").touch()
    before = sorted(tmp_path.rglob("*"))
    for out, relation in ((tmp_path, "holds"), (root, "is")):
        with pytest.raises(OutputExistsError, match=f"this one {relation} the input "):
            inspect(root, out, overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_files_that_a_manifest_names_are_never_overwritten(root, tmp_path):
    """Images may lie elsewhere than their manifest, and are kept there as well."""
    (root / "train/.delineate").touch()
    manifest = inspect(root, tmp_path / "look", manifest=True).manifest
    with pytest.raises(OutputExistsError, match=r"holds the input .*1_1\.tif"):
        inspect(manifest, root / "train", overwrite=True)
    with pytest.raises(OutputExistsError, match=r"holds the input .*manifest\.csv"):
        inspect(manifest, tmp_path / "look", overwrite=True)
    assert (root / "train/1_1_mask.tif").is_file()
    assert manifest.is_file()


def test_a_confirmed_table_of_colours_is_kept(tmp_path):
    """The table that an inspection proposed and the next one reads is not emptied away."""
    save(tmp_path / "data/images/a.png", np.full((10, 10), 9))
    mask = np.zeros((10, 10, 3), np.uint8)
    mask[:5] = (200, 0, 0)
    mask[5:7] = (0, 0, 200)
    save(tmp_path / "data/masks/a.png", mask)
    inspect(tmp_path / "data", tmp_path / "out")
    table_file = tmp_path / "out/colours.csv"
    with pytest.raises(OutputExistsError, match=r"holds the input .*colours\.csv"):
        inspect(tmp_path / "data", tmp_path / "out", masks=f"colours:{table_file}", overwrite=True)
    assert table_file.is_file()


def test_wrong_folder_leaves_no_output(tmp_path):
    """Where nothing is recognised, nothing is written."""
    (tmp_path / "data").mkdir()
    with pytest.raises(LayoutError, match="found no image files"):
        inspect(tmp_path / "data", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_real_kvasir(shared_data, tmp_path):
    """JPEG masks of real polyps are proposed as threshold:128 and never called certain."""
    result = inspect(shared_data / "kvasir", tmp_path / "out")
    (observer,) = result.document["observers"]
    assert observer["proposed"] == "threshold:128"
    assert not observer["is_certain"]
    assert observer["values"]["is_lossy"]
    assert result.failures == ()


def test_real_membranes(shared_data, tmp_path):
    """Membrane labels are certain, and a note proposes to invert them."""
    result = inspect(shared_data / "em_membrane", tmp_path / "out", limit=2)
    (observer,) = result.document["observers"]
    assert observer["is_certain"]
    assert any("--masks invert" in note for note in result.document["notes"])
    assert result.document["labelled"] == 30


def test_what_a_layout_states_is_not_called_unconfirmed(tmp_path):
    """Colours under a table of the set itself are shown as they are, and the table keeps them."""
    root = tmp_path / "data"
    colours = np.array([[[0, 0, 0], [9, 0, 0]]] * 8, np.uint8)
    for name in "ab":
        save(root / f"images/{name}.png", np.full((8, 2), 90))
        save(root / f"masks/{name}.png", colours)
    (root / "class_dict.csv").write_text("name,r,g,b\nbackground,0,0,0\ncat,9,0,0\n")
    inspect(root, tmp_path / "out", manifest=True)
    assert "not confirmed" not in (tmp_path / "out/inspect.html").read_text()
    again = open_dataset(tmp_path / "out/manifest.csv")
    assert [each.name for each in again.classes] == ["background", "cat"]
    assert again.encodings["reference"].colours_file == root / "class_dict.csv"


def test_classes_that_never_occur_are_named(tmp_path):
    """Counted in classes and not in the values of the files, and by their names."""
    root = tmp_path / "data"
    for name in ("a", "b"):
        save(root / f"leftImg8bit/train/x/x_0_{ord(name)}_leftImg8bit.png", [[1, 2, 3]])
        save(root / f"gtFine/train/x/x_0_{ord(name)}_gtFine_labelIds.png", [[7, 26, 0]])
    (observer,) = inspect(root, tmp_path / "out").document["observers"]
    assert observer["notes"] == [
        "17 of 19 classes never occur: sidewalk, building, wall and 14 more"
    ]


def test_shares_of_many_classes_are_cut_short(tmp_path):
    """The line of a mask names as many classes as the line of classes does; the document all."""
    save(tmp_path / "data/images/a.png", np.full((8, 40), 90))
    save(tmp_path / "data/masks/a.png", np.tile(np.arange(40), (8, 1)))
    document = inspect(tmp_path / "data", tmp_path / "look").document
    (line,) = [text for name, text in table(document) if name.startswith("masks of")]
    assert line.endswith("class 23 2.50%, …")
    assert len(document["observers"][0]["class_pixel_shares"]) == 40
