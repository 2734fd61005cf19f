"""Runners by every way there is to get one, and the proof that nothing of them is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from thinkllm_drill import locale
from thinkllm_drill.judge import limits
from thinkllm_drill.judge.launch import Launcher, SpawnLauncher, ZygoteLauncher
from thinkllm_drill.judge.proxy import Attempt

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


def processes_in(folder: Path) -> list[psutil.Process]:
    """Every other process that was started with the folder in its environment; a runner's own children have it too."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and str(folder) in " ".join(process.environ().values()):
                found.append(process)
    return found


@pytest.fixture(scope="session", autouse=True)
def world() -> Iterator[Path]:
    """A temporary folder that everything here lies in; at the end no process and no scratch folder may be left."""
    folder = Path(tempfile.mkdtemp(prefix="tj-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setenv("TMPDIR", str(folder))
        patch.setenv("THINKLLM_RUNTIME_DIR", str(folder / "run"))
        patch.setenv("THINKLLM_HOME", str(folder / "home"))
        patch.delenv("THINKLLM_PROCESSES", raising=False)
        patch.setenv("THINKLLM_STANDBY", "off")  # it would be there when nothing may be left
        yield folder
        left = processes_in(folder)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        scratch = sorted(path.name for path in folder.glob("thinkllm-run-*"))
        shutil.rmtree(folder, ignore_errors=True)
    assert not left
    assert not scratch


@pytest.fixture(scope="session")
def lives() -> Callable[[psutil.Process], bool]:
    """Whether a process still runs; one that ends while it is asked about does not."""

    def asked(process: psutil.Process) -> bool:
        try:
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return asked


@pytest.fixture(scope="session")
def family(lives: Callable[[psutil.Process], bool]) -> Callable[[int | None], list[psutil.Process]]:
    """The living descendants of a process; none, once it has ended."""

    def found(pid: int | None) -> list[psutil.Process]:
        try:
            return [process for process in psutil.Process(pid).children(recursive=True) if lives(process)]
        except psutil.NoSuchProcess:
            return []

    return found


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """Waits for something to be true and returns it; fails after a while."""

    def wait(happened: Callable[[], Any], seconds: float = 30.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (result := happened()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.01)
        return result

    return wait


@pytest.fixture(autouse=True)
def _english() -> None:
    locale.use("en")


@contextlib.contextmanager
def forking() -> Iterator[ZygoteLauncher]:
    """Forks from a service of our own."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client, kept = socket.socketpair()
    with ours, client:
        with theirs, kept:
            command = [sys.executable, str(HERE / "fork_host.py"), str(theirs.fileno()), str(kept.fileno())]
            environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
            host = subprocess.Popen(command, pass_fds=(theirs.fileno(), kept.fileno()), env=environment)
        yield ZygoteLauncher(ours)
    assert host.wait(10) == 0


@contextlib.contextmanager
def spawning(**options: Any) -> Iterator[SpawnLauncher]:
    """Interpreters, none of them kept warm unless asked for."""
    launcher = SpawnLauncher(limits.MEMORY_BYTES, **{"spares": 0} | options)
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def fork_launcher(world: Path) -> Iterator[Launcher]:
    with forking() as launcher:
        yield launcher


@pytest.fixture(scope="module", params=["fork", "spawn"])
def open_launcher(request: pytest.FixtureRequest, world: Path) -> Iterator[Launcher]:
    """Runners without Landlock and seccomp, which may start processes as on a system that has neither."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THINKLLM_SANDBOX", "off")
        with forking() if request.param == "fork" else spawning() as launcher:
            yield launcher


@pytest.fixture(scope="session", params=["fork", "spawn", "loopback"])
def launcher(request: pytest.FixtureRequest, world: Path) -> Iterator[Launcher]:
    """Each way to get a runner."""
    if request.param == "fork":
        yield request.getfixturevalue("fork_launcher")
        return
    with spawning(loopback=request.param == "loopback") as spawner:
        yield spawner


@pytest.fixture(scope="session")
def shared(launcher: Launcher) -> Iterator[Attempt]:
    """One runner for all tests that do it no harm."""
    attempt = Attempt(launcher, b"", "attempt.py", limits=limits.Limits(verdict_seconds=600))
    yield attempt
    attempt.close()


@pytest.fixture(scope="module")
def attempt(shared: Attempt, request: pytest.FixtureRequest) -> Attempt:
    """The module's SOURCE as an attempt."""
    shared.become(request.module.SOURCE.encode())
    shared.load()
    return shared


Make = Callable[..., Attempt]


@pytest.fixture
def make(fork_launcher: Launcher) -> Iterator[Make]:
    """Attempts of any source, each in a runner of its own that is forked."""
    made: list[Attempt] = []

    def build(source: str | bytes, filename: str = "attempt.py", **options: Any) -> Attempt:
        if isinstance(source, str):
            source = source.encode()
        options.setdefault("limits", limits.Limits(call_seconds=options.pop("seconds", 10)))
        made.append(Attempt(options.pop("launcher", fork_launcher), source, filename, **options))
        return made[-1]

    yield build
    for each in made:
        each.close()
