"""Where a verb's words go."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer

from delineate.cli.console import Console


@dataclass
class Outcome:
    """A result as workflows return it."""

    document: dict[str, Any] = field(default_factory=lambda: {"images": 3, "name": "Gefäß"})
    main_result: Path = Path("out/page.html")
    failures: tuple[str, ...] = ()


def finished(outcome, capsys, **options):
    """Exit code, standard output and standard error of a finished verb."""
    code = 0
    try:
        Console(**options).finish(outcome, ["images  3"])
    except typer.Exit as left:
        code = left.exit_code
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_path_is_the_last_line(capsys):
    """The table comes first and the path of the main result last."""
    assert finished(Outcome(), capsys) == (0, "images  3\nout/page.html\n", "")


def test_quiet_prints_the_path_alone(capsys):
    """With --quiet nothing but the path is printed, not even progress."""
    console = Console(quiet=True)
    console.say("something")
    with console.bar("work", 2) as bar:
        bar.reach(2)
    console.finish(Outcome(), ["images  3"])
    said = capsys.readouterr()
    assert (said.out, said.err) == ("out/page.html\n", "")


def test_json_is_one_object_and_all_else_goes_to_standard_error(capsys):
    """With --json standard output holds the document and nothing more."""
    code, out, err = finished(Outcome(), capsys, as_json=True)
    assert code == 0
    assert json.loads(out) == Outcome().document
    assert "Gefäß" in out
    assert err == "out/page.html\n"


def test_json_and_quiet(capsys):
    """With both, the document is all there is."""
    _, out, err = finished(Outcome(), capsys, as_json=True, quiet=True)
    assert json.loads(out) == Outcome().document
    assert err == ""


@pytest.mark.parametrize("options", [{}, {"quiet": True}, {"as_json": True}])
def test_failures_are_listed_and_exit_1(capsys, options):
    """Each failed case has a line on standard error, whatever is asked to be left out."""
    outcome = Outcome(failures=("a.png: truncated", "b.png: plain text"))
    code, _, err = finished(outcome, capsys, **options)
    assert code == 1
    assert err.startswith("2 failed:\n  a.png: truncated\n  b.png: plain text\n")


def test_progress_goes_to_standard_error(capsys):
    """Lines beside the bars keep out of the results."""
    Console().say("reading")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "reading\n")


def test_interrupt_says_what_remains(capsys):
    """Ctrl-C ends in one line and exit code 130."""
    with (
        pytest.raises(typer.Exit, match=r"^130$"),
        Console().work(lambda: "the run stays; go on with --resume"),
    ):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "interrupted; the run stays; go on with --resume\n"


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Ctrl-C as it comes to a program in a terminal; workers of tests may not listen to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def stopped_half_imported(ctrl_c: Callable[[], None]) -> None:
    """What some libraries make of Ctrl-C."""
    try:
        ctrl_c()
    except KeyboardInterrupt:
        raise ImportError("partially initialized module") from None


def test_an_error_after_ctrl_c_is_part_of_the_stop(capsys, ctrl_c):
    """A library that was stopped half imported may fail in its own way; no traceback is shown."""
    with pytest.raises(typer.Exit, match=r"^130$"), Console().work(lambda: "the run stays"):
        stopped_half_imported(ctrl_c)
    assert capsys.readouterr().err == "interrupted; the run stays\n"


def test_an_error_by_itself_keeps_its_traceback(capsys, ctrl_c):
    """Without Ctrl-C nothing is taken for an interruption."""
    with pytest.raises(ImportError), Console().work(lambda: "the run stays"):
        raise ImportError("no such module")
    assert capsys.readouterr().err == ""
