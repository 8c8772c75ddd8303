from __future__ import annotations

import pytest

from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset


def pairs(dataset):
    """Id -> split and names of mask files."""
    return {
        s.id: (s.split, {o: [f.name for f in files] for o, files in s.masks.items()})
        for s in dataset.samples
    }


@pytest.mark.parametrize(
    ("image", "mask", "split"),
    [
        ("images/a.png", "masks/a.png", None),
        ("imgs/a.jpg", "labels/a.png", None),
        ("Images/a.JPG", "Ground_Truth/a.PNG", None),
        ("train/image/a.png", "train/label/a.png", "train"),
        ("valid/images/a.png", "valid/masks/a_mask.png", "validation"),
        ("images/train/a.png", "masks/train/a.png", "train"),
        ("images_train/a.png", "masks_train/a.png", "train"),
        ("train_images/a.png", "train_masks/a.png", "train"),
        ("train/a.png", "trainannot/a.png", "train"),
        ("imagesTr/a_0000.png", "labelsTr/a.png", "train"),
        ("imgs/a_img.jpg", "gts/a_gt.png", None),
        ("a.png", "masks/a.png", None),
        ("JPEGImages/a.jpg", "SegmentationClass/a.png", None),
        ("ISIC_Training_Input/a.jpg", "ISIC_Training_GroundTruth/a_segmentation.png", "train"),
        (
            "ISBI2016_Training_Data/a.jpg",
            "ISBI2016_Training_GroundTruth/a_Segmentation.png",
            "train",
        ),
        ("pictures of 2024/a.png", "all ManualMasks/a.png", None),
        ("a.png", "a_mask.png", None),
        ("a.png", "a_seg.png", None),
        ("a.png", "a-label.png", None),
        ("a_image.png", "a_mask.png", None),
        ("a.jpg", "a.png", None),
        ("a.tif", "a.png", None),
        ("a.png", "a.gif", None),
        ("val/a.jpg", "val/a.png", "validation"),
    ],
)
def test_common_naming(folder_of, image, mask, split):
    """Each common naming gives one image with its mask and its split."""
    root = folder_of([image, mask])
    (sample,) = open_dataset(root, layout="folders").samples
    assert sample.image == root / image
    assert sample.masks == {"reference": (root / mask,)}
    assert sample.split == split


def test_missing_masks_are_kept_as_unlabelled(folder_of):
    """An image without a mask is a sample without a mask, never lost."""
    dataset = open_dataset(folder_of(["images/a.png", "images/b.png", "masks/a.png"]))
    assert pairs(dataset) == {"a": (None, {"reference": ["a.png"]}), "b": (None, {})}


def test_unlabelled_images_directly_in_test(folder_of):
    """test/ with bare images beside train/image + train/label is an unlabelled test split."""
    dataset = open_dataset(folder_of(["train/image/0.png", "train/label/0.png", "test/0.png"]))
    assert pairs(dataset) == {
        "train_0": ("train", {"reference": ["0.png"]}),
        "test_0": ("test", {}),
    }


def test_images_outside_of_test_are_for_training(folder_of):
    """images/ + masks/ beside test/images/ + test/masks/ is train and test, and a note says so."""
    root = folder_of(["images/a.png", "masks/a.png", "test/images/b.png", "test/masks/b.png"])
    dataset = open_dataset(root)
    assert [s.split for s in dataset.samples] == ["train", "test"]
    assert dataset.notes == ("taken as train, for outside of the folders for test: 1 image",)


def test_several_observers(folder_of):
    """Folders of masks that name different people are different observers."""
    root = folder_of(["images/a.png", "masks_anna/a.png", "masks_ben/a.png"])
    assert open_dataset(root).observers == ("anna", "ben")


def test_field_of_view_beside_manual(folder_of):
    """With manual1/ for the vessels, mask/ is the field of view, as in HRF."""
    root = folder_of(["images/01_dr.jpg", "manual1/01_dr.tif", "mask/01_dr_mask.tif"])
    (sample,) = open_dataset(root).samples
    assert sample.region == root / "mask/01_dr_mask.tif"
    assert list(sample.masks) == ["reference"]


