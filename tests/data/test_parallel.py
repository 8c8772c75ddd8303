from __future__ import annotations

import threading
import time

import pytest

from delineate.core.errors import DelineateError
from delineate.data.parallel import MOST_THREADS, WAITING, in_threads


def test_results_keep_their_order():
    """The first item comes first, however long it takes."""

    def slow_at_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return number * 2

    found = list(in_threads(slow_at_first, range(200), label="doubling"))
    assert found == [(number, number * 2) for number in range(200)]


def test_our_errors_are_results():
    """A file that cannot be read does not stop the others."""

    def refuse_two(number):
        if number == 2:
            raise DelineateError("two is bad")
        return number

    results = [result for _, result in in_threads(refuse_two, range(4), label="trying")]
    assert results[:2] + results[3:] == [0, 1, 3]
    assert str(results[2]) == "two is bad"


def test_other_errors_stop():
    """A fault of ours is not swallowed."""

    def divide(number):
        return 1 / number

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        list(in_threads(divide, [1, 0, 1], label="dividing"))


def test_work_does_not_run_ahead():
    """Only a few results wait for a slow reader, so that arrays never pile up."""
    started = []
    lock = threading.Lock()

    def note(number):
        with lock:
            started.append(number)
        return number

    results = in_threads(note, range(1000), label="noting")
    next(results)
    time.sleep(0.05)
    assert len(started) <= MOST_THREADS * WAITING + 1
    results.close()


def test_progress_is_told(monkeypatch):
    """A bar is opened with the number of items and follows them to the end."""
    reached = []

    class Bar:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def reach(self, done, text=""):
            reached.append(done)

    class Told:
        def bar(self, label, total):
            reached.append((label, total))
            return Bar()

    list(in_threads(str, [1, 2], label="naming", progress=Told()))
    assert reached == [("naming", 2), 1, 2]
