"""How long to train: a number of steps, or a number of minutes."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, inf, pi
from time import monotonic

from delineate.core.errors import SettingsError
from delineate.training.settings import TrainSettings


@dataclass(frozen=True)
class Budget:
    """Either `steps` or `seconds`, never both."""

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse a budget of nothing."""
        if (self.steps is None) == (self.seconds is None):
            raise SettingsError("budget: expected either steps or seconds; give one of them")
        if not 0 < (self.steps or self.seconds or 0) < inf:
            raise SettingsError(
                f"budget: expected more than nothing, found {self.steps or self.seconds}; "
                "give a positive --minutes, --epochs or --steps"
            )

    def share(self, step: int, elapsed_s: float, reserved_s: float) -> float:
        """How much is used, 0 to 1 and beyond; `reserved_s` is kept for what comes after."""
        if self.steps is not None:
            return step / self.steps
        assert self.seconds is not None  # held by __post_init__
        return elapsed_s / max(self.seconds - reserved_s, 1e-3)


def require_one_budget(minutes: float | None, epochs: int | None, steps: int | None) -> None:
    """Refuse several budgets at once, and one of nothing.

    Raises:
        SettingsError: naming the options, or what was found.
    """
    if sum(each is not None for each in (minutes, epochs, steps)) > 1:
        raise SettingsError("--minutes, --epochs and --steps exclude each other; give one")
    if minutes is not None or steps is not None:
        Budget(steps=steps, seconds=minutes)


class Clock:
    """Seconds since training began, interruptions left out."""

    def __init__(self) -> None:
        self._began_s = monotonic()

    def elapsed_s(self) -> float:
        """Seconds used so far, those before a resume included."""
        return monotonic() - self._began_s

    def restart(self, used_s: float) -> None:
        """Count what an interrupted training had used before."""
        self._began_s -= used_s


def learning_rate(share: float, settings: TrainSettings) -> float:
    """A linear warm-up, then half a cosine down to 0 at the end of the budget, or no change.

    Source: Loshchilov and Hutter (2017), arXiv:1608.03983, without restarts.
    """
    if share < settings.warmup_share:
        return settings.learning_rate * max(share / settings.warmup_share, 1e-3)
    if settings.schedule == "constant":
        return settings.learning_rate
    after = (share - settings.warmup_share) / (1 - settings.warmup_share)
    return settings.learning_rate * 0.5 * (1 + cos(pi * min(after, 1.0)))
