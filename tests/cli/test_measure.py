"""`delineate measure`."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image


def write_mask(folder, name, width_px):
    """A vessel of 60 px along the rows."""
    mask = np.zeros((40, 80), np.uint8)
    mask[20 : 20 + width_px, 10:70] = 255
    folder.mkdir(exist_ok=True)
    Image.fromarray(mask).save(folder / f"{name}_mask.png")


def test_the_table_says_lengths_and_widths(delineate, tmp_path):
    """Two masks of 3 and 5 px: means over cases, then the folder as the last line."""
    write_mask(tmp_path / "m", "a", 3)
    write_mask(tmp_path / "m", "b", 5)
    result = delineate("measure", tmp_path / "m", "--out", tmp_path / "out")
    assert result.exit_code == 0
    head, row, rule, last = result.stdout.splitlines()
    assert head.split()[:4] == ["mean", "of", "a", "case"]
    assert row.split() == [
        "masks", "2", "60.0", "1.0", "0.0", "2.0", "4.000", "4.000", "4.000", "1.000",
    ]  # fmt: skip
    assert rule.startswith("lengths and widths in px")
    assert last == str(tmp_path / "out")


def test_millimetres_are_said(delineate, tmp_path):
    """A size of a pixel adds a line in mm; the document comes with --json."""
    write_mask(tmp_path / "m", "a", 3)
    arguments = ("measure", tmp_path / "m", "--spacing-mm", "0.1", "--no-pictures", "--out")
    result = delineate(*arguments, tmp_path / "out")
    assert "masks: length 6.00 mm, mean width 0.3000 mm" in result.stdout
    document = json.loads(delineate(*arguments, tmp_path / "json", "--json").stdout)
    assert document["cases"][0]["spacing_row_mm"] == 0.1


def test_a_failed_case_exits_1(delineate, tmp_path):
    """What cannot be read is listed on standard error, and the rest is measured."""
    write_mask(tmp_path / "m", "a", 3)
    write_mask(tmp_path / "m", "b", 3)
    result = delineate("measure", tmp_path / "m", "--spacing-mm", "x", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "error: --spacing-mm x: expected" in result.stderr


def test_score_prints_errors_of_vessels(delineate, tmp_path):
    """score --structure puts lengths and errors of width into its table."""
    for name, width in (("a", 3), ("b", 5)):
        write_mask(tmp_path / "guess", name, width)
        for kind in ("images", "masks"):
            (tmp_path / "d" / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 80), 7, np.uint8)).save(tmp_path / "d/images" / f"{name}.png")
        mask = tmp_path / "guess" / f"{name}_mask.png"
        (tmp_path / "d/masks" / f"{name}.png").write_bytes(mask.read_bytes())
    arguments = ("score", tmp_path / "guess", tmp_path / "d", "--structure", "--out")
    result = delineate(*arguments, tmp_path / "out")
    assert result.exit_code == 0
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("model against")]
    assert row.split()[4:8] == ["120", "120", "0", "0"]
    assert row.endswith("+0.00  +0.00 to +0.00")
