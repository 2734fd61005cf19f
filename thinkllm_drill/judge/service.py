"""The service: a warm process with torch imported, that forks a judge for every request and runners for the judge.

It never computes and holds no reference: after one parallel region in the parent, forked children hang. It only
accepts, forks, kills and reaps. Where `fork` is unsafe it answers requests itself, one after the other, with spawned
runners.

    python -m thinkllm_drill.judge.service --listen FD      serve a listening Unix socket until idle
    python -m thinkllm_drill.judge.service --once FD        serve one connection and end
    python -m thinkllm_drill.judge.service --once PORT:TOKEN  the same through a loopback connection
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from thinkllm_drill.judge import limits, requests, sandbox
from thinkllm_drill.judge.launch import (
    GRACE_SECONDS,
    Exit,
    ZygoteLauncher,
    kill_orphans,
    new_scratch,
    sweep_scratch,
)
from thinkllm_drill.judge.one_by_one import IDLE_SECONDS, REQUEST_SECONDS, serve_spawning
from thinkllm_drill.judge.scratch import remove


@dataclass
class _Child:
    """A runner: its scratch folder, our copies of the judge's ends, and how it ended once it has."""

    pid: int
    scratch: Path
    connection: socket.socket
    output: int
    ended: Exit | None = None

    def release(self) -> None:
        """Close the ends, which are the judge's own from then on."""
        self.connection.close()
        os.close(self.output)


@dataclass
class _Judge:
    """A judge: our end of its control socket, our copy of its client's connection."""

    pid: int
    control: socket.socket
    client: socket.socket
    runners: dict[int, _Child] = field(default_factory=dict)


