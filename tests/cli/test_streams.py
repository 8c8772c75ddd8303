"""Standard output and error as the system gives them: pipes that close, full disks, terminals."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "from delineate.cli.main import run; run()"]


def test_a_pipe_that_closes_is_no_error(pairs, tmp_path):
    """A reader that leaves early, such as head, costs neither the work nor a traceback."""
    read, write = os.pipe()
    os.close(read)
    call = [*PROGRAM, "inspect", str(pairs), "--out", str(tmp_path / "look")]
    done = subprocess.run(call, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    assert (tmp_path / "look" / "inspect.html").is_file()


def test_help_into_a_closed_pipe_is_quiet():
    """Help that nobody reads ends without a word."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*PROGRAM, "--help"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_standard_output_on_a_full_disk(pairs, tmp_path):
    """A redirection to a full disk is one line and exit code 2; the files are in place."""
    call = [*PROGRAM, "inspect", str(pairs), "--out", str(tmp_path / "look")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: standard output: cannot be written")
    assert "Traceback" not in done.stderr
    assert (tmp_path / "look" / "inspect.html").is_file()


def test_a_terminal_gets_bars_and_a_pipe_gets_results(pairs, tmp_path):
    """On a terminal progress is drawn, while standard output holds table and path alone."""
    ours, theirs = pty.openpty()
    call = [*PROGRAM, "inspect", str(pairs), "--out", str(tmp_path / "look")]
    done = subprocess.run(call, stdout=subprocess.PIPE, stderr=theirs, text=True, check=False)
    os.close(theirs)
    drawn = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0, drawn
    assert "\x1b[" in drawn
    assert "reading masks" in drawn
    assert done.stdout.splitlines()[-1] == str(tmp_path / "look" / "inspect.html")
    assert "\x1b[" not in done.stdout
