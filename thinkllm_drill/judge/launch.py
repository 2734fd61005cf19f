"""How the judge gets a runner and gets rid of it: two launchers behind one interface.

`ZygoteLauncher` asks the service, which forks one from its warm image. `SpawnLauncher` starts an interpreter and keeps
a spare one warm, where `fork` is unsafe (macOS, Windows) or not wanted.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from thinkllm_drill.judge.scratch import remove

if TYPE_CHECKING:
    import psutil

GRACE_SECONDS = 0.25
START_SECONDS = 120.0
SCRATCH = "thinkllm-run-"


@dataclass(frozen=True)
class RunnerProcess:
    """A started runner: its connection, the read end of what it prints, the folder that it writes to."""

    pid: int
    connection: socket.socket
    output: socket.socket | int
    scratch: Path


@dataclass(frozen=True)
class Exit:
    """How a runner ended: its exit code, or the signal that killed it; `by_us` where we stopped it."""

    code: int | None = None
    signal: int | None = None
    by_us: bool = False


class Launcher(Protocol):
    """Starts and stops runners.

    `polls_memory`: the system does not limit a runner's memory (no RLIMIT_AS that counts), so the judge must watch it.
    """

    polls_memory: bool

    def start(self) -> RunnerProcess:
        """A fresh runner."""
        ...

    def stop(self, runner: RunnerProcess) -> Exit:
        """End a runner with all that it started; how it had ended, if it had."""
        ...

    def warm_up(self) -> None:
        """Have a runner ready that is going to be asked for."""
        ...

    def close(self) -> None:
        """Give back whatever is kept warm."""
        ...


class ZygoteLauncher:
    """Asks the service for forks, over the control socket that the judge was born with."""

    polls_memory = False

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def start(self) -> RunnerProcess:
        self._control.send(json.dumps({"op": "start"}).encode())
        data, descriptors, _, _ = socket.recv_fds(self._control, 4096, 2)
        if len(descriptors) != 2:
            raise ConnectionError("the service is gone")
        told = json.loads(data)
        return RunnerProcess(told["pid"], socket.socket(fileno=descriptors[0]), descriptors[1], Path(told["scratch"]))

    def stop(self, runner: RunnerProcess) -> Exit:
        close(runner)
        self._control.send(json.dumps({"op": "stop", "pid": runner.pid}).encode())
        data = self._control.recv(4096)
        if not data:
            raise ConnectionError("the service is gone")
        return Exit(**json.loads(data))

    def warm_up(self) -> None:
        self._control.send(json.dumps({"op": "warm_up"}).encode())

    def close(self) -> None:
        """Nothing is kept: the service outlives the judge."""


class SpawnLauncher:
    """Starts interpreters; one spare imports torch while the present one works.

    Args:
        memory_bytes: what an attempt may allocate beyond the start.
        loopback: connect through 127.0.0.1 with a one-time token, as on Windows, even where descriptors are inherited.
        spares: how many interpreters to keep warm.
        subreaper: this process adopts orphans and has no other children, so it may kill those it does not know.
        command: the program to start, before its connection, output, scratch folder and memory.
        environment: what it starts with, beside what every runner is given.
    """

    polls_memory = sys.platform != "linux"

    def __init__(
        self,
        memory_bytes: int,
        *,
        loopback: bool | None = None,
        spares: int = 1,
        subreaper: bool = False,
        command: Sequence[str] = (sys.executable, "-P", "-m", "thinkllm_drill.judge.worker"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._memory = memory_bytes
        self._command, self._environment = list(command), environment
        self._subreaper = subreaper
        self._loopback = sys.platform == "win32" if loopback is None else loopback
        self._spares = spares
        self._ready: list[tuple[RunnerProcess, subprocess.Popen[bytes], Path]] = []
        self._running: dict[int, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(self) -> RunnerProcess:
        alive = None
        while self._ready and alive is None:
            candidate = self._ready.pop(0)
            if candidate[1].poll() is None:
                alive = candidate
            else:
                remove(candidate[2])
        runner, process, scratch = alive or self._spawn()
        self._running[runner.pid] = process, scratch
        self.warm_up()
        _await_start(runner)
        return runner

    def warm_up(self, spares: int | None = None) -> None:
        """Start the spares that are missing, or so many."""
        while len(self._ready) < (self._spares if spares is None else spares):
            self._ready.append(self._spawn())

    def stop(self, runner: RunnerProcess) -> Exit:
        process, scratch = self._running.pop(runner.pid)
        # what it leaves behind is found through it while it lives, and by its environment after
        family = _descendants(process) if process.poll() is None else _marked(scratch)
        close(runner)
        by_us = False
        try:
            code = process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            by_us = True
            code = 0
        if code:  # it may have been dying when we looked, and its children with it no more
            family += _marked(scratch)
        _kill_tree(process, family)
        if self._subreaper:
            kill_orphans({*self._running, *(spare[0].pid for spare in self._ready)})
        remove(scratch)
        if by_us:
            return Exit(signal=int(signal.SIGKILL) if hasattr(signal, "SIGKILL") else 9, by_us=True)
        return Exit(code=code) if code >= 0 else Exit(signal=-code)

    def close(self) -> None:
        for runner, _, _ in self._ready:
            close(runner)
        left = [(process, scratch) for _, process, scratch in self._ready] + list(self._running.values())
        self._ready.clear()
        self._running.clear()
        for process, scratch in left:
            _kill_tree(process, [])
            remove(scratch)

    def _spawn(self) -> tuple[RunnerProcess, subprocess.Popen[bytes], Path]:
        scratch = new_scratch()
        package_parent = str(Path(__file__).resolve().parents[2])
        started_with = os.environ if self._environment is None else self._environment
        environment = {**started_with} | {
            "PYTHONPATH": package_parent,
            "OPENBLAS_NUM_THREADS": "1",
            "TMPDIR": str(scratch),
        }
        if self._loopback:
            runner, process = self._spawn_loopback(self._command, environment, scratch)
        else:
            ours, theirs = socket.socketpair()
            read, write = os.pipe()
            process = subprocess.Popen(
                [*self._command, str(theirs.fileno()), str(write), str(scratch), str(self._memory)],
                pass_fds=(theirs.fileno(), write),
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=scratch,
                start_new_session=True,
            )
            theirs.close()
            os.close(write)
            runner = RunnerProcess(process.pid, ours, read, scratch)
        return runner, process, scratch

    def _spawn_loopback(
        self, command: list[str], environment: dict[str, str], scratch: Path
    ) -> tuple[RunnerProcess, subprocess.Popen[bytes]]:
        token = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            process = subprocess.Popen(
                [*command, f"{port}:{token}", "-1", str(scratch), str(self._memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=scratch,
                start_new_session=sys.platform != "win32",
            )
            listener.settimeout(60)
            while True:
                connection, _ = listener.accept()
                connection.settimeout(10)
                if connection.recv(len(token)) == token.encode():
                    connection.settimeout(None)
                    break
                connection.close()
        assert process.stdout is not None
        return RunnerProcess(process.pid, connection, _pumped(process), scratch), process


def _await_start(runner: RunnerProcess) -> None:
    """Wait until an interpreter has imported what it needs: that is not the attempt's time."""
    runner.connection.settimeout(START_SECONDS)
    with contextlib.suppress(OSError):  # one that does not come up is found out as it is asked
        runner.connection.recv(1)
    runner.connection.settimeout(None)


