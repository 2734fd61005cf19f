"""The log keeps everything, forgets nothing, and says so when it cannot."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.errors import EnvironmentProblem, ProgressError
from thinkllm_drill.progress import database as sqlite
from thinkllm_drill.progress.events import MAX_STDOUT
from thinkllm_drill.progress.store import Store
from thinkllm_drill.verdict import Verdict


def test_events_come_back_as_they_were(store: Store, clock: Any) -> None:
    event = store.record("reset", "gqa", {"archived": "/家/x\udcff.py", "n": [1, None, 0.5]})
    assert store.events() == [event]
    assert event.payload == {"archived": "/家/x\udcff.py", "n": [1, None, 0.5]}
    assert event.at == clock.time


def test_they_are_there_for_the_next_process(store: Store, database: Path, learner: Any) -> None:
    learner.check("passed", source=b"kept")
    with Store.open(database) as other:
        assert other.status("gqa").status == "passed"
        assert other.history("gqa")[0].source == b"kept"


def test_a_verdict_comes_back_whole(store: Store) -> None:
    verdict = Verdict("gqa", "/a/gqa.py", "failed", "7f3a91", 0.2, stdout="hello")
    store.record("check", "gqa", {"file": "/a/gqa.py", "verdict": verdict.to_json(), "level": "body"}, b"x")
    [version] = store.history("gqa")
    assert version.verdict == verdict
    assert (version.status, version.file, version.source) == ("failed", "/a/gqa.py", b"x")


def test_long_output_is_cut_to_its_end(store: Store, learner: Any) -> None:
    learner.check("failed", stdout="a" + "中" * MAX_STDOUT + "end")
    kept = store.history("gqa")[0].verdict.stdout
    assert kept.endswith("中end")
    assert MAX_STDOUT - 3 < len(kept.encode()) <= MAX_STDOUT
    learner.check("failed", stdout="\udcff" * 10 + "x")
    assert store.history("gqa")[1].verdict.stdout == "\udcff" * 10 + "x"


def test_every_source_is_kept_once(store: Store, database: Path, learner: Any) -> None:
    sources = [b"a = 1\n", b"\xff\x00", b"a = 1\n", b""]
    for source in sources:
        learner.check("failed", source=source)
    assert [version.source for version in store.history("gqa")] == sources
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM sources").fetchone() == (3,)
    assert store.source(str(store.events()[1].source_hash)) == b"\xff\x00"
    assert store.source("nothing") is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events (id, at, kind, slug, payload) VALUES (1, 't', 'check', 'gqa', '{}')",
        "UPDATE sources SET data = x''",
        "DELETE FROM sources",
    ],
)
def test_the_log_is_append_only(store: Store, database: Path, learner: Any, statement: str) -> None:
    learner.check("passed")
    with closing(sqlite3.connect(database)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


def test_a_source_is_never_replaced(store: Store, database: Path, learner: Any) -> None:
    learner.check("passed", source=b"mine")
    name = store.events()[0].source_hash
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT OR REPLACE INTO sources VALUES (?, x'00')", (name,))
        connection.commit()
    assert store.history("gqa")[0].source == b"mine"


def test_unknown_kinds_are_our_fault(store: Store) -> None:
    with pytest.raises(ValueError, match="party"):
        store.record("party", "gqa", {})  # type: ignore[arg-type]
    assert store.events() == []


def test_activity_and_streak_are_of_local_days(store: Store, clock: Any, learner: Any) -> None:
    east = timezone(timedelta(hours=8))
    for day, hour in ((1, 12), (2, 15), (2, 17), (4, 1)):
        clock.time = datetime(2026, 3, day, hour, tzinfo=UTC)
        learner.check("failed")
    assert store.activity(UTC) == {date(2026, 3, 1): 1, date(2026, 3, 2): 2, date(2026, 3, 4): 1}
    assert store.activity(east) == {date(2026, 3, day): 1 for day in (1, 2, 3, 4)}
    assert store.streak(date(2026, 3, 4), east) == 4
    assert store.streak(date(2026, 3, 5), east) == 4
    assert store.streak(date(2026, 3, 6), east) == 0
    assert store.streak(date(2026, 3, 4), UTC) == 1


def test_nothing_is_made_where_nothing_is_to_be_made(database: Path) -> None:
    with Store.open(database, create=False) as store:
        assert store.statuses() == {}
        assert store.current() is None
    assert not database.parent.exists()


def test_wal_where_the_file_system_can(store: Store, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_without_wal_it_works_the_same(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkllm_drill.progress.store.use_wal", lambda connection: "delete")
    with Store.open(database) as store:
        store.record("hint", "gqa", {"number": 1})
    with Store.open(database) as store:
        assert store.hints_used("gqa") == 1


def test_locked_for_too_long(store: Store, database: Path, learner: Any) -> None:
    learner.drill()
    store._connection.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProgressError, match="locked") as error:
            learner.check("passed")
        assert error.value.hint
        assert store.status("gqa").status == "started"
        other.execute("ROLLBACK")
    learner.check("passed")
    assert store.status("gqa").status == "passed"


def test_a_full_disk_loses_nothing_that_was_there(store: Store, learner: Any) -> None:
    learner.check("passed")
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ProgressError, match="full") as error:
        learner.check("failed", source=os.urandom(100_000))
    assert error.value.hint
    assert [version.status for version in store.history("gqa")] == ["passed"]
    assert store.status("gqa").runs == 1


def unprivileged(action: Callable[[], str]) -> str:
    """What `action` returns in a child process that root's rights do not help."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.getuid() == 0:
                os.seteuid(65534)
            answer = action()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        answer = file.read().decode()
    os.waitpid(pid, 0)
    return answer


@pytest.mark.parametrize("mode", [0o555, 0o755])
def test_a_read_only_home(mode: int) -> None:
    folder = Path(tempfile.mkdtemp())  # which others may enter, unlike tmp_path
    database = folder / "progress.db"
    with Store.open(database) as store:
        store.record("hint", "gqa", {"number": 1})

    def act() -> str:
        with Store.open(database) as store:
            store.record("hint", "gqa", {"number": 2})
        return "recorded"

    try:
        database.chmod(0o444)
        folder.chmod(mode)
        answer = unprivileged(act)
    finally:
        folder.chmod(0o755)
    assert answer.startswith("ProgressError")
    with Store.open(database) as store:
        assert store.hints_used("gqa") == 1
    shutil.rmtree(folder)


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProgressError) as error:
        Store.open(tmp_path / "file" / "progress.db")
    assert error.value.hint
    (tmp_path / "progress.db").mkdir()
    with pytest.raises(ProgressError):
        Store.open(tmp_path / "progress.db")


def test_a_newer_database_is_refused_and_left_alone(store: Store, database: Path, learner: Any) -> None:
    learner.drill()
    store.close()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = database.read_bytes()
    with pytest.raises(ProgressError, match="99") as error:
        Store.open(database)
    assert "newer checkout" in str(error.value.hint)
    assert database.read_bytes() == before


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "progress.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA application_id = 7")
        connection.execute("CREATE TABLE t (a)")
    before = database.read_bytes()
    with pytest.raises(ProgressError, match="another program"):
        Store.open(database)
    assert database.read_bytes() == before


def test_an_old_sqlite_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite.sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(EnvironmentProblem, match=r"3\.37"):
        Store.open(database)


def test_locked_from_the_start(database: Path, learner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    learner.store.close()
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ProgressError, match="locked"):
            Store.open(database)