class Zygote:
    """The event loop of the forking service."""

    def __init__(
        self,
        listener: socket.socket | None,
        *,
        memory_bytes: int = limits.MEMORY_BYTES,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._listener = listener
        self._memory = memory_bytes
        self._idle = idle_seconds
        self._selector = selectors.DefaultSelector()
        self._judges: dict[int, _Judge] = {}
        self._spare: _Child | None = None
        self._waiting: dict[socket.socket, bytearray] = {}
        self._last_used = time.monotonic()
        self._stopping = self._retiring = False
        self._started = time.time()
        if listener is not None:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, "listener")

    def run(self) -> None:
        """Serve until idle, asked to stop, or, without a listener, until the last judge has ended."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(wake_read, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._terminate)
        self._selector.register(wake_read, selectors.EVENT_READ, "wake")
        while not self._finished():
            for key, _ in self._selector.select(min(1.0, self._idle)):
                if key.data == "wake":
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake_read, 4096)
                elif key.data == "listener":
                    self._accept()
                elif key.data == "waiting":
                    self._read_request(key.fileobj)  # type: ignore[arg-type]
                elif key.data[0] == "control":
                    self._control(key.data[1])
                elif key.data[0] == "client":
                    self._client_gone(key.data[1])
            self._reap()
        for judge in list(self._judges.values()):
            self._end(judge)

    def adopt(self, connection: socket.socket) -> None:
        """Wait for a request on this connection."""
        connection.setblocking(False)
        self._last_used = time.monotonic()
        self._waiting[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ, "waiting")

    def _finished(self) -> bool:
        if self._stopping:
            return True
        if self._listener is None:
            return not (self._judges or self._waiting)
        if self._judges:
            self._last_used = time.monotonic()
            return False
        quiet = time.monotonic() - self._last_used
        # a connection on which nothing ever comes holds nothing up for long
        return quiet > self._idle or (self._retiring and (not self._waiting or quiet > REQUEST_SECONDS))

    def _terminate(self, *_: Any) -> None:
        self._stopping = True

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            self.adopt(connection)

    def _read_request(self, connection: socket.socket) -> None:
        buffer = self._waiting[connection]
        try:
            piece = connection.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        buffer += piece
        if piece and b"\n" not in buffer and len(buffer) < requests.MAX_REQUEST:
            return
        self._selector.unregister(connection)
        del self._waiting[connection]
        self._last_used = time.monotonic()
        message = requests.load(bytes(buffer).split(b"\n")[0])
        if message is None:
            connection.close()
            return
        if message.get("type") in ("status", "stop", "retire"):
            self._answer(connection, message["type"])
        else:
            self._fork_judge(connection, message)

    def _answer(self, connection: socket.socket, what: str) -> None:
        with contextlib.suppress(OSError), connection:
            connection.sendall(requests.dump({"event": "status", "pid": os.getpid(), "started": self._started}))
        self._stopping = self._stopping or what == "stop"
        self._retiring = self._retiring or what == "retire"

    def _fork_judge(self, connection: socket.socket, message: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            pid = os.fork()
        except OSError:  # too many processes
            for end in (ours, theirs, connection):
                end.close()
            return
        if pid == 0:
            ours.close()
            become_judge(connection, theirs, message)
        theirs.close()
        judge = _Judge(pid, ours, connection)
        self._judges[pid] = judge
        if self._spare is None:  # it starts while the judge does
            with contextlib.suppress(OSError):
                self._spare = self._fork_runner()
        self._selector.register(ours, selectors.EVENT_READ, ("control", pid))
        self._selector.register(connection, selectors.EVENT_READ, ("client", pid))

    def _control(self, pid: int) -> None:
        judge = self._judges.get(pid)
        if judge is None:
            return
        try:
            data = judge.control.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._end(judge)
            return
        message = json.loads(data)
        try:
            if message["op"] == "start":
                self._hand_runner(judge)
            elif message["op"] == "stop":
                ended = self._stop(judge, message["pid"])
                judge.control.send(json.dumps(ended.__dict__).encode())
        except OSError:  # the judge has gone, or no process or descriptor can be had: it would wait for ever
            self._end(judge)

    def _hand_runner(self, judge: _Judge) -> None:
        """Give a judge the spare runner, or a new one."""
        runner, self._spare = self._spare or self._fork_runner(), None
        judge.runners[runner.pid] = runner
        ends = [runner.connection.fileno(), runner.output]
        try:
            told = {"pid": runner.pid, "scratch": str(runner.scratch)}
            socket.send_fds(judge.control, [json.dumps(told).encode()], ends)
        finally:
            runner.release()

    def _fork_runner(self) -> _Child:
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            near, far = socket.socketpair()
            ours.push(near)
            theirs.push(far)
            read, write = os.pipe()
            ours.callback(os.close, read)
            theirs.callback(os.close, write)
            scratch = new_scratch()
            ours.callback(remove, scratch)
            pid = os.fork()
            if pid == 0:
                os.setsid()
                sandbox.die_with_parent()
                become_runner(far, write, scratch, self._memory)
            ours.pop_all()
            return _Child(pid, scratch, near, read)

    def _discard(self, runner: _Child) -> None:
        """Remove what is left of a runner that no judge has."""
        runner.release()
        remove(runner.scratch)

    def _stop(self, judge: _Judge, pid: int) -> Exit:
        """Kill a runner's whole family; how it had ended, if it had ended by itself."""
        child = judge.runners.pop(pid, None)
        if child is None:
            return Exit()
        deadline = time.monotonic() + GRACE_SECONDS
        ended = child.ended
        while ended is None and time.monotonic() < deadline:
            ended = _collect(pid, os.WNOHANG)
            if ended is None:
                time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        if ended is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _collect(pid, 0)
            ended = Exit(signal=int(signal.SIGKILL), by_us=True)
        kill_orphans(self._known())
        remove(child.scratch)
        return ended

    def _known(self) -> set[int]:
        known = {*self._judges, *([self._spare.pid] if self._spare else [])}
        for judge in self._judges.values():
            known |= judge.runners.keys()
        return known

    def _client_gone(self, pid: int) -> None:
        """The command line went away in the middle: nobody waits for this verdict."""
        judge = self._judges.get(pid)
        if judge is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._end(judge)

    def _end(self, judge: _Judge) -> None:
        for runner in list(judge.runners):
            with contextlib.suppress(ProcessLookupError):
                os.kill(runner, signal.SIGKILL)
            self._stop(judge, runner)
        with contextlib.suppress(ProcessLookupError):
            os.kill(judge.pid, signal.SIGKILL)
        _collect(judge.pid, 0)
        for connection in (judge.control, judge.client):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(connection)
            connection.close()
        self._judges.pop(judge.pid, None)
        self._last_used = time.monotonic()
        if not self._judges and self._spare is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._spare.pid, signal.SIGKILL)
            _collect(self._spare.pid, 0)
            self._discard(self._spare)
            self._spare = None

    def _reap(self) -> None:
        """Collect children that ended; a judge's end ends its runners."""
        for judge in list(self._judges.values()):
            for pid, child in judge.runners.items():
                if child.ended is None:
                    child.ended = _collect(pid, os.WNOHANG)
        if self._spare is not None and _collect(self._spare.pid, os.WNOHANG):
            self._discard(self._spare)
            self._spare = None


