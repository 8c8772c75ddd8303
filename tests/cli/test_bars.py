"""How far long work is."""

from __future__ import annotations

import pytest

from delineate.cli.bars import PlainBar, PlainBars, TerminalBars, duration


class Clock:
    """A clock that stands until it is moved."""

    now_s = 0.0

    def __call__(self) -> float:
        """The time that was set."""
        return self.now_s


def lines_of(moves, total=100.0):
    """What a plain bar says of (seconds, done, text) moves."""
    clock, said = Clock(), []
    bar = PlainBar("training", total, said.append, clock)
    for clock.now_s, done, text in moves:
        bar.reach(done, text)
    return said


def test_a_line_when_work_begins():
    """Work is announced before any of it is done."""
    assert lines_of([]) == ["training ..."]


def test_a_line_at_every_quarter():
    """Quarters are said with the time that is left, once each."""
    moves = [(4 * n, 10 * n, f"loss {n}") for n in range(1, 11)]
    assert lines_of(moves)[1:] == [
        "training: 30 %, 28 s left, loss 3",
        "training: 50 %, 20 s left, loss 5",
        "training: 80 %, 8 s left, loss 8",
        "training: 100 %, took 40 s, loss 10",
    ]


def test_slow_work_is_heard_of_every_ten_seconds():
    """Between quarters a line follows ten seconds of silence, not sooner."""
    said = lines_of([(n, n / 100, "") for n in range(1, 61)])
    assert len(said) == 1 + 6


def test_long_work_has_a_short_log():
    """An hour is some forty lines, not three hundred."""
    said = lines_of([(n, n / 36, "") for n in range(1, 3601)])
    assert 20 < len(said) < 60


def test_quick_work_is_said_once():
    """Work that is over within a second has one line."""
    assert lines_of([(n / 1000, n, "") for n in range(101)]) == ["training ..."]


def test_work_of_unknown_size_is_counted():
    """Without a total the number done is said."""
    assert lines_of([(11, 57, "")], total=0)[1] == "training: 57 done"


def test_nothing_done_has_no_time_left():
    """Before anything is done no time is promised."""
    assert lines_of([(11, 0, "")])[1] == "training: 0 %"


def test_plain_bars_say_through_one_voice():
    """Lines and bars of a log go the same way."""
    said = []
    bars = PlainBars(said.append)
    with bars.bar("reading", 3) as bar:
        bar.reach(1)
        bars.say("in between")
    assert said == ["reading ...", "in between"]


def test_terminal_bars_nest_and_leave_the_screen(capsys):
    """Bars stand above each other, lines stay, and the bars are gone at the end."""
    bars = TerminalBars()
    with bars.bar("outer", 2) as outer:
        outer.reach(1, "loss [0.1]")
        with bars.bar("inner", 0) as inner:
            inner.reach(5)
            bars.say("a line [with brackets]")
        assert bars._shown.task_ids == [0]
    assert bars._shown.task_ids == []
    assert not bars._shown.live.is_started
    assert "a line [with brackets]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.6, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (7260, "2 h 1 min")],
)
def test_duration(seconds, said):
    """Lengths of time are said in at most two units."""
    assert duration(seconds) == said
