"""Charts as numbers: where things stand on a drawing whose width is 100 %, so that it fits a phone and a desk alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from thinkllm_drill.interview.result import Earlier, Moment, ProblemResult, Result

LANE = 68
"""The height of a lane of the time line, in pixels."""
_LATE_FROM = 91.0
"""Where the deadline stands if something is late: what comes behind it is in order, not to scale."""
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60)
_MOST_STEPS = 6
MOST_SCORES = 8
"""Interviews that the chart of scores shows; a table has all of them."""
_SCORE_TOP, _SCORE_HEIGHT = 24.0, 96.0

MarkKind = Literal["save", "late", "passed", "failed", "ungraded", "submit", "answer"]


@dataclass(frozen=True)
class Span:
    """A time in which a problem was in focus."""

    x: float
    width: float


@dataclass(frozen=True)
class Mark:
    """Something that happened, at `x` percent of the width."""

    x: float
    kind: MarkKind
    seconds: float


@dataclass(frozen=True)
class Lane:
    """One problem on the time line."""

    problem: ProblemResult
    y: int
    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class TimeLine:
    """The whole interview."""

    lanes: tuple[Lane, ...]
    height: int
    deadline: float
    ended: float | None
    """Where it ended, if that was before the deadline."""
    ticks: tuple[tuple[float, int], ...]
    """Where and what: minutes."""
    late: bool
    lane: int = LANE
    """The height of a lane."""

    @property
    def kinds(self) -> frozenset[MarkKind]:
        """The kinds of marks on it, for the legend."""
        return frozenset(mark.kind for lane in self.lanes for mark in lane.marks)


@dataclass(frozen=True)
class Score:
    """An interview on the chart of scores."""

    x: float
    y: float
    score: float
    label: str
    current: bool


def time_line(result: Result) -> TimeLine:
    """The time line of an interview."""
    limit = max(60.0 * result.minutes, 1.0)
    late = sorted({moment.seconds for problem in result.problems for moment in problem.moments if moment.late})
    deadline = _LATE_FROM if late else 100.0
    step = (100.0 - deadline) / (len(late) + 1)
    behind = {seconds: deadline + step * number for number, seconds in enumerate(late, 1)}

    def x(moment: Moment) -> float:
        return behind[moment.seconds] if moment.late else _within(moment.seconds / limit) * deadline

    spent = max(0.0, (result.ended_at - result.started_at).total_seconds())
    ended = _within(spent / limit) * deadline

    def spans(problem: ProblemResult) -> tuple[Span, ...]:
        scale = deadline / limit
        times = _in_focus(problem, result.problems, min(spent, limit))
        return tuple(Span(scale * start, scale * (stop - start)) for start, stop in times)

    lanes = tuple(
        Lane(
            problem,
            LANE * number,
            spans(problem),
            tuple(Mark(x(moment), _mark(moment), moment.seconds) for moment in _drawn(problem.moments)),
        )
        for number, problem in enumerate(result.problems)
    )
    ticks = tuple((deadline * 60 * minute / limit, minute) for minute in _minutes(result.minutes))
    early = ended if ended < 0.985 * deadline else None
    return TimeLine(lanes, LANE * len(lanes), deadline, early, ticks, bool(late))


def scores(result: Result) -> tuple[Score, ...]:
    """The last scores, oldest first, this interview at the end."""
    before: Sequence[Earlier] = result.earlier[-(MOST_SCORES - 1) :]
    rows = [(each.score, each.at, False) for each in before]
    rows.append((result.score, result.started_at, True))
    slot = 100.0 / max(len(rows), 5)
    return tuple(
        Score(
            x=slot * (number + 0.5),
            y=_SCORE_TOP + _SCORE_HEIGHT * (1 - _within(score / 100)),
            score=score,
            label=f"{at.astimezone():%m-%d}",
            current=current,
        )
        for number, (score, at, current) in enumerate(rows)
    )


def _within(part: float) -> float:
    return min(max(part, 0.0), 1.0)


def _drawn(moments: Sequence[Moment]) -> list[Moment]:
    return [moment for moment in moments if moment.kind != "focus"]


def _mark(moment: Moment) -> MarkKind:
    if moment.kind == "run":
        return "ungraded" if moment.passed is None else "passed" if moment.passed else "failed"
    if moment.kind == "submit" or moment.kind == "answer":
        return moment.kind
    return "late" if moment.late else "save"


def _in_focus(problem: ProblemResult, problems: Sequence[ProblemResult], end: float) -> Iterator[tuple[float, float]]:
    """From when to when a problem was in focus: up to the next focus of another one, its submission or the end."""
    for start in (moment.seconds for moment in problem.moments if moment.kind == "focus"):
        stops = [
            moment.seconds
            for other in problems
            for moment in other.moments
            if moment.seconds >= start
            and ((moment.kind == "focus" and other is not problem) or (moment.kind == "submit" and other is problem))
        ]
        stop = min([end, *stops])
        if stop - start > 0.5:  # else it was only passed through
            yield start, stop


def _minutes(minutes: int) -> range:
    """The minutes that are named below the time line, without the last, which is the deadline."""
    step = next((step for step in _STEPS if minutes <= step * _MOST_STEPS), 120)
    return range(0, max(minutes - step // 2, 1), step)
