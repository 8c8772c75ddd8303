"""Jobs are done one after the other, tell how far they are, and end when nobody wants them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest

from delineate.core.errors import CannotWriteError
from delineate.core.progress import track
from delineate.web.problems import RefusedError
from delineate.web.results.jobs import Job, Jobs, Work


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Jobs that keep what is done."""
    made = Jobs(tmp_path, kept_s=1e9)
    yield made
    made.close(wait_s=10)


def start(jobs: Jobs, work: Work, total: int = 3) -> Job:
    """Put some work in line."""
    return jobs.start(work, total=total, folder=jobs.folder())


def ended(job: Job) -> Any:
    """Its document once it is finished."""
    until_s = monotonic() + 30
    while not job.is_finished:
        assert monotonic() < until_s, job.document()
        sleep(0.002)
    return job.document()


def writing(job: Job) -> Path:
    """Work that leaves a file."""
    for _ in track(range(3), "count", job):
        pass
    result = job.folder / "result.zip"
    result.write_bytes(b"x")
    return result


class Held:
    """Work that goes on until it is let go, and then looks whether it is still wanted."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = Event(), Event()

    def __call__(self, job: Job) -> None:
        """Wait."""
        for _ in track(range(4), "hold", job):
            self.has_begun.set()
            assert self.may_end.wait(30)


def test_a_job_that_is_done_has_a_result(jobs: Jobs) -> None:
    """And says how much it was."""
    job = start(jobs, writing)
    document = ended(job)
    assert (document.state, document.total, document.done) == ("done", 3, 3)
    assert document.links["result"] == f"/api/v1/jobs/{job.id}/result"
    assert jobs.get(job.id).result == job.folder / "result.zip"


def test_one_after_the_other(jobs: Jobs) -> None:
    """The second waits until the first is finished."""
    held = Held()
    first, second = start(jobs, held), start(jobs, writing)
    assert held.has_begun.wait(30)
    assert (first.document().state, second.document().state) == ("running", "waiting")
    assert "result" not in second.document().links
    held.may_end.set()
    assert ended(second).state == "done"
    assert first.document().state == "done"
    assert "result" not in first.document().links  # it left no file


def test_a_running_job_is_cancelled_at_its_next_step(jobs: Jobs) -> None:
    """It is called cancelled at once; its folder goes, and the next one is done."""
    held = Held()
    first, second = start(jobs, held), start(jobs, writing)
    assert held.has_begun.wait(30)
    jobs.cancel(first.id)
    assert first.document().state == "cancelled"
    held.may_end.set()
    assert ended(second).state == "done"
    assert first.document().state == "cancelled"
    assert first.document().done == 1
    assert not first.folder.exists()


def test_a_waiting_job_that_is_cancelled_never_begins(jobs: Jobs) -> None:
    """Its folder goes too."""
    held, never = Held(), Held()
    start(jobs, held)
    waiting, last = start(jobs, never), start(jobs, writing)
    jobs.cancel(waiting.id)
    held.may_end.set()
    ended(last)
    assert not never.has_begun.is_set()
    assert not waiting.folder.exists()


def test_a_finished_job_that_is_cancelled_is_forgotten(jobs: Jobs) -> None:
    """With its result."""
    job = start(jobs, writing)
    ended(job)
    jobs.cancel(job.id)
    assert not job.folder.exists()
    with pytest.raises(RefusedError, match=r"job: no such one here.*send the images again"):
        jobs.get(job.id)


def test_an_error_of_the_work_is_told_without_the_folder(jobs: Jobs) -> None:
    """A full disk is named; where the server keeps its files is not."""

    def work(job: Job) -> None:
        raise CannotWriteError(f"{job.folder}/a_mask.png: cannot be written: the disk is full")

    job = start(jobs, work)
    document = ended(job)
    assert document.state == "failed"
    assert document.error == ("the server's folder/a_mask.png: cannot be written: the disk is full")
    assert not job.folder.exists()


def test_a_mistake_has_a_number_and_the_log_has_it_too(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is told to whoever asks, and the next job is done."""

    def work(job: Job) -> None:
        raise ZeroDivisionError("secret")

    document = ended(start(jobs, work))
    assert document.state == "failed"
    number = document.error.split("number ")[1].split(";")[0]
    assert "secret" not in document.error
    assert number in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text
    assert ended(start(jobs, writing)).state == "done"


def test_failures_in_part_are_told_while_it_runs(jobs: Jobs) -> None:
    """And the job is done for all that."""
    held = Held()

    def work(job: Job) -> None:
        job.fail_in_part("a.png: no image")
        held(job)

    job = start(jobs, work)
    assert held.has_begun.wait(30)
    assert job.document().failures == ["a.png: no image"]
    held.may_end.set()
    assert ended(job).state == "done"


def test_too_many_jobs_are_refused_and_their_end_makes_room(jobs: Jobs) -> None:
    """With when to try again."""
    held = Held()
    waiting = [start(jobs, held) for _ in range(8)]
    with pytest.raises(RefusedError, match="8 jobs wait already") as caught:
        start(jobs, writing)
    assert caught.value.status == 503
    assert int(caught.value.headers["Retry-After"]) > 0
    jobs.cancel(waiting[-1].id)
    last = start(jobs, writing)
    held.may_end.set()
    assert ended(last).state == "done"


def test_results_go_so_long_after_the_last_look(tmp_path: Path) -> None:
    """At once where nothing is kept; what runs stays."""
    jobs = Jobs(tmp_path, kept_s=-1)
    held = Held()
    done, runs = start(jobs, writing), start(jobs, held)
    ended(done)
    assert held.has_begun.wait(30)
    jobs.sweep()
    assert not done.folder.exists()
    assert jobs.get(runs.id) is runs
    held.may_end.set()
    jobs.close(wait_s=10)


def test_of_many_results_the_oldest_go(jobs: Jobs) -> None:
    """Sixteen are kept."""
    made = []
    for _ in range(18):
        made.append(start(jobs, writing))
        ended(made[-1])
    jobs.sweep()
    assert [job.folder.exists() for job in made] == [False] * 2 + [True] * 16


def test_closing_cancels_what_runs_and_what_waits(tmp_path: Path) -> None:
    """The thread ends, and no folder stays."""
    jobs = Jobs(tmp_path, kept_s=1e9)
    held = Held()
    running, waiting = start(jobs, held), start(jobs, writing)
    assert held.has_begun.wait(30)
    held.may_end.set()
    jobs.close(wait_s=30)
    assert running.document().state in ("cancelled", "done")
    assert waiting.document().state in ("cancelled", "done")
