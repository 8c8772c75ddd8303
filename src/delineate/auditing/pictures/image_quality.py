"""Pictures that are unreadable, blank, saturated, dark, blurred, barred, or of an odd size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.auditing.findings.finding import Finding
from delineate.auditing.pictures.gallery import Gallery
from delineate.auditing.pictures.letterbox import SIDES, Bars, bars_of
from delineate.auditing.pictures.signature import DTYPES
from delineate.data.listing import counted

FEWEST = 20
"""So many pictures are needed to say how dark, sharp or large they usually are."""
BLANK_SHARE = 0.006
"""Of the range of levels: the deviation of a picture of one colour after JPEG."""
SATURATED_SHARE = 0.25
DARK_FACTOR = 0.5
BLUR_FACTOR = 0.7
CLEAR = 5.0
RARE_SHARE = 0.05
COMMON_SHARE = 0.8
SINGLE_SHARE = 0.2
"""Where more of the pictures have bars, one finding says so for all of them."""
POINTS = {"least": 0, "low": 5, "median": 50, "high": 95, "most": 100}

Table = NDArray[Any]
Numbers = NDArray[np.float64]


def findings_of_images(gallery: Gallery) -> tuple[Finding, ...]:
    """All that is unusual about the pictures themselves.

    What is dark, blurred or saturated is judged by the other pictures of the set, and only
    where there are 20; a blank picture is blank by itself.
    """
    names = gallery.name
    findings = [
        Finding("unreadable_image", (names(position),), text, badness=1.0)
        for position, text in sorted(gallery.problems.items())
    ]
    for judge in (_blank, _saturated, _dark, _blurred, _odd_sizes):
        findings.extend(judge(gallery.table, names))
    findings.extend(_bars(gallery))
    return tuple(findings)


def summary_of_images(table: Table) -> dict[str, Any]:
    """Sizes, types and intensities in plain numbers, for audit.json."""
    read = table[table["is_read"]]
    names = ["height", "width", "channels", "dtype"]
    kinds, counts = np.unique(read[names], return_counts=True)
    sizes = [
        {
            "height_px": int(kind["height"]),
            "width_px": int(kind["width"]),
            "channels": int(kind["channels"]),
            "dtype": str(DTYPES[kind["dtype"]]),
            "images": int(count),
        }
        for kind, count in sorted(zip(kinds, counts, strict=True), key=lambda pair: -pair[1])
    ]
    summary: dict[str, Any] = {"images": len(table), "read": len(read), "sizes": sizes}
    for name in ("mean", "deviation", "sharpness") if len(read) else ():
        points = np.percentile(read[name], list(POINTS.values()))
        summary[name] = dict(zip(POINTS, points.tolist(), strict=True))
    return summary


Names = Callable[[int], str]


def is_blank(table: Table) -> NDArray[np.bool_]:
    """Which pictures are nearly of one level."""
    return table["is_read"] & (table["deviation"] <= BLANK_SHARE * _range(table))


def _range(table: Table) -> Numbers:
    """The range of levels that each picture could have: of its type, or usual for the set."""
    usual = np.full(len(table), 255.0)
    for code in np.unique(table["dtype"][table["is_read"]]):
        own = table["is_read"] & (table["dtype"] == code)
        if DTYPES[code] != np.uint8:
            reach = table["maximum"][own].astype(np.float64) - table["minimum"][own]
            usual[own] = np.median(reach)
    return usual


def _blank(table: Table, names: Names) -> Iterator[Finding]:
    for position in np.flatnonzero(is_blank(table)).tolist():
        row = table[position]
        low, high, mean = (float(row[name]) for name in ("minimum", "maximum", "mean"))
        text = (
            f"all levels are {low:g}"
            if low == high
            else (
                f"levels from {low:g} to {high:g} with a standard deviation of "
                f"{row['deviation']:.2g} around {mean:.4g}"
            )
        )
        evidence = {"minimum": low, "maximum": high, "deviation": float(row["deviation"])}
        yield Finding("blank_image", (names(position),), text, evidence, 1 / (1 + high - low))


def _saturated(table: Table, names: Names) -> Iterator[Finding]:
    shares = table["saturated_share"].astype(np.float64)
    far, usual = _deviations(shares, table["is_read"], floor=0.03)
    for position in np.flatnonzero(
        (shares >= SATURATED_SHARE) & (far >= CLEAR) & ~is_blank(table)
    ).tolist():
        text = (
            f"{shares[position]:.0%} of the pixels are at the largest value, "
            f"{table['maximum'][position]:g}; usually {usual:.1%}"
        )
        evidence = {"share": shares[position], "usual_share": usual}
        yield Finding("saturated_image", (names(position),), text, evidence, shares[position])


def _dark(table: Table, names: Names) -> Iterator[Finding]:
    # What is bright in a picture, not its mean: much of it may rightly be black.
    bright = table["mean"].astype(np.float64) + 2 * table["deviation"]
    is_judged = table["is_read"] & (table["minimum"] >= 0) & ~is_blank(table)
    far, usual = _deviations(np.log(np.maximum(bright, 1e-6)), is_judged, floor=0.1)
    usual = float(np.exp(usual))
    is_dark = is_judged & (far <= -CLEAR) & (bright < DARK_FACTOR * usual)
    for position in np.flatnonzero(is_dark).tolist():
        text = (
            f"mean level {table['mean'][position]:.3g}, bright parts at {bright[position]:.3g}, "
            f"where other images reach {usual:.3g}"
        )
        evidence = {
            "mean": float(table["mean"][position]),
            "bright": float(bright[position]),
            "usual": usual,
        }
        yield Finding("dark_image", (names(position),), text, evidence, -float(far[position]))


def _blurred(table: Table, names: Names) -> Iterator[Finding]:
    is_judged = table["is_read"] & (table["sharpness"] > 0) & ~is_blank(table)
    sides = np.stack([table["height"], table["width"]], axis=1)
    # Pictures are as sharp as they are large: only those of one size are compared.
    for side in np.unique(sides[is_judged], axis=0):
        own = is_judged & (sides == side).all(axis=1)
        sharpness = table["sharpness"].astype(np.float64)
        far, usual = _deviations(np.log(np.maximum(sharpness, 1e-9)), own, floor=0.05)
        usual = float(np.exp(usual))
        is_blurred = own & (far <= -CLEAR) & (sharpness < BLUR_FACTOR * usual)
        for position in np.flatnonzero(is_blurred).tolist():
            value = float(sharpness[position])
            text = f"{value / usual:.0%} of the fine detail that is usual for this size"
            evidence = {"sharpness": value, "usual": usual}
            yield Finding("blurred_image", (names(position),), text, evidence, usual / value)


def _deviations(
    values: Numbers, is_judged: NDArray[np.bool_], *, floor: float
) -> tuple[Numbers, float]:
    """Robust deviations from the median of the judged; 0 for others and where these are few."""
    far = np.zeros(len(values))
    if np.count_nonzero(is_judged) < FEWEST:
        return far, 0.0
    low, middle, high = np.percentile(values[is_judged], [25, 50, 75])
    spread = max((high - low) / 1.349, floor)
    far[is_judged] = (values[is_judged] - middle) / spread
    return far, float(middle)


def _odd_sizes(table: Table, names: Names) -> Iterator[Finding]:
    """Sizes and types of few pictures, where nearly all others agree on one."""
    kinds: dict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    for position in np.flatnonzero(table["is_read"]).tolist():
        row = table[position]
        key = (int(row["height"]), int(row["width"]), int(row["channels"]), int(row["dtype"]))
        kinds[key].append(position)
    count = sum(map(len, kinds.values()))
    if count < FEWEST:
        return
    common = max(kinds, key=lambda key: len(kinds[key]))
    if len(kinds[common]) < COMMON_SHARE * count:
        return
    for kind, positions in kinds.items():
        if kind != common and len(positions) <= max(1, RARE_SHARE * count):
            text = (
                f"{counted(len(positions), 'image')} of {_said(kind)}; {len(kinds[common])} of "
                f"{count} are of {_said(common)}"
            )
            if kind == (common[1], common[0], *common[2:]):
                text += ", so these may have been turned"
            evidence = {
                "height_px": kind[0],
                "width_px": kind[1],
                "channels": kind[2],
                "dtype": str(DTYPES[kind[3]]),
            }
            yield Finding(
                "unusual_size", tuple(map(names, positions)), text, evidence, 1 / len(positions)
            )


def _said(kind: tuple[int, int, int, int]) -> str:
    height, width, channels, dtype = kind
    return f"{height}x{width} px, {counted(channels, 'channel')}, {DTYPES[dtype]}"


def _bars(gallery: Gallery) -> Iterator[Finding]:
    found = bars_of(gallery)
    if len(found) > SINGLE_SHARE * len(gallery):
        shares = np.mean([_share(gallery, bars) for bars in found])
        text = (
            f"{len(found)} of {len(gallery)} images have even bars along their sides, which "
            f"fill {shares:.0%} of them on average"
        )
        names = tuple(gallery.name(bars.position) for bars in found)
        yield Finding("letterbox_bars", names, text, {"share": float(shares)}, about="many")
        return
    for bars in found:
        words = ", ".join(
            f"{width} px at the {side}"
            for side, width in zip(SIDES, bars.widths_px, strict=True)
            if width
        )
        share = _share(gallery, bars)
        text = f"even bars of {words}: {share:.0%} of the image"
        evidence = {"widths_px": dict(zip(SIDES, bars.widths_px, strict=True)), "share": share}
        yield Finding("letterbox_bars", (gallery.name(bars.position),), text, evidence, share)


def _share(gallery: Gallery, bars: Bars) -> float:
    row = gallery.table[bars.position]
    top, left, bottom, right = bars.widths_px
    height, width = int(row["height"]), int(row["width"])
    return 1 - (height - top - bottom) * (width - left - right) / (height * width)
