"""Everything that a user can get wrong: one line, exit code 2, nothing half-written."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

QUICK = ["--steps", 1, "--threads", 1, "--set", "model.arguments={width = 4, depth = 4}"]


def refusal(delineate, *arguments):
    """The one error line of a call that must exit with 2."""
    result = delineate(*arguments)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.exit_code == 2
    assert result.stdout == ""
    assert errors == result.stderr.splitlines()[-1:]
    return errors[0]


@pytest.fixture
def out(tmp_path):
    """Where to write; a refusal leaves nothing there."""
    return tmp_path / "out"


@pytest.fixture
def training(delineate, pairs, out):
    """Trains on the pairs, which must fail and leave nothing behind; gives the error line."""

    def call(*options):
        line = refusal(delineate, "train", pairs, "--out", out, *QUICK, *options)
        assert not out.exists()
        return line

    return call


@pytest.mark.parametrize("verb", ["inspect", "split", "train"])
def test_no_such_folder(delineate, tmp_path, out, verb):
    """A folder that does not exist is named."""
    line = refusal(delineate, verb, tmp_path / "nowhere", "--out", out)
    assert f"{tmp_path / 'nowhere'}: no such folder" in line
    assert not out.exists()


@pytest.mark.parametrize("verb", ["inspect", "split", "train"])
def test_empty_folder(delineate, tmp_path, out, verb):
    """A folder without anything in it is said to be empty."""
    (tmp_path / "empty").mkdir()
    line = refusal(delineate, verb, tmp_path / "empty", "--out", out)
    assert f"{tmp_path / 'empty'}: expected images and masks, found" in line
    assert not out.exists()


def test_no_such_model(delineate, pairs, tmp_path, out):
    """A model folder that does not exist is named, by each verb that takes one."""
    for arguments in (["predict", tmp_path / "none", pairs / "images", "--out", out],
                      ["evaluate", tmp_path / "none"]):  # fmt: skip
        assert f"{tmp_path / 'none'}: no such folder" in refusal(delineate, *arguments)
    assert not out.exists()


def test_masks_missing_for_some_images(training, pairs):
    """Images without a mask are counted and named."""
    (pairs / "masks" / "04.png").unlink()
    line = training()
    assert "1 of 6 images: expected a mask" in line
    assert "04.png" in line


def test_sizes_that_differ(training, pairs):
    """A mask of another size than its image is refused with both files and both sizes."""
    cv2.imwrite(str(pairs / "masks" / "02.png"), np.zeros((31, 32), np.uint8))
    line = training()
    for part in ("images/02.png", "masks/02.png", "31", "32"):
        assert part in line


def test_truncated_tiff(training, pairs):
    """A TIFF that ends before its pixels do is named."""
    whole = pairs / "images" / "01.tif"
    Image.open(pairs / "images" / "01.png").save(whole)
    (pairs / "images" / "01.png").unlink()
    whole.write_bytes(whole.read_bytes()[:600])
    line = training("--split-file", all_but_one_trained(pairs, trained="01"))
    assert "images/01.tif" in line
    assert "truncated" in line or "cut" in line or "ends" in line


def test_text_called_png(training, pairs):
    """A text file under the name of an image is called what it is."""
    (pairs / "images" / "01.png").write_text("patient 1, see letter\n" * 20)
    line = training("--split-file", all_but_one_trained(pairs, trained="01"))
    assert "images/01.png: expected an image" in line
    assert "the content is plain text" in line


def all_but_one_trained(pairs, trained):
    """A split that puts everything but three images into test, so that the bad one is used."""
    names = sorted(file.stem for file in (pairs / "masks").iterdir())
    others = [name for name in names if name != trained]
    parts = {trained: "train", others[0]: "train", others[1]: "validation"}
    rows = "".join(f"{name},{name},{parts.get(name, 'test')}\n" for name in names)
    file = pairs / "split.csv"
    file.write_text("id,subject,split\n" + rows)
    return file


def test_a_mask_of_many_greys_proposes_a_threshold(training, pairs):
    """A mask as a lossy file leaves it is not used, but the threshold to confirm is proposed."""
    rng = np.random.default_rng(1)
    for file in (pairs / "masks").iterdir():
        mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        fuzz = rng.integers(0, 72, mask.shape)
        cv2.imwrite(str(file), np.where(mask > 0, 255 - fuzz, fuzz).astype(np.uint8))
    line = training()
    assert "--masks threshold:128" in line
    assert "masks/00.png" in line


def test_unknown_recipe(training):
    """A recipe that does not exist is refused with the nearest."""
    assert "unknown recipe 'genral'; did you mean 'general'?" in training("--recipe", "genral")


def test_unknown_setting(training):
    """A setting that does not exist is refused with the nearest."""
    line = training("--set", "train.bach=4")
    assert "unknown setting 'train.bach'; did you mean 'train.batch'?" in line


def test_two_budgets(training):
    """Minutes and steps exclude each other."""
    assert "exclude each other" in training("--minutes", 1)


def test_unknown_layout(training):
    """A layout that does not exist is refused with the nearest."""
    assert "unknown layout 'folder'; did you mean 'folders'?" in training("--layout", "folder")


def test_fractions_that_are_no_numbers(delineate, pairs, out):
    """Shares must be three numbers."""
    for text in ("most", "0.5,0.5", "0.7,0.2,0.2"):
        line = refusal(delineate, "split", pairs, "--out", out, "--fractions", text)
        assert "fractions" in line
    assert not out.exists()


@pytest.mark.parametrize("verb", ["inspect", "split", "train"])
def test_an_output_that_exists_is_kept(delineate, pairs, out, verb):
    """What is in an output folder stays, and --overwrite or another name is proposed."""
    out.mkdir()
    (out / "split.csv").write_text("my own notes")
    line = refusal(delineate, verb, pairs, "--out", out)
    assert "exists" in line
    assert "--overwrite" in line
    assert [file.name for file in out.iterdir()] == ["split.csv"]
    assert (out / "split.csv").read_text() == "my own notes"


@pytest.mark.parametrize("verb", ["inspect", "split", "train"])
def test_overwrite_spares_what_others_made(delineate, pairs, out, verb):
    """A folder that Delineate did not make is kept even with --overwrite."""
    out.mkdir()
    (out / "split.csv").write_text("my own notes")
    refusal(delineate, verb, pairs, "--out", out, "--overwrite")
    assert (out / "split.csv").read_text() == "my own notes"


def test_overwrite_replaces_what_delineate_made(delineate, pairs, out):
    """The second call is refused, and goes through with --overwrite."""
    arguments = ["inspect", pairs, "--out", out]
    assert delineate(*arguments).exit_code == 0
    refusal(delineate, *arguments)
    assert delineate(*arguments, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "the file system is read-only")],
)
@pytest.mark.parametrize("verb", ["inspect", "split"])
def test_a_target_that_takes_nothing(delineate, pairs, out, monkeypatch, number, said, verb):
    """A full disk or read-only target is one line, and no file is left half-written."""

    def refuse(path, content):
        Path.write_text(path, "half")
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    line = refusal(delineate, verb, pairs, "--out", out)
    assert said in line
    assert left_in(out) == set()


def left_in(folder):
    """The names of all files under a folder but for the mark of who made it."""
    files = {file.name for file in folder.rglob("*") if file.is_file()}
    return files - {".delineate"}


def test_read_only_target(delineate, pairs, out, monkeypatch):
    """A place where no folder can be made is named."""

    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("os.mkdir", refuse)
    line = refusal(delineate, "inspect", pairs, "--out", out)
    assert f"{out}: cannot be written: the file system is read-only" in line


@pytest.mark.parametrize(
    ("verb", "limit_bytes"), [("inspect", 4_000), ("split", 100), ("train", 20_000)]
)
def test_no_space_for_the_files(pairs, out, verb, limit_bytes):
    """A file that may not grow stops the verb in one line, and every file left is whole."""
    options = [str(each) for each in QUICK] if verb == "train" else []
    script = "from delineate.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", script, verb, str(pairs), "--out", str(out), *options],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)),
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: {out}")
    assert "size limit" in last
    assert not [name for name in left_in(out) if ".part" in name]
    assert all(file.stat().st_size < limit_bytes for file in out.rglob("*") if file.is_file())
