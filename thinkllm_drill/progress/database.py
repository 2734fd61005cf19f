"""The connection to SQLite, and what its errors mean to the user."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from thinkllm_drill.errors import EnvironmentProblem, ProgressError
from thinkllm_drill.locale import text

BUSY_SECONDS = 5.0
"""How long to wait for another process."""
APPLICATION_ID = 0x544C4C4D
OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables."""

Trouble = Literal["locked", "full", "readonly", "cannot_open", "io", "damaged", "other"]

_TROUBLES: dict[int, Trouble] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_PERM: "readonly",
    sqlite3.SQLITE_CANTOPEN: "cannot_open",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}


def require_strict_tables() -> None:
    """Raise EnvironmentProblem where SQLite is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE[:2]))
        raise EnvironmentProblem(
            text("progress.store.old_sqlite", found=sqlite3.sqlite_version, needed=needed),
            hint=text("progress.store.old_sqlite_hint"),
        )


def connect(path: Path | str) -> sqlite3.Connection:
    """A connection that waits for others, keeps foreign keys, and begins no transaction of its own accord."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def use_wal(connection: sqlite3.Connection) -> str:
    """The journal mode in use: "wal", or another where the file system cannot share memory."""
    patience = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
            return mode if mode == "wal" else str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            trouble = trouble_of(error)
            if trouble == "damaged":
                raise
            if trouble != "locked" or time.monotonic() > patience:  # SQLite does not wait for this change by itself
                break
            time.sleep(0.02)
    return "delete"


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; writers queue before they read."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def user_version(connection: sqlite3.Connection) -> int:
    """The number of the last migration that was run."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def application_id(connection: sqlite3.Connection) -> int:
    """The number by which a database says whose it is; 0 where it does not."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def trouble_of(error: sqlite3.Error) -> Trouble:
    """What kind of trouble an error is."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return "other"
    if code & 0xFF == sqlite3.SQLITE_ERROR and str(error).startswith(("no such table", "no such column")):
        return "damaged"
    if code & 0xFF == sqlite3.SQLITE_ERROR and str(error).endswith("already exists"):
        return "damaged"
    return _TROUBLES.get(code & 0xFF, "other")


def told(error: sqlite3.Error | OSError, path: Path | str) -> ProgressError:
    """The error to show for one of SQLite or of the file system."""
    if isinstance(error, OSError):
        trouble: Trouble = "cannot_open"
        reason = error.strerror or str(error)
    else:
        trouble, reason = trouble_of(error), str(error)
    message = text(f"progress.store.{trouble}", path=path, reason=reason)
    return ProgressError(message, hint=text(f"progress.store.{trouble}_hint"))
