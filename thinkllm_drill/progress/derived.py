"""The tables that follow from the events: one row an exercise, one row a run, one row for what is reviewed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from thinkllm_drill.progress.events import Event, decode, instant, stamp
from thinkllm_drill.progress.reviews import Review, graded, scheduled
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

_REVIEW = ("key", "slug", "due", "last_at", "stability", "difficulty", "grade", "count", "lapses")
_SELECT_REVIEW = f"SELECT {', '.join(_REVIEW)} FROM reviews"
_WRITE_REVIEW = f"INSERT OR REPLACE INTO reviews ({', '.join(_REVIEW)}) VALUES ({', '.join('?' * len(_REVIEW))})"


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
    due = {review.key: review.day() for review in reviews(connection).values()}
    rows = connection.execute(f"{_SELECT} ORDER BY slug")
    return {row[0]: replace(_status(row), due=due.get(row[0])) for row in rows}


def status(connection: sqlite3.Connection, slug: str) -> ExerciseStatus:
    """The status of one exercise; new where nothing was recorded."""
    row = connection.execute(f"{_SELECT} WHERE slug = ?", (slug,)).fetchone()
    review = _review(connection, slug)
    return replace(_status(row) if row else ExerciseStatus(slug), due=review.day() if review else None)


def reviews(connection: sqlite3.Connection) -> dict[str, Review]:
    """All that is to be reviewed, by slug or id of the question, what is due first at the beginning."""
    return {row[0]: _read_review(row) for row in connection.execute(f"{_SELECT_REVIEW} ORDER BY due, key")}


def update(connection: sqlite3.Connection, event: Event) -> None:
    """Bring the tables up to one more event."""
    if event.slug is None:
        return
    before = status(connection, event.slug)
    after = apply(before, event)
    if after != before:
        connection.execute(_WRITE, _row(after))
    _add_run(connection, event)
    if found := graded(before, after, event):
        key, grade = found
        review = scheduled(_review(connection, key), key, grade, event)
        if review is not None:
            connection.execute(_WRITE_REVIEW, _review_row(review))


def rebuild(connection: sqlite3.Connection) -> None:
    """Make the tables anew from the events."""
    connection.execute("DELETE FROM exercises")
    connection.execute("DELETE FROM runs")
    connection.execute("DELETE FROM reviews")
    all_statuses: dict[str, ExerciseStatus] = {}
    all_reviews: dict[str, Review] = {}
    for event in events(connection, "WHERE slug IS NOT NULL"):
        slug = str(event.slug)
        before = all_statuses.get(slug, ExerciseStatus(slug))
        after = apply(before, event)
        if after != before:
            all_statuses[slug] = after
        _add_run(connection, event)
        if found := graded(before, after, event):
            key, grade = found
            review = scheduled(all_reviews.get(key), key, grade, event)
            if review is not None:
                all_reviews[key] = review
    connection.executemany(_WRITE, [_row(status) for status in all_statuses.values()])
    connection.executemany(_WRITE_REVIEW, [_review_row(review) for review in all_reviews.values()])


def _add_run(connection: sqlite3.Connection, event: Event) -> None:
    if is_run(event):
        values = (event.id, event.slug, stamp(event.at), verdict_status(event))
        connection.execute("INSERT INTO runs (event_id, slug, at, status) VALUES (?, ?, ?, ?)", values)


def _review(connection: sqlite3.Connection, key: str) -> Review | None:
    row = connection.execute(f"{_SELECT_REVIEW} WHERE key = ?", (key,)).fetchone()
    return _read_review(row) if row else None


def _read_review(row: tuple[Any, ...]) -> Review:
    values = dict(zip(_REVIEW, row, strict=True))
    return Review(**{**values, "due": instant(values["due"]), "last_at": instant(values["last_at"])})


def _review_row(review: Review) -> tuple[Any, ...]:
    values = {**vars(review), "due": stamp(review.due), "last_at": stamp(review.last_at)}
    return tuple(values[name] for name in _REVIEW)


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
