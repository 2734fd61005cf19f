"""Every schema there ever was becomes the present one, with its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from thinkllm_drill.progress import derived
from thinkllm_drill.progress.database import connect, user_version
from thinkllm_drill.progress.migrations import LATEST, MIGRATIONS, Migration, migrate
from thinkllm_drill.progress.store import Store

SCHEMAS = Path(__file__).parent / "schemas"

Fill = Callable[[sqlite3.Connection], None]


def fill_version_1(connection: sqlite3.Connection) -> None:
    import zlib
    from hashlib import sha256

    source = b"x = 1\n"
    name = sha256(source).hexdigest()
    connection.execute("INSERT INTO sources VALUES (?, ?)", (name, zlib.compress(source)))
    rows = [
        ("2026-03-04T12:00:00.000000Z", "drill", "gqa", '{"level":"cloze","file":"/a/gqa.py","resumed":false}', None),
        ("2026-03-04T12:05:00.000000Z", "hint", "gqa", '{"number":1}', None),
        ("2026-03-04T12:10:00.000000Z", "check", "gqa", '{"file":"/a/gqa.py","verdict":{"status":"failed"}}', name),
        ("2026-03-04T12:20:00.500000Z", "check", "gqa", '{"file":"/a/gqa.py","verdict":{"status":"passed"}}', name),
        ("2026-03-05T12:00:00.000000Z", "solution", "mha", '{"given_up":true}', None),
        ("2026-03-05T12:00:01.000000Z", "later-kind", None, "{}", None),
    ]
    connection.executemany("INSERT INTO events (at, kind, slug, payload, source_hash) VALUES (?, ?, ?, ?, ?)", rows)


def fill_version_2(connection: sqlite3.Connection) -> None:
    fill_version_1(connection)
    connection.execute("INSERT INTO runs VALUES (3, 'gqa', '2026-03-04T12:10:00.000000Z', 'failed')")


def fill_version_3(connection: sqlite3.Connection) -> None:
    fill_version_2(connection)
    row = ("gqa", "gqa", "2026-03-05T12:20:00.500000Z", "2026-03-04T12:20:00.500000Z", 1.2, 5.2, "hard", 1, 0)
    connection.execute(f"INSERT INTO reviews VALUES ({', '.join('?' * len(row))})", row)


FILLS: dict[int, Fill] = {1: fill_version_1, 2: fill_version_2, 3: fill_version_3}
"""Rows for each version; a new migration adds its own."""


def nothing(_: sqlite3.Connection) -> None:
    pass


def schema(connection: sqlite3.Connection) -> str:
    rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
    return "\n".join(" ".join(sql.split()) + ";" for (sql,) in rows) + "\n"


def at_version(path: Path, version: int) -> None:
    with closing(connect(path)) as connection:
        migrate(connection, derive=nothing, migrations=MIGRATIONS[:version])
        FILLS[version](connection)


def test_migrations_are_numbered_and_have_rows_to_test_with() -> None:
    assert [step.version for step in MIGRATIONS] == list(range(1, LATEST + 1))
    assert set(FILLS) == set(range(1, LATEST + 1))


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_a_released_schema_never_changes(tmp_path: Path, version: int) -> None:
    with closing(connect(tmp_path / "db")) as connection:
        migrate(connection, derive=nothing, migrations=MIGRATIONS[:version])
        assert schema(connection) == (SCHEMAS / f"v{version}.sql").read_text()


def test_from_blank(tmp_path: Path) -> None:
    with Store.open(tmp_path / "progress.db") as store:
        assert store.statuses() == {}
    with closing(connect(tmp_path / "progress.db")) as connection:
        assert user_version(connection) == LATEST
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_from_every_version_with_rows(tmp_path: Path, version: int) -> None:
    path = tmp_path / "progress.db"
    at_version(path, version)
    with Store.open(path) as store:
        if version == LATEST:
            store.rebuild()
        status = store.status("gqa")
        assert (status.status, status.runs, status.hints, status.best_seconds) == ("passed", 2, 1, 1200.5)
        assert store.status("mha").gave_up
        assert {key: review.grade for key, review in store.reviews().items()} == {"gqa": "hard", "mha": "again"}
        assert [item.source for item in store.history("gqa")] == [b"x = 1\n"] * 2
        assert len(store.events()) == 6
        store.record("hint", "gqa", {"number": 1})
    with closing(connect(path)) as connection:
        blank = connect(":memory:")
        migrate(blank, derive=derived.rebuild)
        assert schema(connection) == schema(blank)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        blank.close()


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    path = tmp_path / "progress.db"
    at_version(path, 1)
    broken = (*MIGRATIONS[:1], Migration(2, ("CREATE TABLE half (a) STRICT", "CREATE TABLE other (a INT) STRICT")))
    with closing(connect(path)) as connection:
        before = schema(connection)
        with pytest.raises(sqlite3.Error):
            migrate(connection, derive=nothing, migrations=broken)
        assert user_version(connection) == 1
        assert schema(connection) == before
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (6,)


def test_steps_run_once_each(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "db")) as connection:
        assert migrate(connection, derive=nothing) == LATEST
        assert migrate(connection, derive=nothing) == LATEST
