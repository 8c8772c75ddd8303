"""Copies of a data set inside itself."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest

from delineate.auditing.findings import nested_copies as module
from delineate.auditing.findings.nested_copies import nested_copies
from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset


def write(root: Path, *names: str, empty_mask: bool = False) -> None:
    """Small images whose content follows their name, or all the same."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        value = 0 if empty_mask else sum(map(ord, path.name)) % 251 + 1
        cv2.imwrite(str(path), np.full((6, 7), value, np.uint8))


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """Three patients, each in a folder, images beside masks."""
    root = tmp_path / "set"
    for patient in "abc":
        write(root, *(f"{patient}/{patient}_{k}.png" for k in range(3)))
        write(root, *(f"{patient}/{patient}_{k}_mask.png" for k in range(3)), empty_mask=True)
    return root


def test_a_set_inside_itself(patients: Path) -> None:
    """A whole copy under another name is one finding, with its samples and counts."""
    copies = [patients / name for name in "abc"]
    for folder in copies:
        shutil.copytree(folder, patients / "again" / "set" / folder.name)
    dataset = open_dataset(patients)
    (finding,) = nested_copies(patients, dataset)
    assert finding.kind == "nested_copy"
    assert finding.evidence["copy"] == str(patients / "again" / "set")
    assert finding.evidence["folder"] == str(patients)
    assert [finding.evidence[k] for k in ("same_files", "files", "copy_files")] == [18, 18, 18]
    inside = {s.id for s in dataset.samples if "again" in s.image.parts}
    assert inside
    assert set(finding.samples) == inside
    assert "18 files" in finding.text
    assert "100%" in finding.text


def test_a_folder_beside_its_copy(patients: Path) -> None:
    """Part of the files of one folder in another one, under the same names, is a copy too."""
    write(patients, "d/d_0.png")
    shutil.copytree(patients / "a", patients / "old a")
    write(patients, "old a/x.png")
    (finding,) = nested_copies(patients)
    assert finding.about == "a and old a"
    assert finding.samples == ()
    assert [finding.evidence[k] for k in ("same_files", "files", "copy_files")] == [6, 6, 7]


def test_two_copies_are_two_findings(patients: Path) -> None:
    """A second copy of the same folder is found as well."""
    for name in ("one", "two"):
        shutil.copytree(patients / "a", patients / name / "a")
    assert len(nested_copies(patients)) == 2


def test_a_clean_set_is_quiet(patients: Path) -> None:
    """Equal empty masks under different names are no copies."""
    assert nested_copies(patients, open_dataset(patients)) == ()


def test_equal_names_alone_are_no_copy(tmp_path: Path) -> None:
    """Empty masks and slices of equal names in a folder for each patient are no copies."""
    for patient in range(6):
        for k in range(4):
            path = tmp_path / f"p{patient}" / "image" / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((6, 7), 10 * patient + k, np.uint8))
        write(tmp_path, *(f"masks/p{patient}/{k}.png" for k in range(4)), empty_mask=True)
    assert nested_copies(tmp_path) == ()


def test_a_copied_set_of_equal_names(tmp_path: Path) -> None:
    """Where every patient has the same empty mask, each file is held to its own copy."""
    for patient in "abcd":
        write(tmp_path, f"{patient}/{patient}.png")
        write(tmp_path, f"{patient}/mask.png", empty_mask=True)
    for patient in "abcd":
        shutil.copytree(tmp_path / patient, tmp_path / "x" / patient)
    (finding,) = nested_copies(tmp_path)
    assert finding.about == ". and x"
    assert finding.evidence["same_files"] == 8


def test_a_few_shared_files_are_no_copy(patients: Path) -> None:
    """Two files in common among many do not make a copy."""
    for name in ("a_0.png", "a_1.png"):
        shutil.copy(patients / "a" / name, patients / "b" / name)
    assert nested_copies(patients) == ()


def test_only_files_of_equal_name_and_size_are_read(
    patients: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read in a set whose names all differ, and one pair where two agree."""
    read: list[str] = []
    digest = module._digest

    def noted(path: Path) -> bytes:
        read.append(path.relative_to(patients).as_posix())
        return digest(path)

    monkeypatch.setattr(module, "_digest", noted)
    nested_copies(patients)
    assert read == []
    shutil.copy(patients / "a" / "a_0.png", patients / "b" / "a_0.png")
    (patients / "c" / "a_1.png").write_bytes(b"of another size")
    nested_copies(patients)
    assert sorted(read) == ["a/a_0.png", "b/a_0.png"]


def test_a_file_that_vanishes_stops_nothing(
    patients: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be opened when it is to be compared is passed over."""
    shutil.copytree(patients / "a", patients / "copy" / "a")
    size = module._size

    def gone_after(path: Path) -> int:
        found = size(path)
        if path == patients / "copy" / "a" / "a_0.png":
            path.unlink()
        return found

    monkeypatch.setattr(module, "_size", gone_after)
    (finding,) = nested_copies(patients)
    assert finding.evidence["same_files"] == 5


def test_a_manifest_is_looked_at_alone(patients: Path) -> None:
    """Beside a manifest, files that it does not name are left out."""
    shutil.copytree(patients / "a", patients / "copy" / "a")
    rows = ["id,image,mask", *(f"{k},a/a_{k}.png,a/a_{k}_mask.png" for k in range(3))]
    table = patients / "cases.csv"
    table.write_text("\n".join(rows))
    assert nested_copies(table, open_dataset(table)) == ()
    more = [f"copy {k},copy/a/a_{k}.png,copy/a/a_{k}_mask.png" for k in range(3)]
    table.write_text("\n".join(rows + more))
    (finding,) = nested_copies(table, open_dataset(table))
    assert set(finding.samples) == {"copy 0", "copy 1", "copy 2"}


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(LayoutError, match="no such folder"):
        nested_copies(tmp_path / "nowhere")


def test_paths_part_where_they_differ() -> None:
    """What is left of two paths is where a folder and its copy lie."""
    first, second = PurePosixPath("x/train/1.png"), PurePosixPath("y/z/train/1.png")
    assert module._parted(second, first) == (PurePosixPath("x"), PurePosixPath("y/z"))


@pytest.mark.parametrize("name", ["lgg", "camvid", "dsb2018", "em_membrane", "drive"])
def test_clean_real_sets_are_quiet(shared_data: Path, name: str) -> None:
    """None of the real sets holds a copy of itself."""
    assert nested_copies(shared_data / name) == ()
