"""What was measured on a GPU as charts: how far each shape is from its limit, and where it lies under the roofline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thinkllm_drill.gpu.ruling import limit_of
from thinkllm_drill.report.page import say
from thinkllm_drill.verdict import Verdict

LANE = 64
PLOT_TOP, PLOT_HEIGHT = 16.0, 220.0
_WIDEST = 1.2
"""The share at the right end."""
_NAMES = ("attempt", "eager", "compile")


@dataclass(frozen=True)
class Dot:
    """One who was timed, at `x` percent of the width; `share` is its part of the limit."""

    name: str
    x: float
    share: float
    seconds: float


@dataclass(frozen=True)
class Lane:
    """One shape."""

    case: str
    y: int
    dots: tuple[Dot, ...]
    low: float
    high: float
    asked: float
    limit: float
    against: str
    outcome: str


@dataclass(frozen=True)
class Point:
    """A shape under the roof: intensity in FLOP a byte, reached in FLOP a second."""

    x: float
    y: float
    intensity: float
    reached: float
    case: str


@dataclass(frozen=True)
class Roof:
    """The roof as a line of places, its points, and the ticks of both axes."""

    line: tuple[tuple[float, float], ...]
    points: tuple[Point, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    bottom: float = PLOT_TOP + PLOT_HEIGHT


@dataclass(frozen=True)
class Measured:
    """The charts of one verdict."""

    device: str
    lanes: tuple[Lane, ...]
    height: int
    roof: Roof | None


def measured(verdict: Verdict) -> Measured | None:
    """The charts of what a verdict's checks measured, None where nothing was."""
    rows = [row for check in verdict.checks for row in check.speeds if row["outcome"] not in ("wrong", "suspect")]
    if not rows:
        return None
    lanes = tuple(_lane(row, LANE * number) for number, row in enumerate(rows))
    return Measured(str(rows[0]["device"]), lanes, LANE * len(lanes), _roof(rows))


def _lane(row: Mapping[str, Any], y: int) -> Lane:
    limit = row["seconds"][row["against"]]
    dots = [
        Dot(name, _across(limit / seconds), limit / seconds, seconds)
        for name in _NAMES
        if (seconds := row["seconds"].get(name))
    ]
    low, high = (_across(row["share"][side]) for side in ("low", "high"))
    against = limit_of(str(row["against"]))
    places = _across(row["at_least"]), _across(1.0)
    return Lane(str(row["case"]), y, tuple(dots), low, high, *places, against, str(row["outcome"]))


def _across(share: float) -> float:
    return 100 * min(max(share, 0.0), _WIDEST) / _WIDEST


def _roof(rows: Sequence[Mapping[str, Any]]) -> Roof | None:
    """The roofline of the shapes whose operations and bytes are known, on logarithmic axes."""
    known = [row for row in rows if row["flops"] and row["bytes"] and row["copy_bytes_per_second"]]
    if not known:
        return None
    bandwidth = max(row["copy_bytes_per_second"] for row in known)
    peaks = [row["peak_flops"] for row in known if row["peak_flops"]]
    found = [(row["flops"] / row["bytes"], row["flops"] / row["seconds"]["attempt"], row["case"]) for row in known]
    least = 10 ** math.floor(math.log10(min(intensity for intensity, _, _ in found)) - 0.3)
    most = 10 ** math.ceil(math.log10(max(intensity for intensity, _, _ in found)) + 0.3)
    top = min(peaks) if peaks else bandwidth * most
    if peaks:
        most = max(most, 10 ** math.ceil(math.log10(top / bandwidth) + 0.3))
    highest = 10 ** math.ceil(math.log10(min(top, bandwidth * most) * 1.01))
    lowest = 10 ** math.floor(math.log10(min(bandwidth * least, *(reached for _, reached, _ in found))))

    def x(intensity: float) -> float:
        return 100 * math.log(intensity / least) / math.log(most / least)

    def y(reached: float) -> float:
        return PLOT_TOP + PLOT_HEIGHT * (1 - math.log(reached / lowest) / math.log(highest / lowest))

    line = [(x(least), y(bandwidth * least))]
    line += [(x(top / bandwidth), y(top)), (x(most), y(top))] if peaks else [(x(most), y(bandwidth * most))]
    return Roof(
        tuple(line),
        tuple(Point(x(i), y(r), i, r, str(case)) for i, r, case in found),
        tuple((x(value), f"{value:g}") for value in _decades(least, most)),
        tuple((y(value), _flops(value)) for value in _decades(lowest, highest)),
    )


def _decades(low: float, high: float) -> list[float]:
    first, last = round(math.log10(low)), round(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def _flops(value: float) -> str:
    return say("gpu.tera", value=f"{value / 1e12:g}")
