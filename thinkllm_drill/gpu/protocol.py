"""How the judge times an attempt: beside the device's limit, in turns, and without believing what it is told.

What a runner claims by events is compared with the judge's own clock (the slope between K and 2K calls), with what the
device can do at all, and with the outputs of calls that are named after they were made.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from thinkllm_drill.gpu.player import Block
from thinkllm_drill.gpu.stats import Interval, level, ratio

CALLS = (8, 16)
"""Fewest and most calls a block."""
BLOCK_SECONDS = 4e-3
WARM_SEEDS = 64
ROUNDS = (5, 40)
SLOPES = 7
SLOPE_CALLS = (4, 32)
SLOPE_SECONDS = 8e-3
SLOPE_WITHIN = (0.8, 1.25)
CHECKED = 2
"""Outputs that are checked a block."""
LATE_SECONDS = 5e-5
LATE_PART = 0.1
NO_TIME = 1e-9
COPY_FLOOR = 0.75
"""Without a better figure nothing is faster than this part of the time of a copy."""


class Timed(Protocol):
    """One who can be timed; see `player.Player`."""

    def warm_up(self, seeds: Sequence[int]) -> float:
        """Call until it is warm."""
        ...

    def block(self, seeds: Sequence[int], picks: Sequence[int]) -> Block:
        """Time a call for each seed."""
        ...


class Suspected(Timed, Protocol):
    """One whose word is not taken."""

    def samples(self, index: int) -> list[Any]:
        """What was sampled of a call of the last block."""
        ...

    def prepare(self, seeds: Sequence[int]) -> int:
        """Make inputs; how many there are."""
        ...

    def stretch(self, first: int, count: int, pick: int) -> list[Any]:
        """Call on prepared inputs; samples of the last output."""
        ...


Verify = Callable[[int, int, list[Any]], str | None]
"""By the seed of the inputs, the seed of the places and the samples: what is wrong with them, if anything is."""


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        seconds: on the judge's clock, after which no new round begins.
        precision: half of the interval of the ratio to the limit at which to stop, as a part of it.
        threshold: the ratio that decides; where the interval holds it, measuring goes on for twice the time.
    """

    seconds: float = 5.0
    precision: float = 0.02
    threshold: float | None = None


@dataclass(frozen=True)
class Measurement:
    """What came out.

    Attributes:
        attempt: seconds a call.
        limit: seconds of what it is compared with.
        share: the limit's seconds by the attempt's: 1 is as fast as the limit.
        others: seconds of the others; shares of them likewise.
        slope: seconds a call by the judge's clock.
        wrong: what is wrong with an output of a timed call.
        suspect: why the figures cannot be true: "side-stream", "slope", "roofline".
    """

    attempt: Interval
    limit: Interval
    share: Interval
    others: Mapping[str, Interval] = field(default_factory=dict)
    shares: Mapping[str, Interval] = field(default_factory=dict)
    slope: float | None = None
    rounds: int = 0
    calls: int = 0
    wrong: str | None = None
    suspect: str | None = None


