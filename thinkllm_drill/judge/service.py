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
import json
import os
import selectors
import signal
import socket
import stat
import sys
import time
from typing import Any

from thinkllm_drill.judge import limits, requests, sandbox
from thinkllm_drill.judge.daemon import LOG_BYTES, forks
from thinkllm_drill.judge.forks import become_judge, become_standby
from thinkllm_drill.judge.image import preload
from thinkllm_drill.judge.judges import Judge, Subject, fork, subject_of
from thinkllm_drill.judge.launch import Exit, sweep_scratch
from thinkllm_drill.judge.one_by_one import IDLE_SECONDS, REQUEST_SECONDS, serve_spawning
from thinkllm_drill.judge.runners import RunnerChild, collect, fork_runner, stop
from thinkllm_drill.judge.scratch import remove

PREPARES = os.environ.get("THINKLLM_STANDBY") != "off"
PAUSE_SECONDS = 0.15
"""Without a request for so long after a verdict, a judge is prepared for the next one."""


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
        self._judges: dict[int, Judge] = {}
        self._spare: RunnerChild | None = None
        self._standby: Judge | None = None
        self._next: tuple[float, Subject] | None = None
        self._waiting: dict[socket.socket, bytearray] = {}
        self._last_used = time.monotonic()
        self._stopping = self._retiring = False
        self._started = time.time()
        self._address = address_of(listener)
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
            for key, _ in self._selector.select(self._patience()):
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
            if self._next is not None and time.monotonic() >= self._next[0]:
                self._prepare(self._next[1])
        for judge in list(self._judges.values()):
            self._end(judge)
        self._dismiss()
        self._rest()

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
        if self._address is not None and address_of(self._listener) != self._address:
            self._retiring = True  # the socket was removed or replaced: nobody can find us any more
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
        elif message.get("type") == "prepare":
            connection.close()
            self._next = (time.monotonic(), subject) if (subject := subject_of(message)) else None
        else:
            self._next = None
            if not self._hand_over(connection, message):
                self._fork_judge(connection, message)

    def _answer(self, connection: socket.socket, what: str) -> None:
        with contextlib.suppress(OSError), connection:
            connection.sendall(requests.dump({"event": "status", "pid": os.getpid(), "started": self._started}))
        self._stopping = self._stopping or what == "stop"
        self._retiring = self._retiring or what == "retire"

    def _fork_judge(self, connection: socket.socket, message: dict[str, Any]) -> None:
        forked = fork(lambda control: become_judge(connection, control, message))
        if forked is None:
            connection.close()
        else:
            self._begin(Judge(*forked, connection, subject_of(message)))

    def _begin(self, judge: Judge) -> None:
        """Listen to a judge that has its request, and to its client."""
        self._judges[judge.pid] = judge
        self._fork_spare()  # it starts while the judge does
        self._selector.register(judge.control, selectors.EVENT_READ, ("control", judge.pid))
        assert judge.client is not None
        self._selector.register(judge.client, selectors.EVENT_READ, ("client", judge.pid))

    # a judge for the request to come

    def _patience(self) -> float:
        """How long to wait for something to happen."""
        longest = min(1.0, self._idle)
        return longest if self._next is None else max(0.0, min(longest, self._next[0] - time.monotonic()))

    def _prepare(self, subject: Subject) -> None:
        """Fork a judge that waits for a request of this kind."""
        self._next = None
        if (
            not PREPARES
            or self._retiring
            or self._listener is None
            or (self._standby and self._standby.grades == subject)
        ):
            return
        self._dismiss()
        try:
            runner, self._spare = self._spare or fork_runner(self._memory), None
        except OSError:
            return
        forked = fork(lambda control: become_standby(control, runner, *subject))
        runner.release()
        if forked is None:
            self._kill(runner)
            return
        self._standby = Judge(*forked, None, subject, {runner.pid: runner})
        self._fork_spare()

    def _hand_over(self, connection: socket.socket, message: dict[str, Any]) -> bool:
        """Give a request to the judge that waits for it; whether there was one."""
        judge = self._standby
        if judge is None or judge.grades != subject_of(message):
            return False
        self._standby = None
        request = os.memfd_create("request")
        try:
            with open(request, "wb", closefd=False) as file:
                file.write(requests.dump(message))
            socket.send_fds(judge.control, [b"request"], [connection.fileno(), request])
        except OSError:  # it has died
            self._end(judge)
            return False
        finally:
            os.close(request)
        judge.client = connection
        self._begin(judge)
        return True

    def _dismiss(self) -> None:
        """End the judge that waits, if there is one."""
        judge, self._standby = self._standby, None
        if judge is not None:
            self._end(judge)

    def _fork_spare(self) -> None:
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = fork_runner(self._memory)

    def _control(self, pid: int) -> None:
        judge = self._judges.get(pid)
        if judge is None:
            return
        try:
            data = judge.control.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._ended(judge)
            return
        message = json.loads(data)
        try:
            if message["op"] == "start":
                self._hand_runner(judge)
            elif message["op"] == "warm_up":
                self._fork_spare()
            elif message["op"] == "stop":
                ended = self._stop(judge, message["pid"])
                judge.control.send(json.dumps(ended.__dict__).encode())
        except OSError:  # the judge has gone, or no process or descriptor can be had: it would wait for ever
            self._end(judge)

    def _hand_runner(self, judge: Judge) -> None:
        """Give a judge the spare runner, or a new one."""
        runner, self._spare = self._spare or fork_runner(self._memory), None
        judge.runners[runner.pid] = runner
        ends = [runner.connection.fileno(), runner.output]
        try:
            told = {"pid": runner.pid, "scratch": str(runner.scratch)}
            socket.send_fds(judge.control, [json.dumps(told).encode()], ends)
        finally:
            runner.release()

    def _stop(self, judge: Judge, pid: int) -> Exit:
        """Kill a runner's whole family; how it had ended, if it had ended by itself."""
        child = judge.runners.pop(pid, None)
        if child is None:
            return Exit()
        return stop(child, self._known())

    def _known(self) -> set[int]:
        known = {self._spare.pid} if self._spare else set()
        for judge in self._all_judges():
            known |= {judge.pid, *judge.runners}
        return known

    def _all_judges(self) -> list[Judge]:
        return [*self._judges.values(), *([self._standby] if self._standby else [])]

    def _client_gone(self, pid: int) -> None:
        """The command line went away in the middle: nobody waits for this verdict."""
        judge = self._judges.get(pid)
        if judge is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._ended(judge)

    def _ended(self, judge: Judge) -> None:
        """A judge is done: tidy up, and get ready for the next request, unless it comes at once."""
        self._end(judge)
        cut_log()
        if judge.grades is not None:
            self._next = (time.monotonic() + PAUSE_SECONDS, judge.grades)
        self._rest()

    def _rest(self) -> None:
        """End the spare runner where nobody is about to ask for one."""
        if self._judges or self._standby or self._spare is None:
            return
        self._spare.release()
        self._kill(self._spare)
        self._spare = None

    def _kill(self, runner: RunnerChild) -> None:
        """End a runner that nobody has used."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(runner.pid, signal.SIGKILL)
        collect(runner.pid, 0)
        remove(runner.scratch)

    def _end(self, judge: Judge) -> None:
        for runner in list(judge.runners):
            with contextlib.suppress(ProcessLookupError):
                os.kill(runner, signal.SIGKILL)
            self._stop(judge, runner)
        with contextlib.suppress(ProcessLookupError):
            os.kill(judge.pid, signal.SIGKILL)
        collect(judge.pid, 0)
        for connection in (judge.control, judge.client):
            if connection is not None:
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(connection)
                connection.close()
        self._judges.pop(judge.pid, None)
        self._last_used = time.monotonic()

    def _reap(self) -> None:
        """Collect children that ended; a judge's end ends its runners."""
        for judge in self._all_judges():
            for pid, child in judge.runners.items():
                if child.ended is None:
                    child.ended = collect(pid, os.WNOHANG)
        if self._spare is not None and collect(self._spare.pid, os.WNOHANG):
            self._spare.release()
            remove(self._spare.scratch)
            self._spare = None
        if self._standby is not None and collect(self._standby.pid, os.WNOHANG):
            self._dismiss()


def address_of(listener: socket.socket | None) -> tuple[str, int, int] | None:
    """The path of a Unix socket and the file that is there now; None where there is no path or no file."""
    if listener is None or listener.family != getattr(socket, "AF_UNIX", None):
        return None
    path = listener.getsockname()
    if not isinstance(path, str) or not path:
        return None
    try:
        state = os.stat(path)  # noqa: PTH116  (looked at every second)
    except OSError:
        return path, 0, 0
    return path, state.st_dev, state.st_ino


def cut_log(most: int = LOG_BYTES) -> None:
    """Empty the log that our standard error goes to, once it is long."""
    with contextlib.suppress(OSError):
        state = os.fstat(2)
        if stat.S_ISREG(state.st_mode) and state.st_size > most:
            os.ftruncate(2, 0)


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
