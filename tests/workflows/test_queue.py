"""What a model finds for people to look at, and what becomes of it in the log."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.auditing.findings.finding import MODEL, UNCERTAIN, Finding, kinds_of
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import LayoutError, SettingsError, UnreadableFileError
from delineate.inference.looking import Seen
from delineate.inference.model import Model, load_model
from delineate.workflows.queue import filled, queue, summary
from delineate.workflows.reviewed_data import ReviewedData, open_reviewed

from .conftest import train_tiny, write_set

ODD = Finding("unusual_mask", ("s0_0",), "the mask of s0_0 is a dot")


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on twelve images of six subjects."""
    root = tmp_path_factory.mktemp("queue")
    train_tiny(write_set(root / "data"), root / "run", steps=2)
    return root / "run"


@pytest.fixture
def data(own_run: Path, tmp_path: Path) -> ReviewedData:
    """The run's data with a log of an audit."""
    (tmp_path / "audit").mkdir()
    ReviewLog.create(tmp_path / "audit/review.sqlite", findings=[ODD], facts={})
    found = open_reviewed(own_run, review=tmp_path / "audit")
    assert found is not None
    return found


def who_says(run: Path, probability: float, *, sure_of: float | None = None) -> Model:
    """The run's model, which gives every pixel one probability, and bright ones another."""

    def look(images: list[np.ndarray]) -> list[Seen]:
        answers = []
        for image in images:
            is_bright = image[..., 0] >= 120
            found = np.where(is_bright, probability if sure_of is None else sure_of, probability)
            answers.append(Seen(found[None].astype(np.float32), None))
        return answers

    model = load_model(run, device="cpu", threads=1)
    return replace(model, look=look)


def by_kind(log: ReviewLog, kind: str) -> list[Finding]:
    """The findings of one kind, the worst first."""
    return list(log.findings(kind=kind))


def test_a_wrong_label_is_found_first(own_run: Path, data: ReviewedData) -> None:
    """One mask is shifted: a model that is right elsewhere contradicts it alone."""
    sample = next(each for each in data.dataset.samples if each.id == "s3_1")
    (mask,) = next(iter(sample.masks.values()))
    right = mask.read_bytes()
    try:
        cv2.imwrite(str(mask), np.roll(cv2.imread(str(mask), 0), 9, axis=1))
        model = who_says(own_run, 0.02, sure_of=0.98)
        result = filled(data, model, count=3)
    finally:
        mask.write_bytes(right)
    (found,) = by_kind(data.log, "model_disagreement")
    assert found.samples == ("s3_1",)
    assert found.evidence["px"] > 100
    assert found.badness == found.evidence["px"] / found.evidence["of_px"]
    worst = by_kind(data.log, "worst_case")
    assert (len(worst), worst[0].samples) == (3, ("s3_1",))
    assert by_kind(data.log, "uncertain_case") == []
    rows = dict(summary(result.document))
    assert rows["looked at"] == "12 cases of all, 12 with a label"
    assert rows["model_disagreement"].startswith("1: pixels whose label has a probability below")


def test_every_finding_says_whether_the_model_knew_the_case(
    own_run: Path, data: ReviewedData
) -> None:
    """Of test cases nothing is said; the others were trained or chosen on."""
    filled(data, who_says(own_run, 0.5), count=12)
    splits = {each.id: each.split for each in data.dataset.samples}
    unsure = by_kind(data.log, "uncertain_case")
    assert len(unsure) == 12
    said = {"train": "was trained on this very case", "validation": "chosen on this very case"}
    for each in unsure:
        words = said.get(splits[each.samples[0]] or "", "")
        assert words in each.text
        assert (each.evidence["seen"] is None) == (splits[each.samples[0]] == "test")
        assert (each.evidence["px"], each.badness) == (41 * 37, 1.0)


