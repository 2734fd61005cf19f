"""The tables that follow from the events: one row an exercise, one row a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from thinkllm_drill.progress.events import Event, decode, instant, stamp
from thinkllm_drill.progress.status import Attempt, ExerciseStatus, apply, is_run, verdict_status

_COLUMNS = (
    "slug",
    "status",
    "runs",
    "passes",
    "hints",
    "gave_up",
    "saw_solution",
    "started_at",
    "first_passed_at",
    "last_at",
    "best_seconds",
    "level",
    "attempt_started_at",
    "attempt_runs",
    "attempt_hints",
    "attempt_hints_open",
    "attempt_passed_at",
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM exercises"
_WRITE = f"INSERT OR REPLACE INTO exercises ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def events(
    connection: sqlite3.Connection, where: str = "", values: tuple[Any, ...] = (), *, newest_first: bool = False
) -> Iterator[Event]:
    """The events in the order in which they happened, or the other way round."""
    order = "DESC" if newest_first else "ASC"
    query = f"SELECT id, at, kind, slug, payload, source_hash FROM events {where} ORDER BY id {order}"
    for id_, at, kind, slug, payload, source_hash in connection.execute(query, values):
        yield Event(id_, instant(at), kind, slug, decode(payload), source_hash)


def statuses(connection: sqlite3.Connection) -> dict[str, ExerciseStatus]:
    """The status of each exercise of which anything was recorded."""
    return {row[0]: _status(row) for row in connection.execute(f"{_SELECT} ORDER BY slug")}


def status(connection: sqlite3.Connection, slug: str) -> ExerciseStatus:
    """The status of one exercise; new where nothing was recorded."""
    row = connection.execute(f"{_SELECT} WHERE slug = ?", (slug,)).fetchone()
    return _status(row) if row else ExerciseStatus(slug)


def update(connection: sqlite3.Connection, event: Event) -> None:
    """Bring the tables up to one more event."""
    if event.slug is None:
        return
    before = status(connection, event.slug)
    after = apply(before, event)
    if after != before:
        connection.execute(_WRITE, _row(after))
    _add_run(connection, event)


def rebuild(connection: sqlite3.Connection) -> None:
    """Make the tables anew from the events."""
    connection.execute("DELETE FROM exercises")
    connection.execute("DELETE FROM runs")
    all_statuses: dict[str, ExerciseStatus] = {}
    for event in events(connection, "WHERE slug IS NOT NULL"):
        slug = str(event.slug)
        before = all_statuses.get(slug, ExerciseStatus(slug))
        after = apply(before, event)
        if after != before:
            all_statuses[slug] = after
        _add_run(connection, event)
    connection.executemany(_WRITE, [_row(status) for status in all_statuses.values()])


def _add_run(connection: sqlite3.Connection, event: Event) -> None:
    if is_run(event):
        values = (event.id, event.slug, stamp(event.at), verdict_status(event))
        connection.execute("INSERT INTO runs (event_id, slug, at, status) VALUES (?, ?, ?, ?)", values)


def _row(status: ExerciseStatus) -> tuple[Any, ...]:
    attempt = status.attempt
    return (
        status.slug,
        status.status,
        status.runs,
        status.passes,
        status.hints,
        int(status.gave_up),
        int(status.saw_solution),
        _stored(status.started_at),
        _stored(status.first_passed_at),
        _stored(status.last_at),
        status.best_seconds,
        status.level,
        _stored(attempt.started_at),
        attempt.runs,
        attempt.hints,
        attempt.hints_open,
        _stored(attempt.passed_at),
    )


def _status(row: tuple[Any, ...]) -> ExerciseStatus:
    values = dict(zip(_COLUMNS, row, strict=True))
    attempt = {key.removeprefix("attempt_"): values.pop(key) for key in _COLUMNS if key.startswith("attempt_")}
    for key in ("started_at", "first_passed_at", "last_at"):
        values[key] = _instant(values[key])
    for key in ("started_at", "passed_at"):
        attempt[key] = _instant(attempt[key])
    for key in ("gave_up", "saw_solution"):
        values[key] = bool(values[key])
    return ExerciseStatus(**values, attempt=Attempt(**attempt))


def _stored(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _instant(stored: str | None) -> datetime | None:
    return None if stored is None else instant(stored)
