"""The learner's progress at a glance: a row a topic, and what to work on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from thinkllm_drill.progress.status import ExerciseStatus


class Listed(Protocol):
    """What a summary needs to know of an exercise."""

    @property
    def slug(self) -> str: ...

    @property
    def topic(self) -> str: ...


@dataclass(frozen=True)
class TopicSummary:
    """How far the learner is with the exercises of one topic."""

    topic: str
    total: int = 0
    passed: int = 0
    started: int = 0
    """Begun and not yet passed."""
    runs: int = 0


@dataclass(frozen=True)
class WeakSpot:
    """An exercise that took more than it should have."""

    slug: str
    topic: str
    runs: int
    hints: int
    gave_up: bool


def by_topic(entries: Iterable[Listed], statuses: Mapping[str, ExerciseStatus]) -> tuple[TopicSummary, ...]:
    """One row a topic, in the order in which the topics first appear."""
    rows: dict[str, TopicSummary] = {}
    for entry in entries:
        rows[entry.topic] = _with(rows.get(entry.topic, TopicSummary(entry.topic)), statuses.get(entry.slug))
    return tuple(rows.values())


def total(rows: Iterable[TopicSummary]) -> TopicSummary:
    """The sum of all rows; its topic is ""."""
    rows = tuple(rows)
    return TopicSummary(
        "",
        total=sum(row.total for row in rows),
        passed=sum(row.passed for row in rows),
        started=sum(row.started for row in rows),
        runs=sum(row.runs for row in rows),
    )


def weak_spots(
    entries: Iterable[Listed], statuses: Mapping[str, ExerciseStatus], limit: int = 3
) -> tuple[WeakSpot, ...]:
    """The exercises that were given up, took hints, or took many runs and did not pass; the worst first."""
    ranked = []
    for entry in entries:
        status = statuses.get(entry.slug)
        if status is None:
            continue
        open_runs = 0 if status.passed else status.runs
        rank = (status.gave_up, status.hints, open_runs)
        if status.gave_up or status.hints or open_runs >= 3:
            ranked.append((rank, WeakSpot(entry.slug, entry.topic, status.runs, status.hints, status.gave_up)))
    ranked.sort(key=lambda item: item[0], reverse=True)
    return tuple(spot for _, spot in ranked[:limit])


def _with(row: TopicSummary, status: ExerciseStatus | None) -> TopicSummary:
    status = status or ExerciseStatus("")
    return TopicSummary(
        row.topic,
        total=row.total + 1,
        passed=row.passed + status.passed,
        started=row.started + (status.status == "started"),
        runs=row.runs + status.runs,
    )
