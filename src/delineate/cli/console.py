"""Where a verb's words go: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Protocol, TextIO

import typer

from delineate.cli.bars import PlainBars, TerminalBars
from delineate.core.errors import CannotWriteError
from delineate.core.progress import SILENT, Bar, Progress

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


class Finished(Protocol):
    """What every workflow returns."""

    @property
    def document(self) -> Mapping[str, Any]:
        """Plain JSON values."""

    @property
    def main_result(self) -> Path:
        """The file or folder that a person looks at first."""

    @property
    def failures(self) -> tuple[str, ...]:
        """`file: what is wrong`, one a failed case."""


class Console:
    """The `Progress` of a verb, and the printer of its result.

    Progress and failures go to standard error, so that a pipe gets results alone and never
    stops long work by closing.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._progress: Progress = SILENT
        if not quiet:
            self._progress = TerminalBars() if sys.stderr.isatty() else PlainBars(complain)

    def say(self, text: str) -> None:
        """Print one line beside the bars."""
        self._progress.say(text)

    def bar(self, label: str, total: float) -> AbstractContextManager[Bar]:
        """Show work of a known total until the context ends."""
        return self._progress.bar(label, total)

    @contextmanager
    def work(self, when_interrupted: Callable[[], str]) -> Iterator[None]:
        """Turn Ctrl-C during the block into one line that says what remains, and exit 130.

        An error that comes after it, as of a module that was stopped half imported, is part of
        the stop.
        """
        with _heard_interrupts() as heard:
            try:
                yield
            except (KeyboardInterrupt, Exception) as error:
                if not isinstance(error, KeyboardInterrupt) and not heard:
                    raise
                complain(f"interrupted; {when_interrupted()}")
                raise typer.Exit(INTERRUPTED) from None

    def finish(self, result: Finished, table: Iterable[str] = ()) -> None:
        """Print table, failures and the path of the main result; exit 1 where cases failed.

        The path is the last line of standard output; with `--json` the document takes its
        place there, and the path goes to standard error.
        """
        if self._as_json:
            document = json.dumps(result.document, indent=2, ensure_ascii=False, allow_nan=False)
            tell(document)
        elif not self._quiet:
            for line in table:
                tell(line)
        if result.failures:
            complain(f"{len(result.failures)} failed:")
            for failure in result.failures:
                complain(f"  {failure}")
        if not self._as_json:
            tell(str(result.main_result))
        elif not self._quiet:
            complain(str(result.main_result))
        if result.failures:
            raise typer.Exit(FAILED)


@contextmanager
def _heard_interrupts() -> Iterator[list[int]]:
    """The signals of Ctrl-C during the block; each raises `KeyboardInterrupt` all the same."""
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()  # the others get no signals
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield heard  # whoever has set another handler takes care of it
        return
    signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_interrupted() -> NoReturn:
    """End the process after Ctrl-C, without taking Python down piece by piece.

    Threads of libraries that were stopped in their tracks may abort it then.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)


def complain(text: str) -> None:
    """Print one line on standard error; a reader who has left is no problem."""
    _write(sys.stderr, text)


def tell(text: str) -> None:
    """Print one line on standard output; a reader who has left is no problem."""
    _write(sys.stdout, text)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        forget(stream)
    except OSError as error:
        forget(stream)
        if stream is sys.stdout:
            raise CannotWriteError(
                f"standard output: cannot be written: {error.strerror}; "
                "the results themselves are in place"
            ) from error


def forget(stream: TextIO) -> None:
    """Send what is still to come nowhere, so that closing the stream does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
