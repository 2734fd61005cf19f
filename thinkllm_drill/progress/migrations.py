"""The schema, as the numbered steps that lead to it.

A step that was released is never changed; a change is a new step. Each runs in one transaction. Derived tables may be
dropped and made anew by any step: they are filled from the events once the last step has run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from thinkllm_drill.progress.database import APPLICATION_ID, transaction, user_version


@dataclass(frozen=True)
class Migration:
    """The step to `version`."""

    version: int
    statements: tuple[str, ...]


_GUARDS = tuple(
    f"""
    CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END
    """
    for table in ("events", "sources")
    for action in ("UPDATE", "DELETE")
)

EVENTS = Migration(
    1,
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        """
        CREATE TABLE sources (
            hash TEXT PRIMARY KEY,
            data BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            slug TEXT,
            payload TEXT NOT NULL,
            source_hash TEXT REFERENCES sources (hash)
        ) STRICT
        """,
        "CREATE INDEX events_by_slug ON events (slug, kind)",
        *_GUARDS,
        # INSERT OR REPLACE deletes without the triggers above
        """
        CREATE TRIGGER events_no_replace BEFORE INSERT ON events
        WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
        """,
        """
        CREATE TRIGGER sources_once BEFORE INSERT ON sources
        WHEN EXISTS (SELECT 1 FROM sources WHERE hash = NEW.hash)
        BEGIN SELECT RAISE(IGNORE); END
        """,
    ),
)

DERIVED = Migration(
    2,
    (
        """
        CREATE TABLE exercises (
            slug TEXT PRIMARY KEY,
            status TEXT NOT NULL,
            runs INTEGER NOT NULL,
            passes INTEGER NOT NULL,
            hints INTEGER NOT NULL,
            gave_up INTEGER NOT NULL,
            saw_solution INTEGER NOT NULL,
            started_at TEXT,
            first_passed_at TEXT,
            last_at TEXT,
            best_seconds REAL,
            level TEXT,
            attempt_started_at TEXT,
            attempt_runs INTEGER NOT NULL,
            attempt_hints INTEGER NOT NULL,
            attempt_hints_open INTEGER NOT NULL,
            attempt_passed_at TEXT
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE runs (
            event_id INTEGER PRIMARY KEY REFERENCES events (id),
            slug TEXT NOT NULL,
            at TEXT NOT NULL,
            status TEXT NOT NULL
        ) STRICT
        """,
    ),
)

REVIEWS = Migration(
    3,
    (
        """
        CREATE TABLE reviews (
            key TEXT PRIMARY KEY,
            slug TEXT NOT NULL,
            due TEXT NOT NULL,
            last_at TEXT NOT NULL,
            stability REAL NOT NULL,
            difficulty REAL NOT NULL,
            grade TEXT NOT NULL,
            count INTEGER NOT NULL,
            lapses INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
)

MIGRATIONS = (EVENTS, DERIVED, REVIEWS)
LATEST = MIGRATIONS[-1].version


def migrate(
    connection: sqlite3.Connection,
    *,
    derive: Callable[[sqlite3.Connection], None],
    migrations: tuple[Migration, ...] = MIGRATIONS,
) -> int:
    """The version reached by running the steps that are missing.

    Args:
        connection: the database; its version is at most that of the last step.
        derive: fills the derived tables; called in the transaction of the last step.
        migrations: the steps, numbered from 1.
    """
    last = migrations[-1].version
    while user_version(connection) < last:
        with transaction(connection):
            version = user_version(connection)  # another process may have been faster
            if version >= last:
                continue
            step = migrations[version]
            for statement in step.statements:
                connection.execute(statement)
            if step.version == last:
                derive(connection)
            connection.execute(f"PRAGMA user_version = {step.version}")
    return last
