"""A damaged database is set aside, and what can be read of it lives on."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.errors import ProgressError
from thinkllm_drill.progress import pages, recovery
from thinkllm_drill.progress.store import Store

RUNS = 60


def source(number: int) -> bytes:
    """A source that zlib cannot make small, so that rows overflow their pages."""
    return random.Random(number).randbytes(300 if number % 3 else 9000)


@pytest.fixture
def filled(database: Path, clock: Any) -> Path:
    """A database of many pages, with long rows, all in the main file."""
    with Store.open(database, now=clock) as store:
        store.record("drill", "gqa", {"level": "cloze", "file": "/a/gqa.py", "resumed": False})
        for number in range(RUNS):
            verdict = {"status": "failed", "stdout": f"run {number} " + "中" * (number * 40)}
            store.record("check", "gqa", {"file": "/a/gqa.py", "verdict": verdict}, source(number))
        store.record("check", "gqa", {"file": "/a/gqa.py", "verdict": {"status": "passed"}}, b"done")
    return database


def set_aside(database: Path) -> list[Path]:
    return sorted(path for path in database.parent.iterdir() if ".corrupt-" in path.name)


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


HEADERS: list[Callable[[Path], object]] = [
    lambda path: overwrite(path, 0, b"\0" * 100),
    lambda path: overwrite(path, 0, b"garbage!" * 512),
    lambda path: overwrite(path, 100, os.urandom(3000)),
]


@pytest.mark.parametrize("damage", HEADERS, ids=["header", "page", "schema"])
def test_everything_is_recovered_behind_a_broken_first_page(filled: Path, damage: Callable[[Path], object]) -> None:
    damage(filled)
    broken = filled.read_bytes()
    with Store.open(filled) as store:
        assert len(store.notices) == 1
        assert str(set_aside(filled)[0]) in store.notices[0]
        assert store.status("gqa").status == "passed"
        assert store.status("gqa").runs == RUNS + 1
        versions = store.history("gqa")
        assert [version.source for version in versions] == [*map(source, range(RUNS)), b"done"]
        assert versions[30].event.payload["verdict"]["stdout"].startswith("run 30 中")
        store.record("hint", "gqa", {"number": 1})
    assert set_aside(filled)[0].read_bytes() == broken
    with Store.open(filled) as store:
        assert store.notices == []
        assert store.hints_used("gqa") == 1


def test_events_behind_the_damage_survive(filled: Path) -> None:
    size = filled.stat().st_size
    for at in range(size // 3 // 4096 * 4096, size // 2, 4096):
        overwrite(filled, at, b"\xa5" * 4096)
    with Store.open(filled) as store:
        before, events = list(store.notices), store.events()
        notices = before or store.notices
        assert notices
        assert RUNS // 4 < len(events) < RUNS + 2
        assert all(version.source in {*map(source, range(RUNS)), b"done", None} for version in store.history("gqa"))
        store.record("hint", "gqa", {"number": 1})
    assert recovery.is_damaged(filled) is False


def test_a_truncated_file(filled: Path) -> None:
    with filled.open("r+b") as file:
        file.truncate(filled.stat().st_size // 2 + 123)
    with Store.open(filled) as store:
        assert store.events()
        assert store.notices
        store.record("hint", "gqa", {"number": 1})


def test_damage_found_while_working_is_mended_while_working(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'exercises'").fetchone()
    overwrite(filled, (root - 1) * 4096, b"\xa5" * 4096)
    with Store.open(filled) as store:
        store.record("hint", "gqa", {"number": 1})
        assert store.notices
        assert store.status("gqa").runs == RUNS + 1
        assert store.hints_used("gqa") == 1
    assert len([path for path in set_aside(filled) if path.suffix == ""]) <= 1


def test_no_sqlite_at_all(database: Path) -> None:
    database.parent.mkdir()
    database.write_bytes(b"this is not a database, but it is kept" * 30)
    with Store.open(database) as store:
        assert store.notices
        assert store.events() == []
        store.record("hint", "gqa", {"number": 1})
    assert set_aside(database)[0].read_bytes().startswith(b"this is not a database")


def test_a_missing_table(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("DROP TABLE runs")
    with Store.open(filled) as store:
        assert store.activity()
        assert store.notices
        assert len(store.events()) == RUNS + 2


def test_what_is_only_in_the_log_is_recovered(filled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "progress.db"
    with Store.open(filled) as store:
        store.record("hint", "gqa", {"number": 3})
        copy.write_bytes(filled.read_bytes())
        Path(f"{copy}-wal").write_bytes(Path(f"{filled}-wal").read_bytes())
    overwrite(copy, 0, b"\0" * 4096)
    assert recovery.read(copy).events[RUNS + 3][2:5] == ("hint", "gqa", '{"number":3}')
    with Store.open(copy) as store:
        assert len(store.events()) == RUNS + 3


def test_set_aside_twice_in_a_second(filled: Path, clock: Any) -> None:
    for _ in range(2):
        overwrite(filled, 0, b"\0" * 100)
        with Store.open(filled, now=lambda: clock.time) as store:
            assert len(store.events()) == RUNS + 2
    assert len({path.name.removesuffix("-wal").removesuffix("-shm") for path in set_aside(filled)}) == 2


def test_sources_that_were_lost_are_told(filled: Path) -> None:
    salvage = recovery.read(filled)
    lost = next(iter(salvage.sources))
    del salvage.sources[lost]
    assert salvage.without_source == 1
    assert sum(1 for row in salvage.rows() if row[5] is None) == 2


def test_a_repair_that_is_not_needed_changes_nothing(filled: Path, clock: Any) -> None:
    before = filled.read_bytes()
    assert recovery.repair(filled, clock()) is None
    assert filled.read_bytes() == before
    assert [path.name for path in filled.parent.iterdir()] == [filled.name]


def test_a_repair_that_fails_leaves_the_file(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overwrite(filled, 0, b"\0" * 100)
    broken = filled.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recovery.shutil, "copyfile", full)
    with pytest.raises(ProgressError, match="No space") as error:
        Store.open(filled)
    assert error.value.hint
    assert filled.read_bytes() == broken
    assert set_aside(filled) == []


@pytest.mark.parametrize("seed", range(20))
def test_pages_of_noise_are_passed_over(filled: Path, seed: int) -> None:
    noise = random.Random(seed)
    data = bytearray(filled.read_bytes())
    for _ in range(400):
        data[noise.randrange(len(data))] = noise.randrange(256)
    for _rowid, columns in pages.rows(bytes(data), noise.randbytes(5000)):
        assert isinstance(columns, list)