def test_an_image_without_a_mask_is_asked_about_too(own_run: Path, tmp_path: Path) -> None:
    """What the model is unsure of may have no label yet."""
    new = write_set(tmp_path / "new", subjects=2)
    for mask in (new / "masks").glob("s1_*"):
        mask.unlink()
    found = open_reviewed(own_run, data=new, review=tmp_path / "audit")
    assert found is not None
    result = filled(found, who_says(own_run, 0.5), count=9)
    unsure = by_kind(found.log, "uncertain_case")
    without = {each.samples[0] for each in unsure if "it has no mask yet" in each.text}
    assert (len(unsure), without) == (4, {"s1_0", "s1_1"})
    assert {each.samples[0] for each in by_kind(found.log, "worst_case")} == {"s0_0", "s0_1"}
    assert result.document["never_seen"] is None


def test_a_new_queue_takes_the_place_of_the_last_one_alone(
    own_run: Path, data: ReviewedData
) -> None:
    """What the audit found stays, decisions stay, and what was decided is not asked again."""
    filled(data, who_says(own_run, 0.5), count=2)
    first = by_kind(data.log, "uncertain_case")
    data.log.decide(first[0].id, "keep", who="ada")
    filled(data, who_says(own_run, 0.5), count=2)
    second = by_kind(data.log, "uncertain_case")
    assert first[0].id not in {each.id for each in second}
    assert data.log.findings(kind="unusual_mask") == (ODD,)
    assert [each.action for each in data.log.in_force()] == ["keep"]
    data.log.refresh([replace(ODD, text="again")])
    assert by_kind(data.log, "uncertain_case") == second
    filled(data, who_says(own_run, 0.001), count=2)
    assert by_kind(data.log, "uncertain_case") == []
    assert len(data.log.findings(kind="unusual_mask")) == 1


def test_a_run_of_folds_is_asked_for_what_its_members_never_saw(tmp_path: Path) -> None:
    """The maps beside the run count, whatever the mean of all members would say now."""
    run = tmp_path / "run"
    train_tiny(write_set(tmp_path / "data"), run, steps=1, folds=2)
    found = open_reviewed(run, review=tmp_path / "audit")
    assert found is not None
    result = filled(found, who_says(run, 0.5), count=20)
    folded = {each.id for each in found.dataset.samples if each.split == "train"}
    told = {
        each.samples[0]: each.evidence["share"] for each in by_kind(found.log, "uncertain_case")
    }
    assert result.document["never_seen"] == 12
    whole = {id_ for id_, share in told.items() if share == 1.0 and id_ not in folded}
    assert whole == {each.id for each in found.dataset.samples} - folded
    assert all(each.evidence["seen"] is None for each in found.log.findings())


def test_a_damaged_case_stops_no_other(own_run: Path, tmp_path: Path) -> None:
    """It is listed; where none can be looked at that is an error."""
    bad = write_set(tmp_path / "bad", subjects=2)
    (bad / "images/s0_0.png").write_bytes(b"nothing")
    found = open_reviewed(own_run, data=bad, review=tmp_path / "audit")
    assert found is not None
    result = filled(found, who_says(own_run, 0.5), count=9)
    assert [each.partition(":")[0] for each in result.failures] == ["s0_0"]
    for image in (bad / "images").iterdir():
        image.write_bytes(b"nothing")
    with pytest.raises(UnreadableFileError, match="none of 4 cases can be looked at: s0_0"):
        filled(found, who_says(own_run, 0.5), count=9)
    assert len(by_kind(found.log, "uncertain_case")) == 3


def test_what_cannot_be_asked_is_refused(own_run: Path, tmp_path: Path) -> None:
    """An unknown split, one without images, and a model without data."""
    review = tmp_path / "audit"
    where = {"review": review, "device": "cpu", "threads": 1}
    with pytest.raises(SettingsError, match="did you mean 'train'"):
        queue(own_run, split="trian", **where)
    data = write_set(tmp_path / "other", subjects=2)
    with pytest.raises(LayoutError, match="no image belongs to the split 'test'"):
        queue(own_run, data, split="test", **where)
    with pytest.raises(SettingsError, match="does not say which data"):
        queue(shutil.copytree(own_run / "model", tmp_path / "alone"), **where)


def test_the_kinds_of_a_model_are_known() -> None:
    """Each queue has its own kinds, and the audit none of them."""
    assert kinds_of(MODEL) == ("model_disagreement", "worst_case")
    assert kinds_of(UNCERTAIN) == ("uncertain_case",)
    assert not set(kinds_of("audit")) & set(kinds_of(MODEL, UNCERTAIN, "asked"))
