"""Work that takes longer than anybody waits for an answer: one job after the other."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from delineate.core.errors import DelineateError
from delineate.web.documents import JobDocument, JobState
from delineate.web.problems import API, RefusedError
from delineate.web.results.stored import new_id

if TYPE_CHECKING:
    from delineate.core.progress import Bar

LOG = logging.getLogger("delineate.web")
# Of those that wait or run, and of those that are done and wait to be fetched.
_MOST_UNFINISHED, _MOST_FINISHED = 8, 16
_RETRY_AFTER_S = 30


class CancelledJobError(Exception):
    """Somebody wants no more of it."""


class Job:
    """One job: how far it is, and, for the thread that does it, a `Progress` that can be cancelled.

    `folder` is its own and goes with it.
    """

    def __init__(self, folder: Path, total: int) -> None:
        self.id = new_id()
        self.folder = folder
        self.result: Path | None = None
        self.touched_s = monotonic()
        self._total, self._done = total, 0
        self._state: JobState = "waiting"
        self._failures: list[str] = []
        self._error: str | None = None
        self._lock = Lock()

    @property
    def is_finished(self) -> bool:
        """Whether nothing more comes of it."""
        return self._state not in ("waiting", "running")

    def document(self) -> JobDocument:
        """How far it is now."""
        base = f"{API}/v1/jobs/{self.id}"
        links = {"self": base, "events": f"{base}/events"}
        with self._lock:
            if self._state == "done" and self.result is not None:
                links["result"] = f"{base}/result"
            return JobDocument(
                id=self.id,
                state=self._state,
                total=self._total,
                done=self._done,
                failures=list(self._failures),
                error=self._error,
                links=links,
            )

    def require_wanted(self) -> None:
        """Go on, unless somebody has cancelled it.

        Raises:
            CancelledJobError: somebody has.
        """
        if self._state == "cancelled":
            raise CancelledJobError

    def fail_in_part(self, words: str) -> None:
        """Note what is wrong with one of its images; the others go on."""
        with self._lock:
            self._failures.append(words)

    def say(self, text: str) -> None:
        """Nothing: what a job has to say stands in its document."""

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[Bar]:
        """Follow a piece of it."""
        with self._lock:
            self._total, self._done = int(total), 0
        yield self

    def reach(self, done: float, text: str = "") -> None:
        """Say how much is done.

        Raises:
            CancelledJobError: nobody wants more.
        """
        self._done = int(done)
        self.require_wanted()

    def change(self, state: JobState, error: str | None = None) -> bool:
        """Take this state, unless it is finished; whether it was taken."""
        with self._lock:
            if self.is_finished:
                return False
            self._state, self._error = state, error
            self.touched_s = monotonic()
            return True


# Does a job in its thread; the file to fetch in the end, or None.
Work = Callable[[Job], Path | None]


class Jobs:
    """Jobs by id, one of them running. Done ones stay for `kept_s` after the last look at them."""

    def __init__(self, scratch: Path, *, kept_s: float) -> None:
        self._scratch, self._kept_s = scratch, kept_s
        self._jobs: dict[str, Job] = {}
        self._lock = Lock()
        self._line: SimpleQueue[tuple[Job, Work] | None] = SimpleQueue()
        self._thread = Thread(target=self._do_all, name="jobs", daemon=True)
        self._thread.start()

    def folder(self) -> Path:
        """A new folder for one job, for what it needs before it begins."""
        folder = self._scratch / f"job-{uuid4().hex}"
        folder.mkdir(mode=0o700)
        return folder

    def require_room(self) -> None:
        """Nothing, while another job may join.

        Raises:
            RefusedError: 503, too many wait.
        """
        unfinished = sum(not each.is_finished for each in list(self._jobs.values()))
        if unfinished >= _MOST_UNFINISHED:
            raise RefusedError(
                503,
                "busy",
                f"{unfinished} jobs wait already, and no more may; try again later, or cancel one",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )

    def start(self, work: Work, *, total: int, folder: Path) -> Job:
        """Put a job in line; its folder, from `folder()`, is removed with it.

        Raises:
            RefusedError: 503, too many wait.
        """
        job = Job(folder, total)
        with self._lock:
            self.require_room()
            self._jobs[job.id] = job
        self._line.put((job, work))
        self.sweep()
        return job

    def get(self, id_: str) -> Job:
        """The job of that id.

        Raises:
            RefusedError: 404, it is not there or no longer.
        """
        self.sweep()
        job = self._jobs.get(id_)
        if job is None:
            raise RefusedError(
                404,
                "gone",
                "job: no such one here, or no longer, for results are kept "
                f"{self._kept_s / 60:.0f} minutes after the last look; send the images again",
            )
        job.touched_s = monotonic()
        return job

    def cancel(self, id_: str) -> None:
        """Do no more of a job; one that is finished goes, with its result.

        Raises:
            RefusedError: 404, it is not there or no longer.
        """
        job = self.get(id_)
        if not job.change("cancelled"):
            self._forget(job)

    def sweep(self) -> None:
        """Let go finished jobs that nobody looks at, and the oldest where there are many."""
        finished = [each for each in list(self._jobs.values()) if each.is_finished]
        finished.sort(key=lambda job: job.touched_s)
        oldest_s = monotonic() - self._kept_s
        for place, job in enumerate(finished):
            if job.touched_s < oldest_s or len(finished) - place > _MOST_FINISHED:
                self._forget(job)

    def close(self, *, wait_s: float) -> None:
        """Cancel all, and wait so long for the one that runs to notice."""
        for job in list(self._jobs.values()):
            job.change("cancelled")
        self._line.put(None)
        self._thread.join(wait_s)

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _do_all(self) -> None:
        while (taken := self._line.get()) is not None:
            _do(*taken)
            del taken


def _do(job: Job, work: Work) -> None:
    """Do one job to its end, whatever that is."""
    if job.change("running"):
        try:
            job.result = work(job)
            job.change("done")
        except CancelledJobError:
            pass
        except DelineateError as error:
            # Where the server keeps its files is nobody's business.
            job.change("failed", str(error).replace(str(job.folder), "the server's folder"))
        except Exception:
            number = uuid4().hex[:12]
            LOG.exception("mistake %s in a job", number)
            job.change("failed", f"a mistake of the server, number {number}; its log has it too")
    if job.document().state != "done":
        shutil.rmtree(job.folder, ignore_errors=True)