def test_observers_in_one_folder(folder_of):
    """CHASE_DB1 names observers in the files: X_1stHO and X_2ndHO."""
    root = folder_of(["Image_01L.jpg", "Image_01L_1stHO.png", "Image_01L_2ndHO.png"])
    (sample,) = open_dataset(root).samples
    assert {o: f[0].name for o, f in sample.masks.items()} == {
        "1": "Image_01L_1stHO.png",
        "2": "Image_01L_2ndHO.png",
    }


def test_numbered_masks_are_parts(folder_of):
    """BUSI's X_mask and X_mask_1 are parts of one mask."""
    root = folder_of(["benign (1).png", "benign (1)_mask.png", "benign (1)_mask_1.png"])
    (sample,) = open_dataset(root).samples
    assert [f.name for f in sample.masks["reference"]] == [
        "benign (1)_mask.png",
        "benign (1)_mask_1.png",
    ]


def test_folder_a_patient(folder_of):
    """Where files begin with the name of their folder, the folder is the subject."""
    names = [f"P{p}/P{p}_{n}{end}.tif" for p in (1, 2) for n in (1, 2) for end in ("", "_mask")]
    dataset = open_dataset(folder_of(names))
    assert [s.subject for s in dataset.samples] == ["P1", "P1", "P2", "P2"]
    assert "one subject" in dataset.reason


def test_masks_of_objects_are_united(folder_of):
    """One image with many masks of other names has them all, as asked for by name."""
    names = [f"{i}/images/{i}.png" for i in "ab"] + [
        f"{i}/masks/{n}.png" for i in "ab" for n in "xy"
    ]
    dataset = open_dataset(folder_of(names), layout="folders")
    assert [len(s.masks["reference"]) for s in dataset.samples] == [2, 2]
    assert dataset.notes == ("several mask files each, which are united: 2 images",)


def test_two_images_of_one_stem_are_refused(folder_of):
    """a.png and a.jpg in images/ cannot share one mask."""
    root = folder_of(["images/a.png", "images/a.jpg", "masks/a.png"])
    with pytest.raises(LayoutError, match="expected one image of this name"):
        open_dataset(root)


def test_two_masks_for_an_image_are_refused(folder_of):
    """a.png and a.gif in masks/ contradict each other."""
    root = folder_of(["images/a.png", "masks/a.png", "masks/a.gif"])
    with pytest.raises(LayoutError, match="expected one mask, found masks/a"):
        open_dataset(root)


def test_two_folders_of_masks_without_names_are_refused(folder_of):
    """masks/ and labels/ beside images/: which one counts must be said."""
    root = folder_of(["images/a.png", "masks/a.png", "labels/a.png"])
    with pytest.raises(LayoutError, match="both look like masks of images/"):
        open_dataset(root)


def test_names_that_do_not_agree_are_refused(folder_of):
    """Masks of other names than the images are an error with both names."""
    root = folder_of(["images/a.png", "images/b.png", "masks/1.png", "masks/2.png"])
    with pytest.raises(LayoutError, match=r"found 1\.png, 2\.png beside a\.png, b\.png"):
        open_dataset(root)


def test_mask_without_image_is_noted(folder_of):
    """A mask that no image has is said."""
    dataset = open_dataset(folder_of(["images/a.png", "masks/a.png", "masks/b.png"]))
    assert dataset.notes == ("no image for 1 mask in masks/: b.png",)


def test_other_folders_are_noted(folder_of):
    """A folder of pictures that belongs to no masks is left out, and a note says so."""
    dataset = open_dataset(folder_of(["images/a.png", "masks/a.png", "overlays/a.png"]))
    assert len(dataset.samples) == 1
    assert dataset.notes == ("left out, for no folder of masks belongs to it: overlays/ (1)",)


@pytest.mark.parametrize(
    ("name", "layout", "counts"),
    [
        ("usgra", "folders", {("train", True): 204, ("test", True): 40}),
        ("em_membrane", "folders", {("train", True): 30, ("test", False): 30}),
        ("kvasir", "folders", {(None, True): 5}),
        ("cityscapes/tests/data/pseudo_dataset", "folders", {(None, True): 5}),
        ("camvid", "camvid", {("train", True): 60, ("validation", True): 20, ("test", True): 20}),
        ("lgg", "lgg", {(None, True): 80}),
        ("dsb2018", "dsb2018", {("train", True): 60}),
        ("labelme_voc", "labelme", {(None, True): 3}),
        ("labelme_voc/data_dataset_voc", "voc", {(None, True): 3}),
        ("cityscapes/tests/data/pseudo_cityscapes_dataset", "cityscapes", {(None, True): 1}),
    ],
)
def test_real_sets(shared_data, name, layout, counts):
    """The shared sets open without preparation, with the right numbers in each split."""
    dataset = open_dataset(shared_data / name)
    assert dataset.layout == layout
    found = [(s.split, bool(s.masks)) for s in dataset.samples]
    assert {key: found.count(key) for key in set(found)} == counts


