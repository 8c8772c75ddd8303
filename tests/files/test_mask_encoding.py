"""What masks mean: certain, proposed, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImages

from delineate.core.errors import SettingsError, UncertainMaskError, UnreadableFileError
from delineate.core.types import IGNORE
from delineate.files.mask_encoding import (
    MaskEncoding,
    Proposal,
    RawMask,
    decode,
    describe,
    propose,
    read_mask,
    read_raw_mask,
    write_colour_table,
)

HERE = Path("a.png")


def _raw(values: object, *, is_lossy: bool = False) -> RawMask:
    array = np.array(values)
    dtype = np.uint16 if array.max() > 255 else np.uint8
    return RawMask(array.astype(dtype), None, is_lossy, "test")


def _proposed(*masks: object) -> Proposal:
    return propose([describe(_raw(values)) for values in masks])


encodings = st.one_of(
    st.builds(MaskEncoding, st.just("index"), ignore=st.none() | st.integers(0, 65535)),
    st.builds(MaskEncoding, st.just("binary"), is_inverted=st.booleans()),
    st.builds(
        MaskEncoding,
        st.just("threshold"),
        st.integers(1, 65535),
        is_inverted=st.booleans(),
        ignore=st.none() | st.integers(0, 65535),
    ),
    st.just(MaskEncoding("colours", colours_file=Path("a folder/of, commas.csv"))),
)


@given(encodings)
def test_an_encoding_survives_its_text(encoding: MaskEncoding) -> None:
    """The text of an encoding parses to the same encoding."""
    assert MaskEncoding.parse(str(encoding)) == encoding


def test_invert_alone_means_binary() -> None:
    """`invert` is short for `binary,invert`."""
    assert MaskEncoding.parse("invert") == MaskEncoding("binary", is_inverted=True)


@pytest.mark.parametrize(
    "text", ["", "treshold:3", "threshold", "threshold:x", "index,invert", "threshold:0"]
)
def test_a_wrong_encoding_is_refused(text: str) -> None:
    """A word outside the grammar is an error that says what was expected."""
    with pytest.raises(SettingsError, match="encoding"):
        MaskEncoding.parse(text)


@pytest.mark.parametrize(
    ("masks", "encoding", "is_certain", "classes"),
    [
        ([[[0, 0]]], "binary", True, 2),
        ([[[0, 1]]], "binary", True, 2),
        ([[[0, 255]], [[0, 0]]], "binary", True, 2),
        ([[[0, 65535]]], "binary", True, 2),
        ([[[0, 1]], [[0, 255]]], "binary", True, 2),
        ([[[0, 1, 255]]], "index,ignore:255", False, 2),
        ([[[0, 1, 2]]], "index", True, 3),
        ([[[0, 2]], [[1, 0]]], "index", True, 3),
        ([[[0, 1, 2, 255]]], "index,ignore:255", True, 3),
        ([[[0, 128]]], "threshold:64", False, 2),
        ([[[0] * 90 + [17] + [255] * 9]], "threshold:128", False, 2),
        ([[[0, 85, 170, 255]]], "colours:colours.csv", False, 4),
        ([[[0, 26001, 26002]]], "threshold:1", False, 2),
    ],
)
def test_what_values_propose(
    masks: Sequence[object], encoding: str, is_certain: bool, classes: int
) -> None:
    """Plain values are certain; whatever could mean two things is only proposed."""
    proposal = _proposed(*masks)
    assert (str(proposal.encoding), proposal.is_certain) == (encoding, is_certain)
    assert proposal.class_count == classes


def test_lossy_edges_propose_a_threshold_with_proof(tmp_path: Path) -> None:
    """A JPEG mask is proposed at 128, with how little the choice matters."""
    values = np.zeros((64, 64), np.uint8)
    values[20:44, 15:50] = 255
    PillowImages.fromarray(values).resize((90, 90), PillowImages.Resampling.BILINEAR).save(
        tmp_path / "m.jpg", quality=60
    )
    raw = read_raw_mask(tmp_path / "m.jpg")
    proposal = propose([describe(raw)])
    assert (str(proposal.encoding), proposal.is_certain) == ("threshold:128", False)
    assert "between thresholds 96 and 160 the foreground changes by" in proposal.reason


def test_an_inverted_mask_gets_a_note_and_stays_certain() -> None:
    """Foreground over most of frame and border is noted; the note names the option."""
    values = np.full((20, 20), 255)
    values[8:11, 8:11] = 0
    proposal = _proposed(values)
    assert proposal.is_certain
    assert any("--masks invert" in note for note in proposal.notes)
    assert not _proposed(255 - values).notes


def test_soft_edges_are_told_with_values_and_remedy() -> None:
    """The error names file, values, what was expected, and what to do."""
    with pytest.raises(UncertainMaskError) as caught:
        decode(_raw([[0, 17, 255]]), MaskEncoding("binary"), path=Path("train/12_4_mask.tif"))
    assert str(caught.value) == (
        "train/12_4_mask.tif: the mask holds 0, 17 and 255; expected 0 and 1, or 0 and 255. "
        "Soft edges often come from a bilinear resize. Re-export with nearest, or accept the "
        "proposed decoding with --masks threshold:128."
    )


@pytest.mark.parametrize(
    ("values", "encoding", "labels"),
    [
        ([[0, 1]], "binary", [[0, 1]]),
        ([[0, 255]], "invert", [[1, 0]]),
        ([[0, 255, 7]], "invert,ignore:7", [[1, 0, IGNORE]]),
        ([[0, 127, 128]], "threshold:128", [[0, 0, 1]]),
        ([[0, 3, 255]], "index,ignore:255", [[0, 3, IGNORE]]),
        ([[0, 3, 900]], "index,ignore:900", [[0, 3, IGNORE]]),
        ([[[9, 9, 9], [250, 255, 248]]], "threshold:128", [[0, 1]]),
    ],
)
def test_decoding(values: object, encoding: str, labels: object) -> None:
    """Each encoding turns values into the labels it says."""
    found = decode(_raw(values), MaskEncoding.parse(encoding), path=HERE)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize(
    ("values", "encoding"),
    [([[0, 255]], "index"), ([[0, 2]], "binary"), ([[[1, 200, 3]]], "binary")],
)
def test_values_that_do_not_fit_are_refused(values: object, encoding: str) -> None:
    """No value is bent to an encoding that has no place for it."""
    with pytest.raises(UncertainMaskError, match=r"a\.png: the mask holds"):
        decode(_raw(values), MaskEncoding.parse(encoding), path=HERE)


def test_colours_need_a_table_and_match_exactly(tmp_path: Path) -> None:
    """The proposed table decodes the mask; an unlisted colour is counted and named."""
    values = np.array([[[0, 0, 0], [255, 0, 0]], [[0, 0, 0], [0, 9, 255]]])
    proposal = _proposed(values)
    assert (proposal.encoding.kind, proposal.is_certain) == ("colours", False)
    write_colour_table(tmp_path / "c.csv", proposal)
    encoding = MaskEncoding("colours", colours_file=tmp_path / "c.csv")
    labels = decode(_raw(values), encoding, path=HERE)
    assert labels[:, 0].tolist() == [0, 0]
    assert sorted(labels[:, 1].tolist()) == [1, 2]
    with pytest.raises(UncertainMaskError, match=r"1 pixels have 1 colours .* \(1, 2, 3\)"):
        decode(_raw([[[1, 2, 3], [0, 0, 0]]]), encoding, path=HERE)


def test_a_broken_colour_table_names_the_row(tmp_path: Path) -> None:
    """A colour outside 0..255 is told with its row."""
    (tmp_path / "c.csv").write_text("name,red,green,blue\nsky,0,0,0\ncar,0,256,0\n")
    encoding = MaskEncoding("colours", colours_file=tmp_path / "c.csv")
    with pytest.raises(UnreadableFileError, match="row 3: expected a name and three numbers"):
        decode(_raw([[0, 0]]), encoding, path=HERE)


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.tif"])
def test_palette_files_give_indices(tmp_path: Path, name: str) -> None:
    """Nearly black and nearly white in a palette are 0 and 1, as in DRIVE's second observer."""
    values = np.eye(9, dtype=np.uint8)
    picture = PillowImages.fromarray(values)
    picture.putpalette([4, 2, 4, 252, 254, 252])
    picture.save(tmp_path / name)
    raw = read_raw_mask(tmp_path / name)
    np.testing.assert_array_equal(raw.values, values)
    assert raw.palette is not None
    assert raw.palette[:2].tolist() == [[4, 2, 4], [252, 254, 252]]
    assert str(propose([describe(raw)]).encoding) == "binary"


