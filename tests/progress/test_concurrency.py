"""Processes that write at once, and processes that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import thinkllm_drill
from thinkllm_drill.progress.recovery import is_damaged
from thinkllm_drill.progress.store import Store

WRITER = """
import sys
from pathlib import Path
from thinkllm_drill.progress.store import Store

path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Store.open(path) as store:
    for number in range(count):
        source = f"{name} {number}".encode() * 200
        payload = {"file": name, "level": "cloze", "verdict": {"status": "failed", "stdout": name}}
        store.record("check", "gqa", payload, source)
        print(number, flush=True)
"""


def start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": str(Path(thinkllm_drill.__file__).parents[1])}
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


def test_writers_at_once_lose_nothing(database: Path) -> None:
    writers = [start(database, name, 40) for name in ("a", "b", "c")]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    with Store.open(database) as store:
        assert store.notices == []
        assert store.status("gqa").runs == 120
        versions = store.history("gqa")
        for name in ("a", "b", "c"):
            mine = [version.source for version in versions if version.file == name]
            assert mine == [f"{name} {number}".encode() * 200 for number in range(40)]
        before = store.statuses()
        store.rebuild()
        assert store.statuses() == before


@pytest.mark.parametrize("after", [0, 0.003, 0.011])
def test_kill_9_loses_nothing_that_was_recorded(database: Path, after: float) -> None:
    writer = start(database, "a", 100_000)
    assert writer.stdout is not None
    for _ in range(10):
        writer.stdout.readline()
    time.sleep(after)
    writer.send_signal(signal.SIGKILL)
    told = [int(line) for line in writer.stdout.read().split()]
    writer.wait()
    writer.stdout.close()
    recorded = max(told, default=9) + 1
    with Store.open(database) as store:
        assert store.notices == []
        runs = store.status("gqa").runs
        assert recorded <= runs <= recorded + 1
        assert len(store.history("gqa")) == runs
        before = store.statuses()
        store.rebuild()
        assert store.statuses() == before
    assert not is_damaged(database)


def test_two_processes_that_find_the_damage_repair_it_once(database: Path) -> None:
    with Store.open(database) as store:
        for number in range(200):
            store.record("check", "gqa", {"file": "", "verdict": {"status": "failed"}}, b"%d" % number)
    with database.open("r+b") as file:
        file.write(b"\0" * 100)
    writers = [start(database, name, 5) for name in ("a", "b", "c")]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    aside = [path for path in database.parent.iterdir() if ".corrupt-" in path.name]
    assert len([path for path in aside if not path.name.endswith(("-wal", "-shm"))]) == 1
    with Store.open(database) as store:
        assert store.status("gqa").runs == 215


def test_an_interrupt_between_rolls_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.record("hint", "gqa", {"number": 1})

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("thinkllm_drill.progress.derived.update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.record("hint", "gqa", {"number": 2})
    assert len(store.events()) == 1
    store.record("hint", "gqa", {"number": 2})
    assert store.hints_used("gqa") == 2
