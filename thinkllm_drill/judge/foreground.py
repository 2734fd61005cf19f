"""A runner that lives in the learner's own process and terminal: where it listens, and how the judge reaches it."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from thinkllm_drill.folders import runtime_dir
from thinkllm_drill.judge.launch import Exit, RunnerProcess, close
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.judge.proxy import Attempt

FOREVER = 1e9
"""Seconds: whoever steps through their code is not hurried."""


class ForegroundLauncher:
    """Connects to the runner that waits in the learner's process.

    Args:
        address: the path of a Unix socket, or `PORT:TOKEN` of a loopback listener.
    """

    polls_memory = False

    def __init__(self, address: str) -> None:
        self._address = address

    def start(self) -> RunnerProcess:
        """The runner; what it prints goes to the learner's terminal and not to us."""
        silent, other = socket.socketpair()
        other.close()
        return RunnerProcess(0, _connected(self._address), silent, Path(os.devnull))

    def stop(self, runner: RunnerProcess) -> Exit:
        """Let go of it."""
        close(runner)
        return Exit(by_us=True)

    def warm_up(self) -> None:
        """It is there, or it is not."""

    def close(self) -> None:
        """Nothing is kept."""


def patient(attempt: Attempt, source: bytes) -> None:
    """Give an attempt all the time there is."""
    attempt.limit(Limits(call_seconds=FOREVER, verdict_seconds=FOREVER))
    attempt.asks_ahead = False  # they see one call after the other
    attempt.become(source)  # its deadline is that of the new limits


def _connected(address: str) -> socket.socket:
    port, colon, token = address.rpartition(":")
    if colon and port.isdecimal():
        connection = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
        connection.settimeout(None)
        connection.sendall(token.encode())
        return connection
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(address)
    return connection


class Listener:
    """Where the judge's connection comes in."""

    def __init__(self, listening: socket.socket, address: str, token: str = "") -> None:
        self.listening, self.address, self._token = listening, address, token

    def accept(self) -> socket.socket | None:
        """The judge's connection; None for one that does not know the token."""
        connection, _ = self.listening.accept()
        connection.settimeout(30)
        if self._token and connection.recv(len(self._token)) != self._token.encode():
            connection.close()
            return None
        connection.settimeout(None)
        return connection


@contextlib.contextmanager
def listen() -> Iterator[Listener]:
    """A listener that nobody else can reach, for as long as the context lasts."""
    token = secrets.token_hex(8)
    if not hasattr(socket, "AF_UNIX"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield Listener(server, f"{server.getsockname()[1]}:{token}", token)
        return
    path = runtime_dir() / f"debug-{token[:8]}.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        try:
            listening.bind(str(path))
            path.chmod(0o600)
            listening.listen(1)
            yield Listener(listening, str(path))
        finally:
            path.unlink(missing_ok=True)