def test_a_grey_ramp_is_no_palette(tmp_path: Path) -> None:
    """A grey GIF holds greys: 0 and 255."""
    PillowImages.fromarray(np.eye(9, dtype=np.uint8) * 255).save(
        tmp_path / "x.gif", optimize=False, palette=bytes(v for v in range(256) for _ in "rgb")
    )
    raw = read_raw_mask(tmp_path / "x.gif")
    assert raw.palette is None
    assert set(np.unique(raw.values)) == {0, 255}


@pytest.mark.parametrize("masks", [[[0, 9, 255]], [[0, 255], [255, 255]]])
def test_palettes_made_by_a_converter_are_not_classes(
    tmp_path: Path, masks: list[list[int]]
) -> None:
    """Greys that a program numbered anew for each file are decoded as shown, if confirmed."""
    raws = []
    for number, row in enumerate(masks):
        levels = sorted(set(row))
        picture = PillowImages.fromarray(np.array([[levels.index(v) for v in row]], np.uint8))
        picture.putpalette([level for level in levels for _ in "rgb"])
        picture.save(tmp_path / f"{number}.png")
        raws.append(read_raw_mask(tmp_path / f"{number}.png"))
    proposal = propose([describe(raw) for raw in raws])
    assert (str(proposal.encoding), proposal.is_certain) == ("threshold:128", False)
    for raw, row in zip(raws, masks, strict=True):
        assert decode(raw, proposal.encoding, path=HERE)[0].tolist() == [v >= 128 for v in row]


