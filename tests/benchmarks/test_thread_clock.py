"""The clock that other work does not disturb."""

from __future__ import annotations

import subprocess
import sys

import delineate


def test_program_runs_under_the_clock() -> None:
    """Every verb is there, and sleeping is not counted."""
    code = (
        "import sys; sys.argv = ['delineate', '--version']\n"
        "import time; slept = time.sleep\n"
        "from benchmarks import thread_clock\n"
        "try:\n    thread_clock.main()\nexcept SystemExit:\n    pass\n"
        "from delineate.training.budget import Clock\n"
        "clock = Clock(); slept(0.5)\n"
        "print(clock.elapsed_s() < 0.4)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == [f"delineate {delineate.__version__}", "True"]
