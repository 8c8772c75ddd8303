"""An audit from folder to findings: what was planted is found, and bad files stop nothing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import cv2
import pytest

from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import LayoutError, SettingsError, UnreadableFileError
from delineate.data.phantoms.writing import PhantomSet, write_ultrasound
from delineate.files.image_files import read_image
from delineate.files.writing import read_json
from delineate.study.planted import marked
from delineate.workflows.audit import AuditResult, audit, table

FAULTS = {
    "twin": 2,
    "flipped_twin": 2,
    "contradictory_mask": 1,
    "contradictory_empty_mask": 1,
    "leaked_subject": 1,
    "leaked_twin": 1,
    "jpeg_mask": 1,
    "recompressed_twin": 1,
    "turned_twin": 1,
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> PhantomSet:
    """Nine subjects of three frames, two of them in test, with one or two faults of each kind."""
    folder = tmp_path_factory.mktemp("drawn") / "necks"
    return write_ultrasound(
        folder, subjects=9, images_per_subject=3, test_subjects=2, size_px=(168, 232), seed=5,
        faults=FAULTS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def audited(drawn: PhantomSet, tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    """Their audit, without crops and shifts."""
    out = tmp_path_factory.mktemp("audited") / "audit"
    return audit(drawn.folder, out, crops_and_shifts=False, keep_signatures=False)


@pytest.fixture
def data(drawn: PhantomSet, tmp_path: Path) -> Path:
    """A copy of the phantoms that a test may damage."""
    folder = tmp_path / "data"
    shutil.copytree(drawn.folder, folder)
    return folder


def run(data: Path, out: Path, **options: object) -> AuditResult:
    """A quick audit that leaves no cache behind."""
    settings = {"crops_and_shifts": False, "keep_signatures": False, "page": False} | options
    return audit(data, out, **settings)  # type: ignore[arg-type]


def kinds(result: AuditResult, sample: str) -> set[str]:
    """The kinds of finding that name a sample."""
    return {finding.kind for finding in result.findings if sample in finding.samples}


def test_every_planted_fault_is_told(drawn: PhantomSet, audited: AuditResult) -> None:
    """Each fault has a finding that names all of its samples."""
    found = marked(drawn.planted, audited.document)
    assert len(found) == sum(FAULTS.values())
    assert [each.fault.kind for each in found if not each.is_found] == []


def test_nothing_is_a_copy_that_was_not_planted(drawn: PhantomSet, audited: AuditResult) -> None:
    """The groups of copies are those that were planted, and no others."""
    planted = {
        frozenset(fault.samples)
        for fault in drawn.planted
        if "twin" in fault.kind or "contradictory" in fault.kind
    }
    told = {
        frozenset(finding.samples)
        for finding in audited.findings
        if finding.kind in ("twins", "contradictory_twins")
    }
    assert told == planted


def test_the_document_holds_every_finding(audited: AuditResult) -> None:
    """audit.json carries schema, findings, pairs and rows by threshold, as the result does."""
    document = read_json(audited.folder / "audit.json", schema="audit")
    assert [each["id"] for each in document["findings"]] == [f.id for f in audited.findings]
    assert [row["threshold"] for row in document["thresholds"]] == [100, 1000]
    pictures = document["pictures"]
    assert sum(size["images"] for size in pictures["sizes"]) == pictures["read"] == 37
    assert pictures["mean"]["least"] < pictures["mean"]["median"] < pictures["mean"]["most"]
    # Two twins, the two contradictory ones and the leak are copies to the bit; the flipped and
    # the turned ones are so too, in their orientation.
    assert document["thresholds"][0]["upright"] == 5
    assert document["thresholds"][0]["pairs"] == 8
    assert document["thresholds"][0]["contradictory"] == 2
    assert document["contradictory_groups"] == 2


def test_what_one_mask_can_reach_is_claimed_for_the_contradictions_alone(
    audited: AuditResult,
) -> None:
    """The bound speaks of two groups of two images each, and lies below 1."""
    reach = audited.document["reachable"]
    assert (reach["groups"], reach["images"]) == (2, 4)
    assert 0.5 <= reach["by_image"][1] < 1


def test_leaks_of_copies_say_how_they_lie_on_each_other(data: Path, tmp_path: Path) -> None:
    """A mirrored copy in test and a frame that was drawn upon: the page compares both."""
    width = (frame := read_image(data / "train/1_1.tif")).shape[1]
    cv2.imwrite(str(data / "test/8_1.tif"), frame[:, ::-1])
    drawn_on = read_image(data / "train/2_1.tif").copy()
    drawn_on[70:90, 90:110] = 255
    cv2.imwrite(str(data / "train/3_1.tif"), drawn_on)
    result = run(data, tmp_path / "out", page=True)
    by_samples = {(f.kind, f.samples): f.evidence for f in result.findings}
    leak = by_samples["leaked_twins", ("1_1", "8_1")]
    assert leak["matrices"][1] == [-1, 0, width - 1, 0, 1, 0]
    assert leak["twins"] == by_samples["twins", ("1_1", "8_1")]["twins"]
    assert by_samples["look_alikes", ("2_1", "3_1")]["matrices"] == 2 * [[1, 0, 0, 0, 1, 0]]
    page = result.main_result.read_text(encoding="utf-8")
    for finding in result.findings:
        if finding.kind in ("leaked_file", "leaked_twins", "look_alikes"):
            assert re.search(rf'class="finding compared[^"]*" id="f-{finding.id}"', page)


def test_the_page_and_the_log_stand_beside(audited: AuditResult) -> None:
    """The page needs nothing from elsewhere, and every finding can be decided on."""
    page = audited.main_result.read_text(encoding="utf-8")
    assert audited.main_result.name == "audit.html"
    assert 'src="http' not in page
    log = ReviewLog.open(audited.folder)
    assert {each.id for each in log.findings()} == {each.id for each in audited.findings}


def test_the_table_counts_kinds(audited: AuditResult) -> None:
    """The terminal's table has a row for each threshold and each kind that was found."""
    rows = dict(table(audited.document))
    assert rows["pairs under 100"].startswith("8 (3 of them flipped or turned), of which 2 contra")
    assert "Copies with contradictory masks" in rows.values()