@pytest.mark.parametrize(
    ("values", "said"),
    [([[0.0, np.nan]], "NaN"), ([[0.0, 0.4]], "fractions"), ([[-1.0, 2.0]], "from -1 to 2")],
)
def test_float_masks_must_be_whole_numbers(
    tmp_path: Path, values: list[list[float]], said: str
) -> None:
    """NaN, fractions and negative numbers are told, never rounded."""
    tifffile.imwrite(tmp_path / "x.tif", np.array(values, np.float32))
    with pytest.raises(UncertainMaskError, match=said):
        read_raw_mask(tmp_path / "x.tif")


@pytest.mark.parametrize(
    ("pattern", "encoding", "is_certain", "classes"),
    [
        ("drive/DRIVE/test/1st_manual/*.gif", "binary", True, 2),
        ("drive/DRIVE/test/2nd_manual/*.gif", "binary", True, 2),
        ("usgra/test/masks/*.png", "index", True, 3),
        ("nerve_jpeg/test/masks/*.jpg", "threshold:128", False, 2),
        ("nerve_masks/**/*_mask.tif", "binary", True, 2),
        ("kvasir/Kvasir-SEG/masks/*.jpg", "threshold:128", False, 2),
        ("lgg/**/*_mask.tif", "binary", True, 2),
        ("em_membrane/train/label/*.png", "binary", True, 2),
        ("camvid/trainannot/*.png", "index", True, 12),
        ("cityscapes/**/*_gtFine_labelIds.png", "index", True, 27),
        ("labelme_voc/**/SegmentationClass/*.png", "index", True, 21),
    ],
)
def test_real_masks(
    shared_data: Path, pattern: str, encoding: str, is_certain: bool, classes: int
) -> None:
    """Masks as people publish them are understood, and decode by what is proposed."""
    files = sorted(shared_data.glob(pattern))[:30]
    proposal = propose([describe(read_raw_mask(file)) for file in files])
    found = str(proposal.encoding).removesuffix(",ignore:255")
    assert (found, proposal.is_certain) == (encoding, is_certain), proposal.reason
    assert proposal.class_count <= classes
    shares = [float((read_mask(file, proposal.encoding) == 1).mean()) for file in files]
    assert max(shares) <= 0.9


