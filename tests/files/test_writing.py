"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from delineate.core.errors import CannotWriteError, OutputExistsError, UnreadableFileError
from delineate.core.types import IGNORE, default_classes
from delineate.files.image_files import read_image
from delineate.files.mask_encoding import MaskEncoding, read_mask, read_raw_mask
from delineate.files.mask_files import (
    read_probability,
    write_image,
    write_index_mask,
    write_probability,
)
from delineate.files.writing import (
    append_line,
    atomic_write,
    new_folder,
    read_json,
    read_lines,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)

shapes = st.tuples(st.integers(1, 8), st.integers(1, 8))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_leaves_the_earlier_file(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever breaks the writing, the old content stays and nothing else is left."""
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error, match="stop"), atomic_write(tmp_path / "a.txt") as draft:  # noqa: PT012 - the block is tested
        draft.write_text("half")
        raise error("stop")
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_what_the_system_refuses_is_one_line(tmp_path: Path, code: int) -> None:
    """A full or read-only target is our error, and leaves nothing half-written."""
    with (  # noqa: PT012 - the block is tested
        pytest.raises(CannotWriteError, match=r"a\.txt: cannot be written: ") as caught,
        atomic_write(tmp_path / "a.txt") as draft,
    ):
        draft.write_text("half")
        raise OSError(code, os.strerror(code))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_real_size_limit_leaves_the_earlier_file(tmp_path: Path) -> None:
    """Under RLIMIT_FSIZE the old files stay, logs keep whole lines, nothing is left over."""
    (tmp_path / "a.bin").write_bytes(b"old")
    (tmp_path / "log").write_bytes(b"x" * 4000 + b"\n")
    program = (
        "import sys; from pathlib import Path\n"
        "from delineate.files.writing import write_bytes, append_line\n"
        "from delineate.core.errors import CannotWriteError\n"
        "for act in (lambda: write_bytes(Path('a.bin'), bytes(9999)),\n"
        "            lambda: append_line(Path('log'), 'y' * 500)):\n"
        "    try: act()\n"
        "    except CannotWriteError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert done.stdout.count("size limit of this process") == 2
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert (tmp_path / "log").read_bytes() == b"x" * 4000 + b"\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """Writing into a folder that is not there says so."""
    with pytest.raises(CannotWriteError, match="does not exist"):
        write_text(tmp_path / "none" / "a.txt", "x")


def test_json_is_headed_and_strict(tmp_path: Path) -> None:
    """Schema and version come first; NaN is refused; another schema is told."""
    write_json(tmp_path / "a.json", {"value": None}, schema="evaluation")
    document = read_json(tmp_path / "a.json", schema="evaluation")
    assert list(document) == ["schema", "delineate_version", "value"]
    assert document["schema"] == "delineate/evaluation/1"
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"value": float("nan")}, schema="evaluation")
    assert not (tmp_path / "b.json").exists()
    with pytest.raises(UnreadableFileError, match="expected schema 'delineate/model/1', found"):
        read_json(tmp_path / "a.json", schema="delineate/model/1")
    write_text(tmp_path / "c.json", "{")
    with pytest.raises(UnreadableFileError, match="JSON document, found something else"):
        read_json(tmp_path / "c.json", schema="model")


def test_tables_and_lines(tmp_path: Path) -> None:
    """None is an empty cell, a short row is a mistake, a torn last line is ended."""
    write_csv(tmp_path / "a.csv", ("id", "dice"), [("a,b", None)])
    assert (tmp_path / "a.csv").read_text() == 'id,dice\n"a,b",\n'
    with pytest.raises(ValueError, match="row 1: expected 2 cells, found 1"):
        write_csv(tmp_path / "a.csv", ("id", "dice"), [("a",)])
    (tmp_path / "log").write_text("whole\nto")
    append_line(tmp_path / "log", "next")
    assert (tmp_path / "log").read_text() == "whole\nto\nnext\n"


def test_folders_are_kept_unless_asked(tmp_path: Path) -> None:
    """An existing folder is refused, resumed, or replaced if it is ours.

    Going on with it is proposed only by a caller that can.
    """
    folder = new_folder(tmp_path / "out" / "run", overwrite=False)
    assert new_folder(folder, overwrite=False) == folder
    write_text(folder / "a.txt", "x")
    with pytest.raises(OutputExistsError, match="choose another, or replace it with --overwrite"):
        new_folder(folder, overwrite=False)
    with pytest.raises(OutputExistsError, match="--resume, or replace it with --overwrite"):
        new_folder(folder, overwrite=False, can_resume=True)
    assert (new_folder(folder, overwrite=False, resume=True) / "a.txt").exists()
    assert not (new_folder(folder, overwrite=True) / "a.txt").exists()


def test_what_is_to_be_kept_outlives_an_overwriting(tmp_path: Path) -> None:
    """A file named in `keep` stays when the rest of the folder is emptied."""
    folder = new_folder(tmp_path / "out")
    write_text(folder / "review.sqlite", "decisions")
    write_text(folder / "audit.json", "findings")
    new_folder(folder, overwrite=True, keep=("review.sqlite",))
    assert (folder / "review.sqlite").read_text() == "decisions"
    assert not (folder / "audit.json").exists()


def test_a_folder_of_somebody_else_is_never_emptied(tmp_path: Path) -> None:
    """`--overwrite` on a folder with photographs refuses; one with our JSON is ours.

    A split that was put beside the photographs does not make them ours.
    """
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(OutputExistsError, match="only folders that Delineate made"):
        new_folder(tmp_path, overwrite=True)
    write_json(tmp_path / "split.json", {"seed": 0}, schema="split")
    with pytest.raises(OutputExistsError, match="only folders that Delineate made"):
        new_folder(tmp_path, overwrite=True)
    assert (tmp_path / "photo.png").exists()
    write_json(tmp_path / "e.json", {}, schema="evaluation")
    new_folder(tmp_path, overwrite=True)
    assert not (tmp_path / "photo.png").exists()


def test_a_folder_of_somebody_else_is_never_resumed(tmp_path: Path) -> None:
    """`--resume` puts nothing into a folder that Delineate did not make."""
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(OutputExistsError, match="--resume goes on only in folders that Delineate"):
        new_folder(tmp_path, resume=True)
    assert [file.name for file in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize(
    ("given", "relation"),
    [("out", "is"), ("out/model", "holds"), ("out/../out/model", "holds"), ("link", "holds")],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_never_replaces_an_input(
    tmp_path: Path, given: str, relation: str, overwrite: bool
) -> None:
    """A folder that is an input, or holds one under whatever name, is refused and kept."""
    folder = new_folder(tmp_path / "out")
    write_text(new_folder(folder / "model") / "weights", "x")
    (tmp_path / "link").symlink_to(folder / "model")
    with pytest.raises(OutputExistsError, match=f"this one {relation} the input ") as caught:
        new_folder(folder, overwrite=overwrite, inputs=[tmp_path / given])
    assert "\n" not in str(caught.value)
    assert (folder / "model/weights").read_text() == "x"


def test_a_link_to_an_input_is_kept(tmp_path: Path) -> None:
    """An input that is reached through a link inside the output is not cut off either."""
    folder = new_folder(tmp_path / "out")
    (tmp_path / "data").mkdir()
    (folder / "data").symlink_to(tmp_path / "data")
    with pytest.raises(OutputExistsError, match="holds the input"):
        new_folder(folder, overwrite=True, inputs=[folder / "data"])
    assert (folder / "data").is_symlink()


def test_inputs_elsewhere_do_not_hinder(tmp_path: Path) -> None:
    """Inputs around the output, beside it under a longer name, or not there leave it usable."""
    folder = new_folder(tmp_path / "out")
    write_text(folder / "a.txt", "x")
    (tmp_path / "output").mkdir()
    inputs = [tmp_path, tmp_path / "output", folder / "none", "x" * 5000]
    assert not (new_folder(folder, overwrite=True, inputs=inputs) / "a.txt").exists()


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    """A line that a crash cut short, within a letter even, is left out and the others stay."""
    log = tmp_path / "log.jsonl"
    whole = '{"name": "a\u2028ö"}'.encode()
    for torn in (whole[:-4], whole[:-2], b"", b"17"):
        log.write_bytes(whole + b"\n" + torn)
        append_line(log, '{"step": 2}')
        assert read_lines(log) == [{"name": "a\u2028ö"}, {"step": 2}]
    with pytest.raises(UnreadableFileError, match=r"none\.jsonl: cannot be read"):
        read_lines(tmp_path / "none.jsonl")


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, shapes, elements=st.sampled_from([0, 1, 2, IGNORE])))
def test_index_masks_come_back(labels: np.ndarray) -> None:
    """Written classes and unknown pixels are read again, with their colours."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.png"
        write_index_mask(file, labels, default_classes(3))
        back = read_mask(file, MaskEncoding.parse("index,ignore:255"))
        palette = read_raw_mask(file).palette
    np.testing.assert_array_equal(back, labels)
    assert palette is not None
    assert palette[1].tolist() == [230, 159, 0]


def test_binary_masks_are_black_and_white(tmp_path: Path) -> None:
    """Two classes are written as 0 and 255, which every tool understands."""
    write_index_mask(tmp_path / "m.png", np.eye(4, dtype=np.uint8), default_classes(2))
    np.testing.assert_array_equal(read_image(tmp_path / "m.png")[..., 0], np.eye(4) * 255)
    with pytest.raises(ValueError, match=r"got \[7\] too"):
        write_index_mask(tmp_path / "n.png", np.full((2, 2), 7, np.uint8), default_classes(2))


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, shapes, elements=st.floats(0, 1, width=32)))
def test_probabilities_come_back(probability: np.ndarray) -> None:
    """A probability map is off by half a 16-bit step at most."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "p.png"
        write_probability(file, probability)
        np.testing.assert_allclose(read_probability(file), probability, atol=0.5 / 65535 + 1e-7)
        np.save(Path(folder) / "p.npy", probability)
        np.testing.assert_array_equal(read_probability(Path(folder) / "p.npy"), probability)


def test_logits_are_no_probabilities(tmp_path: Path) -> None:
    """Values outside 0..1 are refused on both ways."""
    np.save(tmp_path / "p.npy", np.array([[-3.0, 2.0]]))
    with pytest.raises(UnreadableFileError, match="logits need a sigmoid"):
        read_probability(tmp_path / "p.npy")
    with pytest.raises(ValueError, match="array of 0 to 1"):
        write_probability(tmp_path / "q.png", np.array([[np.nan]], np.float32))


def test_pictures_come_back(tmp_path: Path) -> None:
    """Colours are written red first."""
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    write_image(tmp_path / "x.png", rgb)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), rgb)
    write_bytes(tmp_path / "y", b"z")
    assert (tmp_path / "y").read_bytes() == b"z"


def test_a_file_name_that_is_no_text_is_kept(tmp_path: Path) -> None:
    """A document that names a file in another encoding is written, and read again as it was."""
    name = os.fsdecode(b"a\xff.png")
    write_json(tmp_path / "a.json", {"image": name}, schema="predictions")
    assert read_json(tmp_path / "a.json", schema="predictions")["image"] == name
    write_csv(tmp_path / "a.csv", ("img",), [(name,)])
    assert (tmp_path / "a.csv").read_text() == "img\na\\udcff.png\n"
