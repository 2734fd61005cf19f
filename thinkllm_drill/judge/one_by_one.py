"""The service where `fork` is unsafe: answers requests in this process, one after the other, with spawned runners."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from thinkllm_drill.judge import limits, requests, sandbox
from thinkllm_drill.judge.launch import SpawnLauncher

IDLE_SECONDS = 15 * 60.0
REQUEST_SECONDS = 10.0


class ClientGone(KeyboardInterrupt):
    """Nobody waits for the verdict any more; passes through whatever catches exceptions of graders and attempts."""


def serve_spawning(
    listener: socket.socket | None, first: socket.socket | None, idle_seconds: float = IDLE_SECONDS
) -> None:
    """Answer requests in this process, one after the other, with spawned runners."""

    def terminate(*_: Any) -> NoReturn:
        sys.exit(0)

    signal.signal(signal.SIGTERM, terminate)
    launcher = SpawnLauncher(limits.MEMORY_BYTES, subreaper=sandbox.become_subreaper())
    started = time.time()
    try:
        if first is not None:
            _serve_one(first, launcher, started)
            return
        assert listener is not None
        listener.settimeout(idle_seconds)
        while True:
            connection, _ = listener.accept()
            if not _serve_one(connection, launcher, started):
                return
    except TimeoutError:
        return
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        launcher.close()


def _serve_one(connection: socket.socket, launcher: SpawnLauncher, started: float) -> bool:
    """Serve one connection; whether to go on."""

    def interrupted() -> None:
        with contextlib.suppress(BlockingIOError):
            connection.setblocking(False)
            try:
                if not connection.recv(1, socket.MSG_PEEK):
                    raise ClientGone
            finally:
                connection.setblocking(True)

    with contextlib.suppress(OSError, ClientGone), connection:
        connection.settimeout(REQUEST_SECONDS)
        with connection.makefile("rb") as lines:
            message = requests.load(lines.readline(requests.MAX_REQUEST))
        if message is None:
            return True
        connection.settimeout(None)
        if message.get("type") in ("status", "stop", "retire"):
            connection.sendall(requests.dump({"event": "status", "pid": os.getpid(), "started": started}))
            return bool(message["type"] == "status")
        if message.get("type") == "prepare":  # there is no process to do it
            return True
        from thinkllm_drill.judge.session import serve

        serve(message, lambda event: connection.sendall(requests.dump(event)), launcher, interrupted)
    return True