def _collect(pid: int, flags: int) -> Exit | None:
    """How a child ended, None if it has not (with WNOHANG) or is not ours."""
    try:
        found, status = os.waitpid(pid, flags)
    except ChildProcessError:
        return None
    if not found:
        return None
    if os.WIFSIGNALED(status):
        return Exit(signal=os.WTERMSIG(status))
    return Exit(code=os.WEXITSTATUS(status))


def become_judge(connection: socket.socket, control: socket.socket, message: dict[str, Any]) -> NoReturn:
    """Grade in this fork and end."""
    try:
        sandbox.die_with_parent()
        from thinkllm_drill.judge.session import serve

        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sandbox.close_other_descriptors({connection.fileno(), control.fileno()})
        connection.setblocking(True)
        connection.settimeout(30)
        serve(message, lambda event: connection.sendall(requests.dump(event)), ZygoteLauncher(control), None)
    except OSError:
        pass
    finally:
        os._exit(0)


def become_runner(connection: socket.socket, output: int, scratch: Path, memory_bytes: int) -> NoReturn:
    """Serve an attempt in this fork and end."""
    from thinkllm_drill.judge import worker

    signal.set_wakeup_fd(-1)
    worker.become_runner(connection, output, scratch, memory_bytes)
    os._exit(1)


def preload() -> None:
    """Import what every judge and runner needs, without computing anything."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True
    import _pytest.python  # noqa: F401
    import pytest  # noqa: F401
    import torch
    import torch.utils.flop_counter

    import thinkllm_drill.grading.plugin
    import thinkllm_drill.judge.runner
    import thinkllm_drill.judge.session
    import thinkllm_drill.judge.worker  # noqa: F401

    torch.set_num_threads(1)
    _run_pytest_once()
    sandbox.readable()  # kept for every fork
    gc.collect()
    gc.freeze()


def _run_pytest_once() -> None:
    """What it imports and works out the first time is there in every fork."""
    from thinkllm_drill.judge.session import run_pytest

    with contextlib.suppress(OSError), tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "test_nothing.py")
        empty.touch()
        run_pytest(empty, [])


def forks() -> bool:
    """Whether this system forks its judges and runners: Linux, unless THINKLLM_PROCESSES says "spawn"."""
    return sys.platform == "linux" and os.environ.get("THINKLLM_PROCESSES") != "spawn"


def _connected(where: str) -> socket.socket:
    if ":" not in where:
        return socket.socket(fileno=int(where))
    port, token = where.split(":")
    connection = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
    connection.settimeout(None)
    connection.sendall(token.encode())
    return connection


def main(arguments: list[str]) -> None:
    """Entry of the service process."""
    mode, where = arguments
    listener = socket.socket(fileno=int(where)) if mode == "--listen" else None
    once = _connected(where) if mode == "--once" else None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if once is not None:
        sandbox.die_with_parent()
    preload()
    with contextlib.suppress(OSError):  # where the disk is full there is no temporary folder
        sweep_scratch()
    idle_seconds = float(os.environ.get("THINKLLM_IDLE_SECONDS", IDLE_SECONDS))
    if not forks():
        serve_spawning(listener, once, idle_seconds)
        return
    sandbox.become_subreaper()
    zygote = Zygote(listener, idle_seconds=idle_seconds)
    if once is not None:
        zygote.adopt(once)
    zygote.run()


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # taking torch apart takes time, and somebody may wait for our end
