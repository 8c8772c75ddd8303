"""The program by a clock that other work does not disturb: `python -m benchmarks.thread_clock`.

A minute of `--minutes`, and every time that is measured, is a minute of processor time of the main
thread, in which a network of `--threads 1` computes. So two trainings of five minutes have had the
same whatever ran beside them. Patches are made by another thread, whose time does not count.
"""

from __future__ import annotations

import concurrent.futures
import queue
import threading
import time

# These wait by the true clock; they are imported so that they keep it.
_WAITING = (concurrent.futures, queue, threading)


def main() -> None:
    """Run `delineate` with this clock."""
    time.monotonic = time.perf_counter = time.thread_time
    from delineate.cli.main import run

    run()


if __name__ == "__main__":
    main()
