"""`delineate phantoms`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from delineate.cli.phantoms import Form, Kind
from delineate.data.opening import open_dataset
from delineate.data.phantoms.chest_writing import FORMS, write_chest
from delineate.data.phantoms.writing import write_fundus, write_ultrasound
from delineate.workflows import phantoms as workflow
from delineate.workflows.phantoms import KINDS, phantoms


def _content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_names_are_those_of_the_work():
    """Every kind and form can be asked for by its name."""
    assert [each.value for each in Kind] == list(KINDS)
    assert [each.value for each in Form] == list(FORMS)


def test_chest_films_are_drawn(delineate, tmp_path, monkeypatch):
    """A fifth goes into test, the table says what is there, and the folder stands last."""
    monkeypatch.chdir(tmp_path)
    result = delineate("phantoms", "chest", "--out", "films", "--images", 10, "--size", 64)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "kind      chest",
        "images    10",
        "with gas  2",
        "size      64x64 (height x width)",
        "seed      0",
        "films",
    ]
    dataset = open_dataset("films")
    assert [len(dataset.only(part).samples) for part in ("train", "test")] == [8, 2]
    write_chest(Path("same"), training=8, test=2, seed=0, size_px=(64, 64))
    assert _content(Path("films")) == _content(Path("same"))


def test_siim_says_how_subjects_are_read(delineate, tmp_path):
    """The table names the file that any verb needs; the document is that of the folder."""
    out = tmp_path / "films"
    options = "--images 5 --test 0 --size 64x80 --form siim --seed 3"
    words = ["phantoms", "chest", *options.split()]
    assert (
        f"subjects  read them with --subjects {out / 'subjects.csv'}"
        in delineate(*words, "--out", out).stdout.splitlines()
    )
    printed = delineate(*words, "--out", out, "--overwrite", "--json").stdout
    assert json.loads(printed) == json.loads((out / "phantoms.json").read_text())
    assert json.loads(printed)["size_px"] == [64, 80]
    assert open_dataset(out, subjects=str(out / "subjects.csv")).has_subjects


def test_necks_are_drawn_by_subjects(delineate, tmp_path):
    """Frames of each neck, whole necks in test, and faults on purpose."""
    out = tmp_path / "necks"
    words = "phantoms ultrasound --images 12 --per-subject 4 --test 4 --seed 1 --size 84x116"
    result = delineate(*words.split(), "--fault", "twin", "--fault", "leaked_twin", "--out", out)
    assert "faults  2, told in planted.json" in result.stdout.splitlines()
    same = tmp_path / "same"
    write_ultrasound(
        same, subjects=3, images_per_subject=4, test_subjects=1, seed=1, size_px=(84, 116),
        faults=["twin", "leaked_twin"],
    )  # fmt: skip
    assert _content(out) == _content(same)


def test_eyes_are_drawn(delineate, tmp_path):
    """Half of them for the test."""
    out, same = tmp_path / "eyes", tmp_path / "same"
    result = delineate("phantoms", "fundus", "--images", 2, "--size", 100, "--out", out)
    assert result.exit_code == 0, result.stderr
    write_fundus(same, training=1, test=1, seed=0, size_px=(100, 100))
    assert _content(out) == _content(same)


@pytest.mark.parametrize(
    ("kind", "images", "test"), [("fundus", 60, 20), ("ultrasound", 70, 10), ("chest", 26, 5)]
)
def test_where_nothing_is_said_the_test_part_is_one_that_can_be_drawn(
    kind, images, test, tmp_path, monkeypatch
):
    """At most DRIVE's twenty numbers, whole subjects, or a fifth."""
    drawn = {}

    def remember(out, **options):
        drawn.update(options)
        raise StopIteration

    for module, name in (
        (workflow.writing, "write_fundus"),
        (workflow.writing, "write_ultrasound"),
        (workflow.chest_writing, "write_chest"),
    ):
        monkeypatch.setattr(module, name, remember)
    with pytest.raises(StopIteration):
        phantoms(kind, tmp_path / "out", images=images)
    in_test = drawn["test_subjects"] * 10 if kind == "ultrasound" else drawn["test"]
    assert in_test == test


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fundus --form siim", "--form: expected none for fundus phantoms, for only chest"),
        ("chest --fault twin", "--fault: expected none for chest phantoms, for only fundus and"),
        ("chest --per-subject 3", "--per-subject: expected none for chest phantoms"),
        ("ultrasound --images 45", "--images 45: expected whole subjects of 10 frames each, such"),
        ("ultrasound --test 15", "--test 15: expected whole subjects of 10 frames each"),
        ("chest --images 8 --test 8", "--test 8: expected 0 to 7, so that some of the 8 images"),
        ("chest --size 64x", "--size 64x: expected a number of pixels, or height and width"),
        ("chest --size 1x2x3", "--size 1x2x3: expected a number of pixels"),
        ("chest --size 20", "size_px: expected at least 64 pixels a side, found 20x20"),
        ("ultrasound --fault twinn", "unknown fault 'twinn'; did you mean 'twin'"),
        ("chess", "'chess' is not one of 'fundus', 'ultrasound', 'chest'"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line(delineate, tmp_path, words, said):
    """What is wrong, what would be right, exit code 2, and nothing is written."""
    result = delineate("phantoms", *words.split(), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
