"""What was done to a picture, in words and in the names of `records.CHANGES`."""

from __future__ import annotations

from dataclasses import dataclass

from delineate.auditing.copies.alignment import Axes, Box
from delineate.auditing.pictures.orientation import ORIENTATIONS, UPRIGHT, inverse
from delineate.core.geometry import Size

NEAR_PX = 1.5  # edges of the first picture that lie closer fall together
NEAR_SHARE = 0.01  # and those of content boxes, which are found less surely, a little more


@dataclass(frozen=True)
class Side:
    """One axis of a pair, in pixels of the first picture; the second is laid on the first.

    `start` and `end` are the edges of the second picture; the contents are what bars leave.
    """

    length: float
    start: float
    end: float
    scale: float
    content: tuple[float, float]
    second_content: tuple[float, float]

    @property
    def near(self) -> float:
        """How far apart two edges of contents may lie."""
        return max(2 * NEAR_PX, NEAR_SHARE * self.length)

    @property
    def is_cut(self) -> bool:
        """Whether the second picture misses a margin of the first."""
        return self.start > NEAR_PX or self.end < self.length - NEAR_PX

    @property
    def is_cropped(self) -> bool:
        """Whether there is content in that margin."""
        cut = (self.start - self.content[0], self.content[1] - self.end)
        return self.is_cut and max(cut) > self.near

    @property
    def is_wider(self) -> bool:
        """Whether the second picture shows a margin that the first has not."""
        return self.start < -NEAR_PX or self.end > self.length + NEAR_PX

    @property
    def shows_more(self) -> bool:
        """Whether there is content in that margin."""
        more = (-self.second_content[0], self.second_content[1] - self.length)
        return self.is_wider and max(more) > self.near

    @property
    def share(self) -> float:
        """How much of the first picture the second shows."""
        return (min(self.end, self.length) - max(self.start, 0.0)) / self.length

    @property
    def share_of_second(self) -> float:
        """How much of the second picture the first shows."""
        shown = min(self.end, self.length) - max(self.start, 0.0)
        return shown / (self.end - self.start)

    @property
    def is_resized(self) -> bool:
        """Whether the scales differ by more than half a pixel over the whole side."""
        return abs(self.scale - 1) * self.length > 0.5


@dataclass(frozen=True)
class Parts:
    """What words are made from. The second picture is oriented like the first.

    `axes` takes pixel centres of the first picture to those of the second.
    """

    sizes_px: tuple[Size, Size]
    boxes: tuple[Box, Box]
    orientation: str
    axes: Axes
    is_toned: bool
    gain: float
    offset: float
    distance: float

    def side(self, place: int) -> Side:
        """Rows for 0, columns for 1."""
        axis = 1 - place  # the matrix has columns first
        scale, shift = float(self.axes[axis, axis]), float(self.axes[axis, 2])

        def on_first(edge: float) -> float:
            # Edges lie half a pixel outside of the outermost centres.
            return (edge - 0.5 - shift) / scale + 0.5

        first, second = self.boxes
        return Side(
            length=float(self.sizes_px[0][place]),
            start=on_first(0),
            end=on_first(self.sizes_px[1][place]),
            scale=scale,
            content=(first[place], first[place + 2]),
            second_content=(on_first(second[place]), on_first(second[place + 2])),
        )

    @property
    def sides(self) -> tuple[Side, Side]:
        """Rows and columns."""
        return self.side(0), self.side(1)

    @property
    def is_shifted(self) -> bool:
        """Whether two pictures of one size and scale lie beside each other."""
        return (
            self.sizes_px[0] == self.sizes_px[1]
            and not any(side.is_resized for side in self.sides)
            and any(abs(side.start) > 0.5 for side in self.sides)
        )


def changes_of(parts: Parts) -> tuple[str, ...]:
    """The names of all changes, in the order of `records.CHANGES`."""
    turns, is_flipped = ORIENTATIONS[parts.orientation]
    sides, is_shifted = parts.sides, parts.is_shifted
    is_resized = any(side.is_resized for side in sides)
    found = {
        "flip": is_flipped,
        "turn": turns != 0 and not is_flipped,
        "tone": parts.is_toned,
        # Resampling leaves differences too, so that compression cannot be told after it.
        "recompression": parts.distance > 0 and not is_resized,
        "resize": is_resized,
        "letterbox": not is_shifted and any(_has_bars(side) for side in sides),
        "crop": not is_shifted and any(side.is_cropped or side.shows_more for side in sides),
        "shift": is_shifted,
    }
    return tuple(name for name, is_found in found.items() if is_found)


def words_of(parts: Parts) -> str:
    """One phrase, such as `flipped left to right, recompressed`: what was done to the first.

    The orientation of a transform is what lays the second on the first, hence its inverse.
    """
    changes, sides = changes_of(parts), parts.sides
    said = {
        "letterbox": _bar_words(sides),
        "crop": _crop_words(sides),
        "shift": _shift_words(sides),
        "resize": "resized to " + _percent([side.scale for side in sides]),
        "tone": f"tone changed (contrast x {parts.gain:.2f}, {parts.offset:+.0f} levels)",
        "recompression": "recompressed or with a little noise",
    }
    phrases = [] if parts.orientation == UPRIGHT else [inverse(parts.orientation)]
    phrases += [words for name, words in said.items() if name in changes]
    return ", ".join(phrases) or "the same pixels"


def _has_bars(side: Side) -> bool:
    return (side.is_wider and not side.shows_more) or (side.is_cut and not side.is_cropped)


def _bar_words(sides: tuple[Side, Side]) -> str:
    added = any(side.is_wider and not side.shows_more for side in sides)
    return "bars added" if added else "bars cut off"


def _crop_words(sides: tuple[Side, Side]) -> str:
    if any(side.is_cropped for side in sides):
        return f"cropped to {_percent([side.share for side in sides])} of its sides"
    shares = _percent([side.share_of_second for side in sides])
    return f"shows more, of which the first is a crop to {shares} of its sides"


def _shift_words(sides: tuple[Side, Side]) -> str:
    down, right = (round(-side.start) for side in sides)
    moves = []
    if right:
        moves.append(f"{abs(right)} px {'right' if right > 0 else 'left'}")
    if down:
        moves.append(f"{abs(down)} px {'down' if down > 0 else 'up'}")
    return "shifted by " + " and ".join(moves)


def _percent(shares: list[float]) -> str:
    """Height x width, once where they are the same."""
    texts = [f"{100 * share:.0f} %" for share in shares]
    return texts[0] if texts[0] == texts[1] else " x ".join(texts)