def test_labelme_palette_agrees_with_its_arrays(shared_data: Path) -> None:
    """The VOC palette PNG and the NumPy array of the same labels agree."""
    folder = shared_data / "labelme_voc" / "data_dataset_voc"
    for file in sorted((folder / "SegmentationClass").glob("*.png")):
        labels = read_mask(file, MaskEncoding.parse("index,ignore:255")).astype(int)
        truth = np.load(folder / "SegmentationClassNpy" / f"{file.stem}.npy") % 256
        np.testing.assert_array_equal(labels, truth)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.int32, np.int64, np.float32])
def test_arrays_are_masks_too(tmp_path: Path, dtype: type) -> None:
    """A NumPy file of whole numbers in any type gives them back, one channel or three alike."""
    values = np.array([[0, 1], [1, 0]], dtype)
    np.save(tmp_path / "m.npy", values)
    np.save(tmp_path / "three.npy", np.repeat(values[..., np.newaxis], 3, axis=2))
    for name in ("m.npy", "three.npy"):
        raw = read_raw_mask(tmp_path / name)
        assert raw.values.tolist() == [[0, 1], [1, 0]]
        assert raw.values.dtype == np.uint8


def test_minus_one_is_unknown(tmp_path: Path) -> None:
    """labelme's -1 becomes 255; beside a class 255, or another negative number, it is refused."""
    np.save(tmp_path / "m.npy", np.array([[-1, 0, 20]], np.int32))
    encoding = MaskEncoding.parse("index,ignore:255")
    assert read_mask(tmp_path / "m.npy", encoding).tolist() == [[IGNORE, 0, 20]]
    for strange in ([[-1, 255]], [[-2, 0]]):
        np.save(tmp_path / "n.npy", np.array(strange, np.int32))
        with pytest.raises(UncertainMaskError, match="expected 0 to 65535"):
            read_raw_mask(tmp_path / "n.npy")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(4),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((0, 3), np.uint8),
        np.array([["a", "b"]]),
        np.array([[{}, {}]], object),
        np.zeros((2, 2), np.complex64),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: object) -> None:
    """What is not two-dimensional numbers is told in one line; objects are never unpickled."""
    np.save(tmp_path / "m.npy", array)  # type: ignore[call-overload]
    with pytest.raises(UnreadableFileError, match=r"m\.npy: expected a NumPy array") as caught:
        read_raw_mask(tmp_path / "m.npy")
    assert "\n" not in str(caught.value)


def test_damaged_arrays_are_refused(tmp_path: Path) -> None:
    """A header that promises too much, and a file cut anywhere, give one line."""
    np.save(tmp_path / "m.npy", np.zeros((5, 5), np.uint8))
    whole = (tmp_path / "m.npy").read_bytes()
    for end in range(6, len(whole)):
        (tmp_path / "cut.npy").write_bytes(whole[:end])
        with pytest.raises(UnreadableFileError, match=r"cut\.npy"):
            read_raw_mask(tmp_path / "cut.npy")
    huge = whole.replace(b"(5, 5)", b"(5000000, 5000000)".ljust(6))[: len(whole)]
    (tmp_path / "huge.npy").write_bytes(huge)
    with pytest.raises(UnreadableFileError, match=r"huge\.npy"):
        read_raw_mask(tmp_path / "huge.npy")
