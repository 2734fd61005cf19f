"""The progress store: records what happens, tells what follows."""

from __future__ import annotations

import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from thinkllm_drill.errors import ProgressError
from thinkllm_drill.locale import text
from thinkllm_drill.progress import derived, migrations
from thinkllm_drill.progress.database import (
    APPLICATION_ID,
    application_id,
    connect,
    require_strict_tables,
    told,
    transaction,
    trouble_of,
    use_wal,
    user_version,
)
from thinkllm_drill.progress.events import KINDS, Event, EventKind, encode, instant, source_hash, stamp
from thinkllm_drill.progress.reviews import Review
from thinkllm_drill.progress.status import ExerciseStatus, verdict_status
from thinkllm_drill.verdict import Verdict

T = TypeVar("T")


@dataclass(frozen=True)
class Current:
    """The attempt that was worked on last."""

    slug: str
    file: str


@dataclass(frozen=True)
class Version:
    """One graded version of an attempt."""

    event: Event
    source: bytes | None
    """None where a damaged database no longer has it."""

    @property
    def at(self) -> datetime:
        """When it was graded."""
        return self.event.at

    @property
    def file(self) -> str:
        """Where it was."""
        return str(self.event.payload.get("file", ""))

    @property
    def status(self) -> str:
        """The status of its verdict."""
        return verdict_status(self.event)

    @property
    def verdict(self) -> Verdict:
        """Its verdict."""
        return Verdict.from_json(self.event.payload["verdict"])