def close(runner: RunnerProcess) -> None:
    """Close our ends of a runner's connection and output."""
    with contextlib.suppress(OSError):
        runner.connection.close()
    with contextlib.suppress(OSError):
        if isinstance(runner.output, int):
            os.close(runner.output)
        else:
            runner.output.close()


def _pumped(process: subprocess.Popen[bytes]) -> socket.socket:
    """What the process prints as a socket: a pipe cannot be waited for together with sockets on Windows."""
    import threading

    ours, theirs = socket.socketpair()

    def pump() -> None:
        assert process.stdout is not None
        with contextlib.suppress(OSError), theirs, process.stdout:
            while piece := process.stdout.read1(65536):  # type: ignore[attr-defined]
                theirs.sendall(piece)

    threading.Thread(target=pump, daemon=True).start()
    return ours


def _descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    import psutil

    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        return []


def _marked(scratch: Path) -> list[psutil.Process]:
    """The processes whose temporary folder is this one."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(scratch):
                found.append(process)
    return found


def _kill_tree(process: subprocess.Popen[bytes], family: list[psutil.Process]) -> None:
    """Kill the process, its group, its descendants and those it had before, and reap it."""
    import psutil

    family = [*family, *_descendants(process)]
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)


def new_scratch() -> Path:
    """An empty folder for one runner; its name tells which process must remove it."""
    return Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))


def sweep_scratch() -> None:
    """Remove the folders of processes that were killed before they could."""
    import psutil

    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*"):
        owner = folder.name.removeprefix(SCRATCH).split("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            remove(folder)


def children_of(pid: int) -> set[int]:
    """The children of a process by number (Linux; elsewhere none)."""
    found: set[int] = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(number) for number in path.read_text().split()}
    return found


def kill_orphans(known: set[int]) -> int:
    """Kill and reap children of this process that are not `known`: orphans that a subreaper adopted."""
    killed = 0
    deadline = time.monotonic() + 2.0
    while (strangers := children_of(os.getpid()) - known) and time.monotonic() < deadline:
        for number in strangers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
                killed += 1
            with contextlib.suppress(ChildProcessError):
                os.waitpid(number, 0)
    return killed
