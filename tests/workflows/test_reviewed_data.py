"""Which data of a model is reviewed, and in which log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from delineate.auditing.review.review_log import ReviewLog
from delineate.core.errors import LayoutError, SettingsError
from delineate.workflows.reviewed_data import open_reviewed
from delineate.workflows.run_folder import read_run, write_run

from .conftest import SUBJECTS, train_tiny, write_set


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a set of twelve images; all of them are in its split."""
    root = tmp_path_factory.mktemp("reviewed")
    train_tiny(write_set(root / "data"), root / "run", steps=2)
    return root / "run"


def copied(run: Path, folder: Path) -> Path:
    """The run in a folder of its own."""
    return Path(shutil.copytree(run, folder / "run"))


@pytest.mark.parametrize("option", ["review", "layout", "masks", "subjects"])
def test_options_about_data_that_nobody_named_are_refused(
    small_run: Path, tmp_path: Path, option: str
) -> None:
    """A model folder by itself knows of no data, and no option is passed over."""
    alone = Path(shutil.copytree(small_run / "model", tmp_path / "model"))
    assert open_reviewed(alone) is None
    with pytest.raises(SettingsError, match=f"--{option}: .* does not say which data"):
        open_reviewed(alone, **{option: "binary"})


def test_the_data_of_a_run_is_reviewed_in_a_log_of_the_run(small_run: Path, tmp_path: Path) -> None:
    """With the run's split and subjects; the log is made and found again."""
    run = copied(small_run, tmp_path)
    found = open_reviewed(run)
    assert found is not None
    assert found.log.path == run / "serve/review.sqlite"
    assert {each.split for each in found.dataset.samples} == {"train", "validation", "test"}
    assert {each.subject for each in found.dataset.samples} == {f"s{n}" for n in range(6)}
    assert (len(found.classes), found.notes, found.test_scorings()) == (2, (), 0)
    again = open_reviewed(run / "model")
    assert again is not None
    assert again.log.path == found.log.path


def test_the_log_of_the_training_goes_on(small_run: Path, tmp_path: Path) -> None:
    """A run that was trained under a review adds to that log as long as it is there."""
    run, audit = copied(small_run, tmp_path), tmp_path / "audit"
    audit.mkdir()
    ReviewLog.create(audit / "review.sqlite", findings=(), facts={})
    write_run(run, read_run(run).model_copy(update={"review": str(audit)}))
    found = open_reviewed(run)
    assert found is not None
    assert found.log.path == audit / "review.sqlite"
    (audit / "review.sqlite").unlink()
    found = open_reviewed(run)
    assert found is not None
    assert found.log.path == run / "serve/review.sqlite"


@pytest.mark.parametrize("name", ["audit", "own.sqlite"])
def test_a_named_log_is_made(small_run: Path, tmp_path: Path, name: str) -> None:
    """A folder, or a file by its ending; what is there is not made anew."""
    found = open_reviewed(small_run, review=tmp_path / name)
    assert found is not None
    assert found.log.path in (tmp_path / "audit/review.sqlite", tmp_path / "own.sqlite")
    found.log.refresh([], facts={"mark": 1})
    again = open_reviewed(small_run, review=tmp_path / name)
    assert again is not None
    assert again.log.facts == {"mark": 1}


def test_a_model_by_itself_has_nothing_to_review(small_run: Path, tmp_path: Path) -> None:
    """Without data there is none, and a log without data is a mistake."""
    model = Path(shutil.copytree(small_run / "model", tmp_path / "alone"))
    assert open_reviewed(model) is None
    with pytest.raises(SettingsError, match="name it with --data"):
        open_reviewed(model, review=tmp_path / "audit")


def test_other_data_needs_a_log_of_its_own(small_run: Path, tmp_path: Path) -> None:
    """Decisions about other images do not go into a run; its split does not hold there."""
    other = write_set(tmp_path / "other", subjects=2)
    with pytest.raises(SettingsError, match="name a folder for them with --review"):
        open_reviewed(small_run, data=other)
    found = open_reviewed(small_run, data=other, review=tmp_path / "audit", subjects=SUBJECTS)
    assert found is not None
    assert {each.split for each in found.dataset.samples} == {None}
    assert found.run is None


def test_data_that_is_gone_is_an_error_only_where_it_was_asked_for(
    small_run: Path, tmp_path: Path
) -> None:
    """A run whose data was moved away can still be served."""
    run = copied(small_run, tmp_path)
    write_run(run, read_run(run).model_copy(update={"data": str(tmp_path / "gone")}))
    assert open_reviewed(run) is None
    with pytest.raises(LayoutError, match="gone"):
        open_reviewed(run, review=tmp_path / "audit")


def test_masks_that_are_not_certain_are_shown_as_proposed(small_run: Path, tmp_path: Path) -> None:
    """A set with soft edges can be looked at, and it is said that they are."""
    import cv2

    data = write_set(tmp_path / "soft", subjects=2)
    for mask in (data / "masks").iterdir():
        soft = cv2.GaussianBlur(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE), (5, 5), 1.5)
        cv2.imwrite(str(mask), soft)
    found = open_reviewed(small_run, data=data, review=tmp_path / "audit")
    assert found is not None
    assert "which is not certain" in found.notes[0]
    assert "--masks" in found.notes[0]