def test_superpixels_beside_images_are_no_images(folder_of):
    """ISIC 2017 has an `X_superpixels.png` beside each `X.jpg`; they are left out and told."""
    names = [f"ISIC-2017_Training_Data/{i}{e}" for i in "ab" for e in (".jpg", "_superpixels.png")]
    names += [f"ISIC-2017_Training_Part1_GroundTruth/{i}_segmentation.png" for i in "ab"]
    dataset = open_dataset(folder_of(names))
    assert [(s.id, s.image.name, bool(s.masks)) for s in dataset.samples] == [
        ("a", "a.jpg", True), ("b", "b.jpg", True),
    ]  # fmt: skip
    assert dataset.notes == (
        "left out, for they are superpixels: 2 files in ISIC-2017_Training_Data/",
    )


def test_masks_that_bear_their_observer(folder_of):
    """STARE names masks `im0001.ah` in `labels-ah/`; each folder is an observer."""
    names = ["stare-images/im0001.png", "labels-ah/im0001.ah.png", "labels-vk/im0001.vk.png"]
    (sample,) = open_dataset(folder_of(names)).samples
    assert {o: [f.name for f in files] for o, files in sample.masks.items()} == {
        "ah": ["im0001.ah.png"], "vk": ["im0001.vk.png"],
    }  # fmt: skip


def test_two_folders_with_the_names_of_masks_are_not_told_apart(folder_of):
    """Neither of them says that it holds the images, so nothing is guessed."""
    root = folder_of(["day/a.png", "night/a.png", "masks of all/a.png"])
    with pytest.raises(LayoutError, match="no folder of images belongs to masks of all/"):
        open_dataset(root)


def test_lists_say_the_split_where_folders_do_not(folder_of):
    """`train.txt` and `test.txt` as in Kvasir-Instrument; how many they lack is told."""
    root = folder_of([f"{d}/{i}.png" for d in ("images", "masks") for i in "abc"])
    (root / "train.txt").write_text("a\n")
    (root / "test.txt").write_text("b.png\n")
    dataset = open_dataset(root)
    assert [(s.id, s.split) for s in dataset.samples] == [
        ("a", "train"),
        ("b", "test"),
        ("c", None),
    ]
    assert dataset.notes == ("splits are those of the lists in the folder, which lack 1 image",)
    (root / "test.txt").write_text("nothing of it\n")
    (root / "train.txt").write_text("a notice\nto read\n")
    assert [s.split for s in open_dataset(root).samples][1:] == [None, None]


def test_what_all_lies_in_says_nothing_of_its_content(folder_of):
    """`Lung Segmentation/` holds images and masks, and is itself neither."""
    names = [f"Lung Segmentation/{d}/a{k}.png" for d in ("CXR_png", "masks") for k in "12"]
    dataset = open_dataset(folder_of([*names, "Lung Segmentation/test/b.png"]))
    assert [(s.id, s.split, bool(s.masks)) for s in dataset.samples] == [
        ("b", "test", False), ("a1", None, True), ("a2", None, True),
    ]  # fmt: skip


def test_images_in_several_parts(folder_of):
    """HAM10000 has its images in two folders and all masks in one; a mask of none is told once."""
    names = ["images_part_1/a.jpg", "images_part_1/b.jpg", "images_part_2/c.jpg"]
    names += [f"segmentations_all/{i}_segmentation.png" for i in "abcd"]
    dataset = open_dataset(folder_of(names))
    assert pairs(dataset) == {i: (None, {"reference": [f"{i}_segmentation.png"]}) for i in "abc"}
    assert dataset.notes == ("no image for 1 mask in segmentations_all/: d_segmentation.png",)
