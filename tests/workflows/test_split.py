from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, LeakageError, OutputExistsError, UncertainMaskError
from delineate.data.manifest import write_manifest
from delineate.data.opening import open_dataset
from delineate.data.splitting import apply_split, read_split
from delineate.files.writing import is_ours, read_json, write_json
from delineate.workflows.split import split, table


def save(path: Path, values) -> None:
    """Write a picture of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


@pytest.fixture
def pairs(tmp_path):
    """A function that makes nerve pairs of 8x8 pixels: every second mask is empty."""

    def make(names) -> Path:
        for number, name in enumerate(names):
            save(tmp_path / f"data/{name}.tif", np.full((8, 8), 50))
            mask = np.zeros((8, 8))
            mask[:2] = 255 * (number % 2)
            save(tmp_path / f"data/{name}_mask.tif", mask)
        return tmp_path / "data"

    return make


def test_flat_folder_is_split_anew(pairs, tmp_path):
    """Where the data states nothing, whole subjects go to all three parts, written down."""
    root = pairs([f"{s}_{n}" for s in range(1, 21) for n in (1, 2)])
    result = split(root, tmp_path / "out", seed=4)
    assignment = read_split(result.path)
    assert Counter(assignment.values()) == {"train": 28, "validation": 6, "test": 6}
    assert all(assignment[f"{s}_1"] == assignment[f"{s}_2"] for s in range(1, 21))
    document = read_json(tmp_path / "out/split.json", schema="split")
    assert document["parts"]["test"] == {
        "images": 6,
        "subjects": 3,
        "empty_share": 0.5,
        "mean_foreground_share": 0.125,
    }
    assert document["seed"] == 4


def test_same_seed_same_file(pairs, tmp_path):
    """The file is the same for the same seed."""
    root = pairs([f"{s}_1" for s in range(1, 13)])
    first, again = (split(root, tmp_path / f"{n}.csv", seed=1).path.read_bytes() for n in "ab")
    assert first == again
    assert split(root, tmp_path / "c.csv", seed=2).path.read_bytes() != first


def test_stated_test_is_kept(pairs, tmp_path):
    """Train and test that the folder states stay; validation is taken from train."""
    root = pairs([f"train/{s}_1" for s in range(1, 11)] + ["test/98_1", "test/99_1"])
    result = split(root, tmp_path / "out")
    assignment = read_split(result.path)
    assert Counter(assignment.values()) == {"train": 8, "validation": 2, "test": 2}
    assert assignment["98_1"] == assignment["99_1"] == "test"
    assert dict(table(result.document))["origin"].endswith("validation taken from train")


def test_fresh_forgets_what_is_stated(pairs, tmp_path):
    """With fresh, a test image may become a training image."""
    root = pairs([f"train/{s}_1" for s in range(1, 3)] + [f"test/{s}_1" for s in range(3, 21)])
    assignment = read_split(split(root, tmp_path / "out", fresh=True).path)
    assert Counter(assignment.values()) == {"train": 14, "validation": 3, "test": 3}


def test_whole_stated_split_is_written_as_it_is(pairs, tmp_path):
    """Train, validation and test that the folder states are written down unchanged."""
    root = pairs(["train/1_1", "train/1_2", "val/2_1", "test/3_1"])
    result = split(root, tmp_path / "out")
    assert read_split(result.path) == {
        "1_1": "train",
        "1_2": "train",
        "2_1": "validation",
        "3_1": "test",
    }
    assert result.document["origin"] == "as the data states it"


def test_leak_in_the_folder_is_refused(pairs, tmp_path):
    """A stated split that shares a subject is refused, and nothing is written."""
    root = pairs(["train/1_1", "train/2_1", "test/1_2"])
    with pytest.raises(LeakageError, match=r"1 subject on both sides .* 1 \(in train and test\)"):
        split(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_fresh_mends_the_leak(pairs, tmp_path):
    """Splitting anew keeps each subject on one side."""
    root = pairs(["train/1_1", "train/2_1", "test/1_2", "test/3_1", "train/4_1"])
    assignment = read_split(split(root, tmp_path / "out", fresh=True).path)
    assert assignment["1_1"] == assignment["1_2"]


def test_missing_mask_is_refused(pairs, tmp_path):
    """An image without a mask cannot be trained on: it is counted and named."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    (root / "3_1_mask.tif").unlink()
    with pytest.raises(LayoutError, match=r"1 of 5 images: .*3_1\.tif"):
        split(root, tmp_path / "out")


