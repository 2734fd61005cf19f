"""When to come back to an exercise or a question: what an event says of the learner's memory, scheduled by FSRS.

FSRS 6 (github.com/open-spaced-repetition/py-fsrs) with its default parameters, without steps within a day and without
random intervals, so that the schedule follows from the events alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from thinkllm_drill.progress.events import Event
from thinkllm_drill.progress.status import ExerciseStatus, verdict_status

if TYPE_CHECKING:
    from fsrs import Scheduler

Grade = Literal["again", "hard", "good"]
"""Not known, known with help or in part, known."""

RETENTION = 0.9
"""The probability with which a thing is still known on the day it is due."""
MAX_DAYS = 365

_SELF: dict[Any, Grade] = {"yes": "good", "partly": "hard", "no": "again"}
_PASSED = ("passed", "passed_speed_unmeasured")
_FAILED = ("failed", "error")


@dataclass(frozen=True)
class Review:
    """How well something is remembered, and when to review it."""

    key: str
    """A slug, or the id of a question."""
    slug: str
    """The exercise it is or belongs to."""
    due: datetime
    last_at: datetime
    stability: float
    """Days until the probability of knowing it has fallen to nine tenths."""
    difficulty: float
    """From 1 to 10."""
    grade: Grade
    """How it went the last time."""
    count: int = 1
    lapses: int = 0
    """How often it was not known."""

    def day(self, zone: tzinfo | None = None) -> date:
        """The day it is due, of `zone` or of the machine's."""
        return self.due.astimezone(zone).date()


def graded(before: ExerciseStatus, after: ExerciseStatus, event: Event) -> tuple[str, Grade] | None:
    """What was reviewed and how it went; None for events that tell nothing of the memory.

    An exercise is reviewed by the first pass of an attempt, not by the runs on the way to it; by giving up; and by what
    was handed in or stood at the end of an interview. A question is reviewed by an answer that was graded.

    Args:
        before: the exercise before the event.
        after: the exercise after it.
        event: what happened.
    """
    match event.kind:
        case "check" if after.attempt.passed_at is not None and before.attempt.passed_at is None:
            helped = after.attempt.hints > 0 or after.level == "bughunt"
            return after.slug, "hard" if helped else "good"
        case "solution" if event.payload.get("given_up") and before.attempt.passed_at is None:
            return after.slug, "again"
        case "answer":
            return _answered(event)
        case "mock":
            return _interviewed(event)
    return None


def scheduled(last: Review | None, key: str, grade: Grade, event: Event) -> Review | None:
    """The review of `key` after it went so; None at the end of time.

    Args:
        last: what was known of it before, if anything.
        key: what was reviewed.
        grade: how it went.
        event: when, and of which exercise.
    """
    from fsrs import Card, Rating, State

    rating = {"again": Rating.Again, "hard": Rating.Hard, "good": Rating.Good}[grade]
    card = Card(card_id=1, due=event.at)
    if last is not None:
        card = Card(1, State.Review, None, last.stability, last.difficulty, last.due, last.last_at)
    try:
        card, _ = _scheduler().review_card(card, rating, event.at)
    except OverflowError:
        return None
    assert card.stability is not None
    assert card.difficulty is not None
    return Review(
        key,
        str(event.slug),
        due=card.due,
        last_at=event.at,
        stability=card.stability,
        difficulty=card.difficulty,
        grade=grade,
        count=1 + (last.count if last else 0),
        lapses=(grade == "again") + (last.lapses if last else 0),
    )


@cache
def _scheduler() -> Scheduler:
    from fsrs import Scheduler

    return Scheduler(
        desired_retention=RETENTION,
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=MAX_DAYS,
        enable_fuzzing=False,
    )


def _answered(event: Event) -> tuple[str, Grade] | None:
    question, right = event.payload.get("question"), event.payload.get("right")
    if not isinstance(question, str):
        return None
    if isinstance(right, bool):
        return question, "good" if right else "again"
    judged = event.payload.get("self")
    return (question, _SELF[judged]) if isinstance(judged, str) and judged in _SELF else None


def _interviewed(event: Event) -> tuple[str, Grade] | None:
    what = event.payload.get("what")
    if what == "answer":
        return _answered(event)
    if event.slug is None or what not in ("submit", "grade") or event.payload.get("which") == "late":
        return None
    status = verdict_status(event)
    if status in _PASSED:
        return event.slug, "good"
    return (event.slug, "again") if status in _FAILED else None