class Store:
    """One open progress database; a context manager."""

    def __init__(self, connection: sqlite3.Connection, path: Path, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._path = path
        self._now = now
        self.notices: list[str] = []
        """What the user should be told: a damaged database was set aside."""

    @classmethod
    def open(cls, path: Path, *, now: Callable[[], datetime] | None = None, create: bool = True) -> Self:
        """The store at `path`, brought up to the present schema.

        A damaged database is set aside, what can be read of it carried over, and `notices` says so.

        Args:
            path: the database.
            now: the clock; gives times with a zone.
            create: where there is no database, make one; otherwise the store is empty and forgets what it is told.

        Raises:
            ProgressError: the database is from a newer version or of another program, locked, read-only, or cannot be
                opened.
            EnvironmentProblem: SQLite is too old.
        """
        require_strict_tables()
        now = now or _utc_now
        if not create and not path.exists():
            return cls(_prepared(":memory:"), path, now)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise told(error, path) from error
        try:
            return cls(_prepared(path), path, now)
        except sqlite3.Error as error:
            if trouble_of(error) != "damaged":
                raise told(error, path) from error
        notices = _repaired(path, now)
        try:
            store = cls(_prepared(path), path, now)
        except sqlite3.Error as error:
            raise told(error, path) from error
        store.notices += notices
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the store cannot be used any more."""
        self._connection.close()

    def record(
        self, kind: EventKind, slug: str | None, payload: Mapping[str, Any], source: bytes | None = None
    ) -> Event:
        """The event that was recorded, on disk with all that follows from it when this returns.

        Args:
            kind: what happened.
            slug: the exercise.
            payload: what is to be known of it, as JSON.
            source: the bytes that were graded; kept once, however often they are graded.

        Raises:
            ProgressError: the database is locked, the disk full or read-only; nothing was recorded.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown kind of event {kind!r}")
        written = encode(payload)
        name = None if source is None else source_hash(source)

        def write(connection: sqlite3.Connection) -> Event:
            with transaction(connection):
                if source is not None:
                    data = zlib.compress(source)
                    connection.execute("INSERT INTO sources (hash, data) VALUES (?, ?)", (name, data))
                cursor = connection.execute(
                    "INSERT INTO events (at, kind, slug, payload, source_hash) VALUES (?, ?, ?, ?, ?)",
                    (stamp(self._now()), kind, slug, written, name),
                )
                [event] = derived.events(connection, "WHERE id = ?", (cursor.lastrowid,))
                derived.update(connection, event)
            return event

        return self._run(write)

    def statuses(self) -> dict[str, ExerciseStatus]:
        """The status of each exercise of which anything was recorded, by slug."""
        return self._run(derived.statuses)

    def status(self, slug: str) -> ExerciseStatus:
        """The status of one exercise."""
        return self._run(lambda connection: derived.status(connection, slug))

    def reviews(self) -> dict[str, Review]:
        """When to come back to each exercise and question, by slug or id; what is due first at the beginning."""
        return self._run(derived.reviews)

    def hints_used(self, slug: str) -> int:
        """How many hints are open: since the last fresh start or pass."""
        return self.status(slug).attempt.hints_open

    def current(self) -> Current | None:
        """The attempt that was drilled, checked or written afresh last."""

        def last(connection: sqlite3.Connection) -> Current | None:
            where = "WHERE kind IN ('drill', 'check', 'reset') AND slug IS NOT NULL"
            for event in derived.events(connection, where, newest_first=True):
                file = event.payload.get("file")
                if isinstance(file, str):
                    return Current(str(event.slug), file)
            return None

        return self._run(last)

    def events(self, slug: str | None = None) -> list[Event]:
        """Everything that was recorded, or all of one exercise, oldest first."""
        where, values = ("", ()) if slug is None else ("WHERE slug = ?", (slug,))
        return self._run(lambda connection: list(derived.events(connection, where, values)))

    def events_of(self, kind: EventKind) -> list[Event]:
        """Everything of one kind that was recorded, oldest first."""
        return self._run(lambda connection: list(derived.events(connection, "WHERE kind = ?", (kind,))))

    def newest(self) -> int:
        """The number of the newest event, 0 if there is none: it changes whenever anything is recorded."""
        return self._run(lambda connection: int(connection.execute("SELECT max(id) FROM events").fetchone()[0] or 0))

    def history(self, slug: str) -> list[Version]:
        """Every version of an attempt that was handed in for grading, oldest first."""

        def versions(connection: sqlite3.Connection) -> list[Version]:
            checks = derived.events(connection, "WHERE slug = ? AND kind = 'check'", (slug,))
            return [Version(event, _source(connection, event.source_hash)) for event in list(checks)]

        return self._run(versions)

    def source(self, name: str) -> bytes | None:
        """The source with this hash."""
        return self._run(lambda connection: _source(connection, name))

    def activity(self, zone: tzinfo | None = None) -> dict[date, int]:
        """How many runs each day saw, oldest first; days of `zone`, of the machine's where none is given."""

        def days(connection: sqlite3.Connection) -> dict[date, int]:
            times = connection.execute("SELECT at FROM runs ORDER BY at")
            return dict(Counter(instant(at).astimezone(zone).date() for (at,) in times))

        return self._run(days)

    def streak(self, today: date, zone: tzinfo | None = None) -> int:
        """How many days in a row saw a run, up to today, or to yesterday while today has none."""
        days = self.activity(zone)
        day = today if today in days else today - timedelta(days=1)
        length = 0
        while day in days:
            length += 1
            day -= timedelta(days=1)
        return length

    def rebuild(self) -> None:
        """Make everything that is derived anew from the events."""

        def all_anew(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                derived.rebuild(connection)

        self._run(all_anew)

    def _run(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `operation`, tried once more after a damaged database was set aside."""
        try:
            return operation(self._connection)
        except sqlite3.Error as error:
            if trouble_of(error) != "damaged":
                raise told(error, self._path) from error
        self._connection.close()
        self.notices += _repaired(self._path, self._now)
        try:
            self._connection = _prepared(self._path)
            return operation(self._connection)
        except sqlite3.Error as error:
            raise told(error, self._path) from error


def _prepared(path: Path | str) -> sqlite3.Connection:
    """A connection to a database of the present schema."""
    connection = connect(path)
    try:
        owner, version = application_id(connection), user_version(connection)
        if owner not in (0, APPLICATION_ID):
            raise ProgressError(text("progress.store.foreign", path=path), hint=text("progress.store.foreign_hint"))
        if version > migrations.LATEST:
            raise ProgressError(
                text("progress.store.newer", path=path, found=version, known=migrations.LATEST),
                hint=text("progress.store.newer_hint"),
            )
        use_wal(connection)
        migrations.migrate(connection, derive=derived.rebuild)
        connection.execute("SELECT max(id) FROM events").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _repaired(path: Path, now: Callable[[], datetime]) -> list[str]:
    """What to tell the user after a damaged database was set aside."""
    from thinkllm_drill.progress.recovery import repair

    try:
        done = repair(path, now())
    except (OSError, sqlite3.Error) as error:
        message = text("progress.store.damaged", path=path, reason=error)
        raise ProgressError(message, hint=text("progress.store.damaged_hint")) from error
    if done is None:
        return []
    salvage = done.salvage
    events, sources = len(salvage.events), len(salvage.sources)
    notices = [text("progress.store.set_aside", path=done.path, events=events, sources=sources)]
    if salvage.without_source:
        notices.append(text("progress.store.set_aside_rest", events=salvage.without_source))
    return notices


def _source(connection: sqlite3.Connection, name: str | None) -> bytes | None:
    row = connection.execute("SELECT data FROM sources WHERE hash = ?", (name,)).fetchone()
    try:
        return zlib.decompress(row[0]) if row else None
    except zlib.error:
        return None


def _utc_now() -> datetime:
    return datetime.now(UTC)
