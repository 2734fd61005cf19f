"""What follows from the events of an exercise: a fold, one event at a time, without a database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from thinkllm_drill.progress.events import Event

StatusName = Literal["new", "started", "passed", "passed_speed_unmeasured"]

_NOTHING = ("internal", "unavailable")
"""Verdicts that count for nothing: the attempt was not at fault and not graded."""


@dataclass(frozen=True)
class Attempt:
    """The present attempt: since the last fresh start."""

    started_at: datetime | None = None
    """None where the file was there before its start was recorded, so that no time can be told."""
    runs: int = 0
    hints: int = 0
    hints_open: int = 0
    """How many of the hints are open: since the fresh start or the last pass."""
    passed_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """From the start to the first pass."""
        if self.started_at is None or self.passed_at is None:
            return None
        return max(0.0, (self.passed_at - self.started_at).total_seconds())


@dataclass(frozen=True)
class ExerciseStatus:
    """Where the learner stands with one exercise."""

    slug: str
    status: StatusName = "new"
    runs: int = 0
    passes: int = 0
    hints: int = 0
    gave_up: bool = False
    saw_solution: bool = False
    started_at: datetime | None = None
    first_passed_at: datetime | None = None
    last_at: datetime | None = None
    best_seconds: float | None = None
    """The shortest time from a fresh start to its first pass."""
    level: str | None = None
    due: date | None = None
    """The day of the next review, of the machine's time zone; `reviews` tells it, not the fold."""
    attempt: Attempt = field(default_factory=Attempt)

    @property
    def passed(self) -> bool:
        """Whether it was ever passed."""
        return self.status in ("passed", "passed_speed_unmeasured")

    @property
    def sees_reference(self) -> bool:
        """Whether the reference is open to the learner: after a pass, or once they gave up."""
        return self.passed or self.gave_up


def verdict_status(event: Event) -> str:
    """The status of the verdict in a check; "internal" where the event holds none."""
    verdict = event.payload.get("verdict")
    status = verdict.get("status") if isinstance(verdict, dict) else None
    return status if isinstance(status, str) else "internal"


def is_run(event: Event) -> bool:
    """Whether the event is a check that counts: one that graded, or found the attempt unfit to be graded."""
    graded = event.kind == "check" or _of_interview(event)
    return graded and verdict_status(event) not in (*_NOTHING, "not_started")


def _of_interview(event: Event) -> bool:
    """Whether the event is the verdict that counts on a problem of a mock interview."""
    what = event.payload.get("what")
    return event.kind == "mock" and (what == "submit" or (what == "grade" and event.payload.get("which") == "counted"))


def apply(status: ExerciseStatus, event: Event) -> ExerciseStatus:
    """The status after one more event; kinds that are not known change nothing."""
    match event.kind:
        case "drill":
            return _drilled(status, event)
        case "check":
            return _checked(status, event)
        case "reset":
            return replace(_begun(status, event), attempt=Attempt(event.at))
        case "mock":
            return _asked(status, event) if is_run(event) else status
        case "hint":
            return _hinted(status, event)
        case "solution":
            gave_up = status.gave_up or bool(event.payload.get("given_up"))
            return replace(status, saw_solution=True, gave_up=gave_up, last_at=event.at)
        case _:
            return status


def _begun(status: ExerciseStatus, event: Event) -> ExerciseStatus:
    """The status of an exercise that is at least started, with the level of the event, if it tells one."""
    level = event.payload.get("level")
    level = level if isinstance(level, str) else status.level
    return replace(
        status,
        status="started" if status.status == "new" else status.status,
        started_at=status.started_at or event.at,
        last_at=event.at,
        level=level,
        saw_solution=status.saw_solution or level == "bughunt",
    )


def _drilled(status: ExerciseStatus, event: Event) -> ExerciseStatus:
    begun = _begun(status, event)
    return begun if event.payload.get("resumed") else replace(begun, attempt=Attempt(event.at))


def _checked(status: ExerciseStatus, event: Event) -> ExerciseStatus:
    verdict = verdict_status(event)
    if verdict in _NOTHING:
        return status
    if verdict == "not_started":
        return replace(status, last_at=event.at)
    begun = _begun(status, event)
    begun = replace(begun, runs=status.runs + 1, attempt=replace(status.attempt, runs=status.attempt.runs + 1))
    return _passed(begun, event, verdict) if verdict in ("passed", "passed_speed_unmeasured") else begun


def _passed(status: ExerciseStatus, event: Event, verdict: str) -> ExerciseStatus:
    attempt = replace(status.attempt, passed_at=status.attempt.passed_at or event.at, hints_open=0)
    times = [seconds for seconds in (status.best_seconds, attempt.seconds) if seconds is not None]
    measured = verdict == "passed" or status.status == "passed"
    return replace(
        status,
        status="passed" if measured else "passed_speed_unmeasured",
        passes=status.passes + 1,
        first_passed_at=status.first_passed_at or event.at,
        best_seconds=min(times, default=None),
        attempt=attempt,
    )


def _asked(status: ExerciseStatus, event: Event) -> ExerciseStatus:
    """The status after an interview; it leaves the attempt under `attempts/` as it was."""
    begun = replace(_begun(status, event), level=status.level, runs=status.runs + 1)
    verdict = verdict_status(event)
    if verdict not in ("passed", "passed_speed_unmeasured"):
        return begun
    return replace(_passed(begun, event, verdict), best_seconds=begun.best_seconds, attempt=begun.attempt)


def _hinted(status: ExerciseStatus, event: Event) -> ExerciseStatus:
    number = event.payload.get("number")
    open_before = status.attempt.hints_open
    shown = number if isinstance(number, int) and number > 0 else open_before + 1
    attempt = replace(status.attempt, hints=status.attempt.hints + 1, hints_open=max(open_before, shown))
    return replace(status, hints=status.hints + 1, last_at=event.at, attempt=attempt)