def test_uncertain_masks_are_refused(pairs, tmp_path):
    """Areas need decoded masks: the error proposes how to decode them."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    save(root / "1_1_mask.tif", np.repeat([[0, 0, 0, 90, 170, 250, 250, 250]], 8, axis=0))
    with pytest.raises(UncertainMaskError, match="--masks threshold:128"):
        split(root, tmp_path / "out")


def test_existing_split_is_kept(pairs, tmp_path):
    """A split that exists is refused, and replaced only with overwrite."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    split(root, tmp_path / "split.csv")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        split(root, tmp_path / "split.csv")
    split(root, tmp_path / "split.csv", overwrite=True, seed=3)
    assert read_json(tmp_path / "split.json", schema="split")["seed"] == 3


def test_overwrite_replaces_splits_alone(pairs, tmp_path):
    """A CSV that is no split is never replaced."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    (tmp_path / "precious.csv").write_text("a,b\n1,2\n")
    with pytest.raises(OutputExistsError, match="this is none"):
        split(root, tmp_path / "precious.csv", overwrite=True)
    assert (tmp_path / "precious.csv").read_text() == "a,b\n1,2\n"


def test_overwrite_replaces_two_files_alone(pairs, tmp_path):
    """What else lies in the folder stays, even in one that Delineate made."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    split(root, tmp_path / "out")
    (tmp_path / "out/weights").write_text("hours of work")
    split(root, tmp_path / "out", overwrite=True, seed=3)
    assert (tmp_path / "out/weights").read_text() == "hours of work"
    assert read_json(tmp_path / "out/split.json", schema="split")["seed"] == 3


def test_a_folder_of_somebody_else_takes_a_split(pairs, tmp_path):
    """A split beside the images leaves them as they are, and the folder theirs."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    before = {file: file.read_bytes() for file in root.rglob("*")}
    split(root, root)
    split(root, root, overwrite=True)
    assert all(file.read_bytes() == content for file, content in before.items())
    assert {file.name for file in set(root.rglob("*")) - set(before)} == {"split.csv", "split.json"}
    assert not is_ours(root)


def test_the_split_of_a_run_is_kept(pairs, tmp_path):
    """A split without the JSON of `delineate split`, as a run keeps, is never replaced."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    split(root, tmp_path / "run")
    (tmp_path / "run/split.json").unlink()
    before = (tmp_path / "run/split.csv").read_bytes()
    with pytest.raises(OutputExistsError, match="this is none"):
        split(root, tmp_path / "run", overwrite=True, seed=3)
    assert (tmp_path / "run/split.csv").read_bytes() == before


def test_a_json_of_the_same_name_is_kept(pairs, tmp_path):
    """`eyes.csv` does not take the place of an `eyes.json` that is no split."""
    root = pairs([f"{s}_1" for s in range(1, 6)])
    (tmp_path / "eyes.json").write_text("{}")
    with pytest.raises(OutputExistsError, match=r"eyes\.json: the split exists"):
        split(root, tmp_path / "eyes.csv")
    with pytest.raises(OutputExistsError, match="this is none"):
        split(root, tmp_path / "eyes.csv", overwrite=True)
    assert (tmp_path / "eyes.json").read_text() == "{}"


def test_a_manifest_is_no_split(pairs, tmp_path):
    """A manifest begins with the columns of a split, and is kept all the same."""
    write_manifest(open_dataset(pairs([f"{s}_1" for s in range(1, 6)])), tmp_path / "m.csv")
    before = (tmp_path / "m.csv").read_bytes()
    with pytest.raises(OutputExistsError, match="would replace its input"):
        split(tmp_path / "m.csv", tmp_path / "m.csv", overwrite=True)
    write_json(tmp_path / "m.json", {}, schema="split")
    with pytest.raises(OutputExistsError, match="this is none"):
        split(tmp_path / "data", tmp_path / "m.csv", overwrite=True)
    assert (tmp_path / "m.csv").read_bytes() == before


def test_an_interrupted_split_can_be_written_again(pairs, tmp_path, monkeypatch):
    """A writing that stops between the two files leaves what --overwrite replaces."""
    root = pairs([f"{s}_1" for s in range(1, 6)])

    def stop(*_):
        raise KeyboardInterrupt("between the files")

    with monkeypatch.context() as patch:
        patch.setattr("delineate.workflows.split.write_split", stop)
        with pytest.raises(KeyboardInterrupt, match="between"):
            split(root, tmp_path / "out")
    assert split(root, tmp_path / "out", overwrite=True).path.is_file()


def test_real_drive_holds_out_of_training(shared_data, tmp_path):
    """On DRIVE the twenty test photographs stay, and three of train validate."""
    result = split(shared_data / "drive", tmp_path / "out")
    counts = {name: part["images"] for name, part in result.document["parts"].items()}
    assert counts == {"train": 17, "validation": 3, "test": 20}


