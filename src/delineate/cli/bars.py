"""How far long work is: a moving bar on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

# A plain line at every quarter, and in between when nothing was said for so long, or for a
# tenth of the time so far, so that the log of an hour stays short. Quarters that follow
# each other faster than a reader reads are left out.
_SILENCE_S, _TOO_SOON_S = 10.0, 1.0


class PlainBar:
    """Lines for a log: one when work begins, then at every quarter and after every long silence."""

    def __init__(
        self,
        label: str,
        total: float,
        say: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._label, self._total, self._say, self._clock = label, total, say, clock
        self._began_s = self._said_s = clock()
        self._quarter = 0
        say(f"{label} ...")

    def reach(self, done: float, text: str = "") -> None:
        """Say how far it is, where a line is due."""
        now_s = self._clock()
        quarter = int(4 * done / self._total) if self._total else 0
        silence_s, elapsed_s = now_s - self._said_s, now_s - self._began_s
        is_quarter = quarter > self._quarter and silence_s >= _TOO_SOON_S
        if is_quarter or silence_s >= max(_SILENCE_S, elapsed_s / 10):
            self._quarter = max(self._quarter, quarter)
            self._said_s = now_s
            self._say(self._line(done, text, elapsed_s))

    def _line(self, done: float, text: str, elapsed_s: float) -> str:
        if not self._total:
            parts = [f"{done:g} done"]
        elif done >= self._total:
            parts = ["100 %", f"took {duration(elapsed_s)}"]
        else:
            parts = [f"{100 * done / self._total:.0f} %"]
            if done:
                parts.append(f"{duration(elapsed_s * (self._total - done) / done)} left")
        return f"{self._label}: " + ", ".join([*parts, text] if text else parts)


class PlainBars:
    """Bars where nobody watches: a pipe, a log file."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[PlainBar]:
        """Lines for one piece of work."""
        yield PlainBar(label, total, self.say)


class _TerminalBar:
    def __init__(self, shown: RichProgress, task: TaskID) -> None:
        self._shown, self._task = shown, task

    def reach(self, done: float, text: str = "") -> None:
        """Move the bar."""
        self._shown.update(self._task, completed=done, text=text)


class TerminalBars:
    """Bars that move, one above the other, and leave the screen when their work is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._shown = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(file=sys.stderr),
            refresh_per_second=4,
            transient=True,
        )

    def say(self, text: str) -> None:
        """Print one line above the bars."""
        self._shown.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, label: str, total: float) -> Iterator[_TerminalBar]:
        """One bar."""
        if not self._shown.task_ids:
            self._shown.start()
        task = self._shown.add_task(label, total=total or None, text="")
        try:
            yield _TerminalBar(self._shown, task)
        finally:
            self._shown.remove_task(task)
            if not self._shown.task_ids:
                self._shown.stop()


def duration(seconds: float) -> str:
    """A length of time as people say it.

    Examples:
        >>> duration(9.6), duration(95), duration(4000)
        ('10 s', '1 min 35 s', '1 h 7 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
