"""Medians, and how sure a ratio of them is. No torch."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

T_95 = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""Student's t at 97.5 % for 1, 2, … degrees of freedom; 2.1 and less beyond."""


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval as a part of the value."""
        return (self.high - self.low) / 2 / self.value if self.value else math.inf

    def scaled(self, factor: float) -> Interval:
        """The interval of the value in another unit."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Interval:
    """The ratio of two figures that were measured in pairs: the geometric mean, Student's t on the logarithms."""
    logs = [math.log(a / b) for a, b in zip(numerators, denominators, strict=True)]
    return _exp(logs)


def level(values: Sequence[float]) -> Interval:
    """One figure that was measured several times."""
    return _exp([math.log(value) for value in values])


def _exp(logs: Sequence[float]) -> Interval:
    middle = statistics.fmean(logs)
    if len(logs) < 2:
        return Interval(math.exp(middle), 0.0, math.inf)
    t = T_95[len(logs) - 2] if len(logs) - 2 < len(T_95) else 2.1
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return Interval(math.exp(middle), math.exp(middle - half), math.exp(middle + half))
