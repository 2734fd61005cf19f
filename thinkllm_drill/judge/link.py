"""The judge's end of one runner: sends a request, waits for the reply under every limit, keeps what was printed."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator

from thinkllm_drill.judge import framing
from thinkllm_drill.judge.failures import AttemptDied, AttemptTimeout, GradeFailure, LimitExceeded
from thinkllm_drill.judge.launch import Exit, Launcher
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.judge.scratch import demand_room
from thinkllm_drill.locale import text

RING = 32 << 10
LOOK_SECONDS = 0.01
"""Between two looks at the scratch folder: little can be written in so short a time."""


class Capture:
    """What an attempt printed: its first and last 32 KiB, and how much there was."""

    def __init__(self) -> None:
        self.total = 0
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, piece: bytes) -> None:
        """Take one more piece."""
        self.total += len(piece)
        room = RING - len(self._head)
        self._head += piece[:room]
        self._tail = (self._tail + piece[room:])[-RING:]

    def clear(self) -> None:
        """Forget all."""
        self.total = 0
        self._head.clear()
        self._tail.clear()

    def text(self) -> str:
        """The beginning and the end, with a note on what is left out between them."""
        left_out = self.total - len(self._head) - len(self._tail)
        middle = f"\n… {left_out} bytes …\n".encode() if left_out else b""
        return bytes(self._head + middle + self._tail).decode("utf-8", errors="replace")


class Link:
    """One runner, from its start to its end.

    Args:
        launcher: where the runner comes from.
        limits: seconds a call, bytes of output.
        capture: takes what the runner prints; shared by the runners of one verdict.
        interrupted: asked while waiting; raises to stop the grading (the client has gone).
    """

    def __init__(
        self, launcher: Launcher, limits: Limits, capture: Capture, interrupted: Callable[[], None] | None = None
    ) -> None:
        self._launcher = launcher
        self._limits = limits
        self._capture = capture
        self._interrupted = interrupted
        self._runner = launcher.start()
        self._memory = _ResidentLimit(self._runner.pid, limits.memory_bytes) if launcher.polls_memory else None
        self._runner.connection.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._runner.connection, selectors.EVENT_READ)
        self._output_open = True
        self._selector.register(self._runner.output, selectors.EVENT_READ)
        self._reader, self._unanswered = framing.Reader(), 0
        self._looked = 0.0
        self.alive = True

    def exchange(self, tree: bytes, blob: bytes, seconds: float) -> tuple[bytes, bytes]:
        """Send one message and return the next one from the runner.

        Raises:
            AttemptTimeout, AttemptDied, LimitExceeded: the runner is stopped by then.
        """
        deadline = time.monotonic() + seconds
        with self._stopped_by_failure():
            self._send(framing.pack(tree, blob), deadline)
            return self._read(deadline)

    def send(self, message: bytes, seconds: float) -> None:
        """Send a message; its answer is read later. That the runner has ended is told by whoever reads."""
        with self._stopped_by_failure(), contextlib.suppress(OSError, framing.PeerGone):
            self._send(message, time.monotonic() + seconds)

    def receive(self, seconds: float) -> tuple[bytes, bytes]:
        """The next message from the runner; raises what `exchange` does."""
        with self._stopped_by_failure():
            return self._read(time.monotonic() + seconds)

    def close(self) -> Exit:
        """Stop the runner and all that it started."""
        if not self.alive:
            return Exit(by_us=True)
        self.drain()
        self.alive = False
        self._selector.close()
        return self._launcher.stop(self._runner)

    @contextlib.contextmanager
    def _stopped_by_failure(self) -> Iterator[None]:
        try:
            yield
        except GradeFailure:
            self.close()
            raise
        except (framing.PeerGone, OSError):
            raise self._ended() from None
        except framing.FrameError as error:
            self.close()
            raise AttemptDied(text("grading.malformed", problem=str(error))) from None

    def _send(self, message: bytes, deadline: float) -> None:
        if not self._unanswered:
            self._demand_silence()
        self._unanswered += 1
        self._write(message, deadline)

    def _demand_silence(self) -> None:
        """Whatever has come without having been asked for cannot be an answer."""
        try:
            if self._runner.connection.recv(1, socket.MSG_PEEK):
                raise framing.FrameError("an answer that was not asked for")
        except BlockingIOError:
            return

    def _write(self, message: bytes, deadline: float) -> None:
        view, sent = memoryview(message), 0
        connection = self._runner.connection
        while sent < len(view):
            try:
                sent += connection.send(view[sent : sent + (1 << 20)])
            except BlockingIOError:
                # answers are taken meanwhile: who waits to be heard does not listen
                self._selector.modify(connection, selectors.EVENT_WRITE | selectors.EVENT_READ)
                self._wait(deadline)
                self._selector.modify(connection, selectors.EVENT_READ)
                with contextlib.suppress(BlockingIOError):
                    self._take()

    def _read(self, deadline: float) -> tuple[bytes, bytes]:
        while (message := self._reader.next()) is None:
            if self._wait(deadline):
                self._take()
        self._unanswered -= 1
        if not self._unanswered and not self._reader.empty:
            raise framing.FrameError("more bytes than the message announced")
        self.drain()
        self._demand_room()
        return message

    def _demand_room(self) -> None:
        """Look at the scratch folder, if we have not just done so."""
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            demand_room(self._runner.scratch)
            self._looked = now

    def _take(self) -> None:
        """Read what has come."""
        piece = self._runner.connection.recv(1 << 20)
        if not piece:
            raise framing.PeerGone("closed")
        self._reader.feed(piece)

    def _wait(self, deadline: float) -> bool:
        """Wait for the connection, keeping the output drained; whether it is ready."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise AttemptTimeout(text("grading.timeout", seconds=f"{self._limits.call_seconds:g}"))
        ready = False
        for key, _ in self._selector.select(min(remaining, 0.1)):
            if key.fileobj is self._runner.connection:
                ready = True
            else:
                self._read_output()
        if self._interrupted is not None:
            self._interrupted()
        if not ready:
            self._demand_room()
        if self._memory is not None and not ready:
            self._memory.check()
        return ready

    def _read_output(self) -> bool:
        output = self._runner.output
        try:
            piece = os.read(output, 1 << 16) if isinstance(output, int) else output.recv(1 << 16)
        except OSError:
            piece = b""
        if not piece:
            self._selector.unregister(output)
            self._output_open = False
            return False
        self._capture.add(piece)
        if self._capture.total > self._limits.output_bytes:
            limit = self._limits.output_bytes >> 20
            raise LimitExceeded(text("grading.output_limit", megabytes=limit))
        return True

    def drain(self) -> None:
        """Take what has been printed up to now, without waiting."""
        while self._output_open:
            ready = [key for key, _ in self._selector.select(0) if key.fileobj is self._runner.output]
            if not ready or not self._read_quietly():
                return

    def _read_quietly(self) -> bool:
        try:
            return self._read_output()
        except LimitExceeded:
            return False

    def _ended(self) -> AttemptDied:
        ended = self.close()
        if ended.signal is not None and not ended.by_us:
            try:
                name = signal.Signals(ended.signal).name
            except ValueError:
                name = str(ended.signal)
            return AttemptDied(text("grading.died_by_signal", name=name))
        if ended.code is not None:
            return AttemptDied(text("grading.died_by_exit", code=ended.code))
        return AttemptDied(text("grading.no_answer"))


class _ResidentLimit:
    """Watches the resident memory of a runner where the system does not limit it."""

    def __init__(self, pid: int, memory_bytes: int) -> None:
        import psutil

        self._process = psutil.Process(pid)
        self._bytes = memory_bytes
        self._start = self._process.memory_info().rss

    def check(self) -> None:
        """LimitExceeded if the runner holds more than it may."""
        import psutil

        try:
            over = self._process.memory_info().rss - self._start > self._bytes
        except psutil.Error:
            return
        if over:
            raise LimitExceeded(text("grading.memory_limit", gigabytes=f"{self._bytes / 2**30:g}"))


def remaining(deadline: float, call_seconds: float) -> float:
    """Seconds that a call may take: its own limit, or less where the verdict's deadline is near."""
    return max(0.05, min(call_seconds, deadline - time.monotonic()))