def test_real_nerve_leak_is_refused(shared_data, tmp_path):
    """The shared nerve set has every subject on both sides."""
    with pytest.raises(LeakageError, match="4 subjects on both sides"):
        split(shared_data / "nerve_jpeg", tmp_path / "out", masks="threshold:128")


def test_copies_stay_on_one_side(leaking_set, tmp_path):
    """A flipped copy and a file that is there twice go where the other goes, and are counted."""
    for seed in range(4):
        result = split(leaking_set, tmp_path / f"{seed}.csv", seed=seed)
        parts = read_split(result.path)
        assert parts["s0_0"] == parts["s5_1"]
        assert parts["s1_0"] == parts["s4_0"]
    assert result.document["copies"] == [["s0_0", "s5_1"], ["s1_0", "s4_0"]]
    assert dict(table(result.document))["copies"] == "4 images in 2 groups, each on one side"


def test_subjects_with_copies_of_each_other_stay_together(leaking_set, tmp_path):
    """Where it is known whose images they are, copies join their subjects as a whole."""
    result = split(leaking_set, tmp_path / "out", subjects=r"^(s\d)_")
    parts = read_split(result.path)
    assert parts["s0_0"] == parts["s0_1"] == parts["s5_0"] == parts["s5_1"]
    assert parts["s1_1"] == parts["s4_1"]


def test_a_stated_split_with_copies_is_refused(leaking_set, tmp_path):
    """Folders that part copies are no split; splitting anew mends it."""
    (tmp_path / "data").mkdir()
    dataset = apply_split(open_dataset(leaking_set), read_split(leaking_set.parent / "split.csv"))
    write_manifest(dataset, tmp_path / "data" / "m.csv")
    with pytest.raises(LeakageError, match=r"1 picture with copies .* with --fresh"):
        split(tmp_path / "data" / "m.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    split(tmp_path / "data" / "m.csv", tmp_path / "out", fresh=True)


def test_dropped_images_are_in_no_part(leaking_set, review_of, tmp_path):
    """A review counts: what it drops is not placed, and the JSON says which decisions held."""
    audit = review_of(("same file", "keep_one", "s1_0"), ("flipped", "not_a_twin"))
    result = split(leaking_set, tmp_path / "out", review=audit)
    assert "s4_0" not in read_split(result.path)
    assert result.document["copies"] == []
    assert len(result.document["review"]["decisions"]) == 2
    rows = dict(table(result.document))
    assert rows["review"].startswith(f"2 decisions of {audit}: 1 image left out")


def test_images_that_a_table_labels_are_split_by_it(pairs, tmp_path):
    """Without masks, subjects stay whole and the parts are alike in what the table says."""
    names = [f"{s}_{n}" for s in range(1, 21) for n in (1, 2)]
    root = pairs(names)
    for file in root.glob("*_mask.tif"):
        file.unlink()
    present = {name: int(name.split("_")[0]) <= 10 for name in names}
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n" + "".join(f"{id_},{int(p)}\n" for id_, p in present.items()))
    options = {"layout": "images", "labels": labels, "subjects": r"^(\d+)_"}
    result = split(root, tmp_path / "out", **options)
    assignment = read_split(result.path)
    assert all(assignment[f"{s}_1"] == assignment[f"{s}_2"] for s in range(1, 21))
    for name, images in (("train", 28), ("validation", 6), ("test", 6)):
        inside = [id_ for id_, part in assignment.items() if part == name]
        share = sum(present[id_] for id_ in inside) / len(inside)
        assert share == pytest.approx(0.5, abs=0.2)
        assert result.document["parts"][name] == {
            "images": images,
            "subjects": images // 2,
            "present_share": share,
        }
    assert f"28 images of 14 subjects; {0.5:.1%} present" in dict(table(result.document))["train"]
    assert result.document["labels"] == str(labels)
    again = split(root, tmp_path / "again", fresh=True, **options)
    assert read_split(again.path) == assignment
    with pytest.raises(OutputExistsError, match="would replace its input"):
        split(root, labels, overwrite=True, **options)


def test_a_table_counts_where_there_are_masks_too(pairs, tmp_path):
    """A stated split is told by its labels, and masks are not even read."""
    root = pairs([f"{s}_1" for s in range(1, 13)])
    for file in root.glob("*_mask.tif"):
        file.write_bytes(b"broken")
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n" + "".join(f"{s}_1,{int(s < 7)}\n" for s in range(1, 13)))
    result = split(root, tmp_path / "out", labels=labels)
    shares = [part["present_share"] for part in result.document["parts"].values()]
    assert all(0 < share < 1 for share in shares)
