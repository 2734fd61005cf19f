"""Sets a damaged database aside and carries what can be read of it into a fresh one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from thinkllm_drill.progress import derived, pages
from thinkllm_drill.progress.database import connect, transaction, trouble_of, user_version
from thinkllm_drill.progress.events import instant, source_hash
from thinkllm_drill.progress.migrations import migrate

_TABLES = {
    "events": "id, at, kind, slug, payload, source_hash",
    "sources": "hash, data",
    "exercises": "slug, status",
    "runs": "event_id, at",
    "reviews": "key, due",
}
_TABLES_OF = {1: 2, 2: 4}
"""How many of the tables an earlier version has."""
EventRow = tuple[int, str, str, str | None, str, str | None]


@dataclass
class Salvage:
    """What could be read: events by id, compressed sources by hash; both only where they make sense."""

    events: dict[int, EventRow] = field(default_factory=dict)
    sources: dict[str, bytes] = field(default_factory=dict)

    @property
    def without_source(self) -> int:
        """How many events name a source that could not be read."""
        return sum(1 for row in self.events.values() if row[5] is not None and row[5] not in self.sources)

    def rows(self) -> list[EventRow]:
        """The events in order, those without their source naming none."""
        rows = sorted(self.events.values(), key=lambda row: row[0])
        return [(*row[:5], row[5] if row[5] in self.sources else None) for row in rows]

    def add_event(self, row: Iterable[Any]) -> None:
        """Keep the row if it is an event."""
        match list(row):
            case [int(id_), str(at), str(kind), None | str() as slug, str(payload), None | str() as source]:
                with contextlib.suppress(ValueError, RecursionError):
                    instant(at)
                    if isinstance(json.loads(payload), dict):
                        self.events.setdefault(id_, (id_, at, kind, slug, payload, source))

    def add_source(self, row: Iterable[Any]) -> None:
        """Keep the row if it is a source that has its hash."""
        match list(row):
            case [str(name), bytes(data)] if name not in self.sources:
                with contextlib.suppress(zlib.error):
                    if source_hash(zlib.decompress(data)) == name:
                        self.sources[name] = data


@dataclass(frozen=True)
class SetAside:
    """What became of a damaged database."""

    path: Path
    """Where it is now; its -wal and -shm lie beside it."""
    salvage: Salvage


def is_damaged(path: Path) -> bool:
    """Whether the database fails a full check, or lacks a table that its version has."""
    try:
        with contextlib.closing(connect(path)) as connection:
            if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                return True
            present = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            version = user_version(connection)
            if version == 0:
                return bool(present & set(_TABLES))
            for table in list(_TABLES)[: _TABLES_OF.get(version)]:
                connection.execute(f"SELECT {_TABLES[table]} FROM {table} LIMIT 1").fetchall()
    except sqlite3.Error as error:
        if trouble_of(error) != "damaged":
            raise
        return True
    return False


def repair(path: Path, now: datetime) -> SetAside | None:
    """What was set aside; None where another process has mended the database meanwhile.

    The fresh database is finished before the damaged one moves, so that a crash in between loses nothing.

    Raises:
        OSError, sqlite3.Error: the folder cannot be written.
    """
    with _alone(path.parent):
        if not is_damaged(path):
            return None
        salvage = read(path)
        fresh = _fresh(path, salvage)
        try:
            aside = _move_aside(path, now)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return SetAside(aside, salvage)


def read(path: Path) -> Salvage:
    """What can be read of a database, by SQLite first, from its bare pages then; the file itself is not touched."""
    salvage = Salvage()
    with tempfile.TemporaryDirectory(prefix="thinkllm-") as folder:
        copy = Path(folder) / path.name
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        database = copy.read_bytes()
        wal = Path(f"{copy}-wal").read_bytes() if Path(f"{copy}-wal").exists() else b""
        complete = _read_tables(copy, salvage)
    if not complete:
        for rowid, columns in pages.rows(database, wal):
            if len(columns) == 6 and columns[0] is None:
                salvage.add_event([rowid, *columns[1:]])
            elif len(columns) == 2:
                salvage.add_source(columns)
    return salvage


def _read_tables(path: Path, salvage: Salvage) -> bool:
    """Whether SQLite could read both tables to the end."""
    complete = True
    for table, add in (("events", salvage.add_event), ("sources", salvage.add_source)):
        try:
            with contextlib.closing(connect(path)) as connection:
                connection.text_factory = lambda data: data.decode("utf-8", "replace")
                for row in connection.execute(f"SELECT {_TABLES[table]} FROM {table} NOT INDEXED"):
                    add(row)
        except sqlite3.Error:
            complete = False
    return complete


def _fresh(path: Path, salvage: Salvage) -> Path:
    """A new database beside `path` that holds what was salvaged."""
    fresh = path.with_name(f"{path.name}.recovering-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        with contextlib.closing(connect(fresh)) as connection:
            migrate(connection, derive=derived.rebuild)
            with transaction(connection):
                connection.executemany("INSERT INTO sources (hash, data) VALUES (?, ?)", salvage.sources.items())
                connection.executemany(
                    "INSERT INTO events (id, at, kind, slug, payload, source_hash) VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (*row[:5], row[5] if row[5] in salvage.sources else None)
                        for _, row in sorted(salvage.events.items())
                    ],
                )
                derived.rebuild(connection)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _move_aside(path: Path, now: datetime) -> Path:
    """The new place of a damaged database, its log and its shared memory, where nothing was before."""
    stem = f"{path.name}.corrupt-{now.astimezone():%Y%m%d-%H%M%S}"
    number = 1
    while True:
        aside = path.with_name(stem if number == 1 else f"{stem}-{number}")
        if not any(Path(f"{aside}{suffix}").exists() for suffix in ("", "-wal", "-shm")):
            break
        number += 1
    for suffix in ("-shm", "-wal", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While this lasts, no other process repairs a database in `folder`, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