def test_bad_files_are_findings(data: Path, tmp_path: Path) -> None:
    """A damaged image, a damaged mask and one of another size are told, and the rest is done."""
    (data / "train/1_1.tif").write_bytes((data / "train/1_1.tif").read_bytes()[:400])
    (data / "train/2_1_mask.tif").write_bytes(b"not a mask")
    other = write_ultrasound(
        tmp_path / "small", subjects=1, images_per_subject=1, size_px=(84, 116), seed=1
    )
    shutil.copy(other.folder / "train/1_1_mask.tif", data / "train/3_1_mask.tif")
    result = run(data, tmp_path / "out")
    assert "unreadable_image" in kinds(result, "1_1")
    assert "unreadable_mask" in kinds(result, "2_1")
    assert "unreadable_mask" in kinds(result, "3_1")
    assert len(result.failures) == 3
    assert any("84x116" in failure for failure in result.failures)
    assert result.document["groups"] >= 6


def test_one_image_is_audited(tmp_path: Path) -> None:
    """A folder with a single image has no pair and is no error."""
    one = write_ultrasound(
        tmp_path / "one", subjects=1, images_per_subject=1, size_px=(84, 116), seed=1
    )
    result = run(one.folder, tmp_path / "out", page=True)
    assert result.document["images"] == 1
    assert result.document["pairs"] == []
    assert result.failures == ()
    assert result.main_result.name == "audit.html"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """Without images there is nothing to audit, and nothing is written."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match="no image files"):
        run(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_decisions_outlive_a_second_audit(data: Path, tmp_path: Path) -> None:
    """An audit that is repeated keeps what was decided, and finds the same under the same names."""
    first = run(data, tmp_path / "out")
    twins = next(f for f in first.findings if f.kind == "twins")
    ReviewLog.open(tmp_path / "out").decide(twins.id, "keep_one", samples=twins.samples[:1])
    second = run(data, tmp_path / "out", overwrite=True)
    assert [f.id for f in second.findings] == [f.id for f in first.findings]
    assert [d.finding for d in ReviewLog.open(tmp_path / "out").in_force()] == [twins.id]


def test_a_damaged_log_is_not_replaced(data: Path, tmp_path: Path) -> None:
    """Where review.sqlite is no review log, the audit stops before its work and touches nothing."""
    run(data, tmp_path / "out")
    (tmp_path / "out/review.sqlite").write_bytes(b"no database")
    with pytest.raises(UnreadableFileError, match=r"review\.sqlite"):
        run(data, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out/review.sqlite").read_bytes() == b"no database"


def test_a_second_data_set(drawn: PhantomSet, data: Path, tmp_path: Path) -> None:
    """Files that both sets hold are leaks, and the findings on masks speak of the first alone."""
    for file in sorted((data / "train").glob("*.tif")):
        if not file.name.startswith(("1_", "2_")):
            file.unlink()
    shutil.rmtree(data / "test")
    result = run(drawn.folder, tmp_path / "out", against=data)
    leaks = [f for f in result.findings if f.evidence.get("is_between_data")]
    shared = {s for f in leaks if f.kind == "leaked_file" for s in f.samples}
    assert {"1_1", "data:1_1"} <= shared
    assert not any("3_" in name for name in shared if name.startswith("data:"))
    assert not any(
        name.startswith("data:") for f in result.findings if f not in leaks for name in f.samples
    )


def test_a_copy_of_the_data_inside_itself(data: Path, tmp_path: Path) -> None:
    """A folder that holds the same files as another one is told."""
    (data / "planted.json").unlink()
    shutil.copytree(data, data / "copy")
    result = audit(
        data, tmp_path / "out", layout="images", crops_and_shifts=False, keep_signatures=False,
        page=False,
    )  # fmt: skip
    (nested,) = [f for f in result.findings if f.kind == "nested_copy"]
    assert nested.evidence["same_files"] == len(list((data / "copy").rglob("*.tif")))


def test_any_threshold_can_be_asked_for(data: Path, tmp_path: Path) -> None:
    """A larger threshold lists more pairs; a negative one is refused before anything is done."""
    pixels = 168 * 232
    result = run(data, tmp_path / "out", thresholds=(0.5, 60.0 * pixels))
    few, many = (row["pairs"] for row in result.document["thresholds"])
    images = result.document["images"]
    assert few == 8 < many <= images * (images - 1) // 2
    with pytest.raises(SettingsError, match="negative"):
        run(data, tmp_path / "other", thresholds=(-1.0,))


def test_crops_are_found_when_asked_for(tmp_path: Path) -> None:
    """A thorough search tells cropped and shifted copies that a quick one passes over."""
    drawn = write_ultrasound(
        tmp_path / "data", subjects=4, images_per_subject=3, seed=2,
        faults={"cropped_twin": 2, "shifted_twin": 2},
    )  # fmt: skip
    thorough = run(drawn.folder, tmp_path / "out", crops_and_shifts=True)
    missed = [each for each in marked(drawn.planted, thorough.document) if not each.is_found]
    assert missed == []
    assert thorough.document["groups"] == 4
    assert thorough.document["search"] == "thorough"


def test_known_faults_of_usgra(shared_data: Path, tmp_path: Path) -> None:
    """0043 and 0077 are one picture under two masks, of Dice 0.71."""
    result = run(shared_data / "usgra", tmp_path / "out")
    (found,) = [f for f in result.findings if f.kind == "contradictory_twins"]
    assert found.samples == ("0043", "0077")
    assert found.evidence["dice"] == pytest.approx(0.712, abs=5e-4)


def test_known_faults_of_nerve_frames(shared_data: Path, tmp_path: Path) -> None:
    """Identical frames have contradictory masks, and all four subjects are on both sides."""
    result = run(shared_data / "nerve_jpeg", tmp_path / "out")
    subjects = {f.evidence["who"] for f in result.findings if f.kind == "leaked_subject"}
    assert subjects == {"3", "11", "20", "33"}
    identical = [p for p in result.document["pairs"] if p["distance"] == 0]
    assert [(p["first"], p["second"]) for p in identical] == [
        ("11_13", "11_42"),
        ("20_58", "20_99"),
    ]
    for pair in identical:
        assert "contradictory_twins" in kinds(result, pair["first"]) & kinds(result, pair["second"])


def test_sequences_shared_by_the_splits_of_camvid(shared_data: Path, tmp_path: Path) -> None:
    """The first part of the file names is the subject, and its frames are no copies."""
    result = run(shared_data / "camvid", tmp_path / "out")
    leaks = {f.evidence["who"]: f for f in result.findings if f.kind == "leaked_subject"}
    assert set(leaks) == {"0001TP", "0016E5"}
    assert leaks["0001TP"].evidence["counts"] == {"train": 11, "test": 4}
    assert leaks["0016E5"].evidence["counts"] == {"train": 32, "validation": 20}
    assert result.document["groups"] == 0


def test_neighbouring_sections_are_a_sequence(shared_data: Path, tmp_path: Path) -> None:
    """Sections of one block are told as a sequence, and none as a copy."""
    result = run(shared_data / "em_membrane", tmp_path / "out")
    assert result.document["groups"] == 0
    assert result.document["sequences"]
    assert max(len(each["samples"]) for each in result.document["sequences"]) == 30


def test_photographs_of_the_fundus_are_no_copies(shared_data: Path, tmp_path: Path) -> None:
    """However alike the backs of eyes look in their black surround, DRIVE has no copies."""
    result = run(shared_data / "drive/DRIVE", tmp_path / "out")
    assert result.document["groups"] == 0
    assert not [f for f in result.findings if f.severity == "error"]
    agreement = result.document["human_agreement"]
    assert [round(each["mean_dice"], 3) for each in agreement] == [0.788]
    assert json.dumps(result.document)
