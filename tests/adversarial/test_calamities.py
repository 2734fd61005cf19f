"""Group 16: what goes wrong around a grading is told, is never a pass, and loses nothing."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from thinkllm_drill.errors import InternalError

CHECKOUT = Path(__file__).resolve().parents[2]
ZEROS = b"import torch\ndef softmax(x, dim=-1): return torch.zeros_like(x)\nlog_softmax = softmax\n"


def slowly(source: bytes) -> bytes:
    """The same attempt, loaded in a second."""
    return b"import time\ntime.sleep(1)\n" + source


def children(pid: int) -> list[psutil.Process]:
    """The living children of a process, oldest first."""
    alive = []
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(pid).children():
            with contextlib.suppress(psutil.Error):  # one that ends just now is not living; its siblings are
                if process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(process)
    return sorted(alive, key=psutil.Process.create_time)


def during(place: Any, source: bytes, act: Callable[[], None]) -> Any:
    """The verdict, or the error, of a grading during which something happens."""
    found: list[Any] = []

    def grade() -> None:
        try:
            found.append(place.grade("softmax", source))
        except InternalError as error:
            found.append(error)

    with place.at_home():  # the thread inherits it
        thread = threading.Thread(target=grade)
        place.within = lambda seconds: contextlib.nullcontext()  # signals are the main thread's
        thread.start()
        place.wait(lambda: len(children(place.service.pid)) >= 1, seconds=20)
        time.sleep(0.3)
        act()
        thread.join(60)
        del place.within
    assert found
    return found[0]


@pytest.fixture
def here(place: Any) -> Any:
    """A place whose judges are processes of their own."""
    if place.path != "fork":
        pytest.skip("judges are forked on this path alone")
    return place


@pytest.mark.parametrize("source", ["right", "zeros"])
@pytest.mark.parametrize("victim", ["judge", "runner", "service"])
def test_a_killed_process_changes_no_verdict(here: Any, victim: str, source: str, reference_of: Any) -> None:
    """Whoever dies, the attempt is graded again or told to have died; zeros never pass."""

    def kill() -> None:
        family = children(here.service.pid)
        target = {"judge": family[0].pid, "runner": family[-1].pid, "service": here.service.pid}[victim]
        os.kill(target, signal.SIGKILL)

    got = during(here, slowly(reference_of("softmax") if source == "right" else ZEROS), kill)
    if victim == "service":
        with here.at_home():
            from thinkllm_drill.judge import daemon

            here.service = daemon.service_status()
    status = getattr(got, "status", "internal")
    assert status in {"right": ("passed", "error", "internal"), "zeros": ("failed", "error", "internal")}[source]
    if victim != "runner":
        assert status == {"right": "passed", "zeros": "failed"}[source]
    if victim == "service":
        for path in (here.folder / "tmp").iterdir():  # of the dead service, which the next one sweeps as it starts
            assert path.name.startswith("thinkllm-run-")
    else:
        here.assert_clean()
    here.start_again()


def test_a_judge_that_dies_every_time_is_an_error_of_ours(here: Any, reference_of: Any) -> None:
    """Asked twice, then given up; nothing is called passed."""
    stop = threading.Event()

    def hunt() -> None:
        while not stop.is_set():
            for process in children(here.service.pid)[:1]:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.05)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    try:
        with pytest.raises(InternalError):
            here.grade("softmax", slowly(reference_of("softmax")))
    finally:
        stop.set()
        hunter.join()
    here.assert_clean()


# the command line around it


@pytest.fixture
def cli(here: Any, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line with a home of its own and the service of the place."""
    home = tmp_path / "home"

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environment = os.environ | here.environment | {"THINKLLM_HOME": str(home), "PYTHONPATH": str(CHECKOUT)}
        environment |= {"LC_ALL": "C.UTF-8", "THINKLLM_SERVICE": "off", "THINKLLM_CACHE_DIR": str(tmp_path / "cache")}
        command = [sys.executable, "-P", "-m", "thinkllm_drill", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=90, cwd=tmp_path, **options
        )

    assert run("list").returncode == 0
    return run


def attempt(tmp_path: Path, source: bytes) -> Path:
    """The attempt in the learner's home."""
    path = tmp_path / "home" / "attempts" / "functions" / "softmax.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source)
    return path


def events(tmp_path: Path) -> int:
    """How many events the learner's database holds."""
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "progress.db")) as database:
        return int(database.execute("SELECT count(*) FROM events WHERE kind = 'check'").fetchone()[0])


def test_a_locked_database_costs_a_record_and_no_verdict(cli: Any, tmp_path: Path, reference_of: Any) -> None:
    path = attempt(tmp_path, reference_of("softmax"))
    assert cli("check", "softmax").returncode == 0
    assert events(tmp_path) == 1
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "progress.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        done = cli("check", "softmax")
        database.rollback()
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.strip()
    assert path.read_bytes() == reference_of("softmax")
    assert events(tmp_path) == 1
    assert cli("check", "softmax").returncode == 0
    assert events(tmp_path) == 2


def test_a_full_disk_costs_a_record_and_no_verdict(cli: Any, tmp_path: Path, reference_of: Any) -> None:
    """No file may grow: as if nothing could be written any more."""
    path = attempt(tmp_path, reference_of("softmax"))
    assert cli("check", "softmax").returncode == 0
    before = events(tmp_path)

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    done = cli("check", "softmax", preexec_fn=full)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.strip()
    assert path.read_bytes() == reference_of("softmax")
    assert events(tmp_path) == before
    assert cli("check", "softmax").returncode == 0
    assert events(tmp_path) == before + 1


@pytest.mark.parametrize("name", ["08_resources/terminal_escapes", "06_crashes/exception_of_megabytes"])
def test_nothing_of_an_attempt_reaches_the_terminal_as_it_is(
    cli: Any, tmp_path: Path, name: str, all_hostile: Any
) -> None:
    (hostile,) = [each for each in all_hostile if each.name == name]
    attempt(tmp_path, hostile.path.read_bytes())
    done = cli("check", "softmax")
    assert done.returncode == 1
    for sign in ("\x1b", "\x07", "\x08", "\x9b", "\u202e", "\r"):
        assert sign not in done.stdout + done.stderr, repr(sign)
    assert len(done.stdout) < 50_000


def test_text_without_bytes_is_shown_and_recorded(cli: Any, tmp_path: Path, all_hostile: Any) -> None:
    (hostile,) = [each for each in all_hostile if each.name == "06_crashes/half_a_character"]
    path = tmp_path / "home" / "attempts" / "agent" / "react_loop.py"
    path.parent.mkdir(parents=True)
    path.write_bytes(hostile.path.read_bytes())
    done = cli("check", "react-loop")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert events(tmp_path) == 1
    as_json = cli("check", "react-loop", "--json")
    assert json.loads(as_json.stdout)["status"] == "failed"