class Game:
    """One measurement.

    Args:
        attempt: who is measured.
        limit: what it is compared with.
        others: who else is timed along.
        verify: checks an output.
        now: the judge's own clock.
        draw: where seeds come from; nobody else knows them before they are used.
        floor: seconds below which no kernel can be; None for a part of the limit's own time where `limit_is_copy`.
    """

    def __init__(
        self,
        attempt: Suspected,
        limit: Timed,
        others: Mapping[str, Timed],
        *,
        verify: Verify,
        now: Callable[[], float],
        draw: random.Random,
        floor: float | None = None,
        limit_is_copy: bool = True,
    ) -> None:
        self._attempt, self._limit, self._others = attempt, limit, dict(others)
        self._verify, self._now, self._draw = verify, now, draw
        self._floor, self._limit_is_copy = floor, limit_is_copy
        self._medians: dict[str, list[float]] = {name: [] for name in ("attempt", "limit", *self._others)}
        self._late: list[bool] = []
        self._wrong: str | None = None

    def play(self, plan: Plan) -> Measurement:
        """Measure; stops at the first output that is wrong."""
        limit_seconds = self._begin()
        calls = _within(round(BLOCK_SECONDS / limit_seconds), CALLS)
        begin = self._now()
        while not self._over(plan, self._now() - begin):
            self._round(calls)
            if self._wrong is not None:
                break
        slope = None
        for repeats in (SLOPES, 3 * SLOPES):  # a host that was busy is given a second chance
            slope = self._slope(repeats) if self._wrong is None else None
            if self._agrees(slope):
                break
        return self._result(slope, calls)

    def _begin(self) -> float:
        """Warm everybody up, on inputs that are not timed; seconds of the limit, which decide how often is called."""
        for player in (self._limit, *self._others.values(), self._attempt):
            player.warm_up(self._seeds(WARM_SEEDS))
        return _seconds(self._limit.block(*self._two(CALLS[0])))

    def _over(self, plan: Plan, spent: float) -> bool:
        rounds = len(self._medians["attempt"])
        if rounds < ROUNDS[0]:
            return rounds >= 3 and spent > 4 * plan.seconds  # so slow that three say all
        share = self._share()
        decided = plan.threshold is None or not share.low <= plan.threshold <= share.high
        if share.half_width <= plan.precision and decided:
            return True
        return rounds >= ROUNDS[1] or spent > (plan.seconds if decided else 2 * plan.seconds)

    def _round(self, calls: int) -> None:
        players: list[tuple[str, Timed]] = [("attempt", self._attempt), ("limit", self._limit), *self._others.items()]
        self._draw.shuffle(players)
        for name, player in players:
            seeds, picks = self._two(calls)
            block = player.block(seeds, picks)
            seconds = _seconds(block)
            self._medians[name].append(seconds)
            if name == "attempt":
                self._late += [late > max(LATE_SECONDS, LATE_PART * seconds) for late in block.late]
                for index in self._draw.sample(range(calls), CHECKED):
                    self._wrong = self._wrong or self._verify(seeds[index], picks[index], self._attempt.samples(index))

    def _slope(self, repeats: int) -> float | None:
        """Seconds a call by our clock: from the question to an answer that only finished work can give."""
        claimed = statistics.median(self._medians["attempt"])
        wanted = _within(round(SLOPE_SECONDS / claimed), SLOPE_CALLS)
        slopes = []
        for _ in range(repeats):
            seeds = self._seeds(3 * wanted)
            made = min(self._attempt.prepare(seeds), len(seeds))
            count = made // 3
            if count < 1:
                return None
            once, twice = (self._clocked(seeds, first, number) for first, number in ((0, count), (count, 2 * count)))
            slopes.append((twice - once) / count)
            if self._wrong is not None:
                return None
        return statistics.median(slopes)

    def _clocked(self, seeds: Sequence[int], first: int, count: int) -> float:
        pick = self._seed()
        start = self._now()
        found = self._attempt.stretch(first, count, pick)
        seconds = self._now() - start
        self._wrong = self._wrong or self._verify(seeds[first + count - 1], pick, found)
        return seconds

    def _result(self, slope: float | None, calls: int) -> Measurement:
        attempt = level(self._medians["attempt"])
        return Measurement(
            attempt=attempt,
            limit=level(self._medians["limit"]),
            share=self._share(),
            others={name: level(self._medians[name]) for name in self._others},
            shares={name: ratio(self._medians[name], self._medians["attempt"]) for name in self._others},
            slope=slope,
            rounds=len(self._medians["attempt"]),
            calls=calls,
            wrong=self._wrong,
            suspect=self._suspicion(attempt.value, slope) if self._wrong is None else None,
        )

    def _agrees(self, slope: float | None) -> bool:
        """Whether our clock and the events tell the same, as far as can be told."""
        low, high = SLOPE_WITHIN
        return slope is None or low <= slope / level(self._medians["attempt"]).value <= high

    def _suspicion(self, seconds: float, slope: float | None) -> str | None:
        if sum(self._late) * 2 >= len(self._late) > 0:
            return "side-stream"
        if not self._agrees(slope):
            return "slope"
        floor = self._floor
        if floor is None and self._limit_is_copy:
            floor = COPY_FLOOR * statistics.median(self._medians["limit"])
        if floor is not None and seconds < floor:
            return "roofline"
        return None

    def _share(self) -> Interval:
        return ratio(self._medians["limit"], self._medians["attempt"])

    def _two(self, count: int) -> tuple[list[int], list[int]]:
        return self._seeds(count), self._seeds(count)

    def _seeds(self, count: int) -> list[int]:
        return [self._seed() for _ in range(count)]

    def _seed(self) -> int:
        return self._draw.getrandbits(62)


def _seconds(block: Block) -> float:
    """The median; what is no time at all becomes one that nobody believes."""
    seconds = statistics.median(block.seconds)
    return seconds if NO_TIME < seconds < math.inf else NO_TIME


def _within(count: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], count))
