"""What a fork of the service becomes: a judge, a judge that waits, or a runner."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from thinkllm_drill.judge import requests, sandbox
from thinkllm_drill.judge.launch import RunnerProcess, ZygoteLauncher

if TYPE_CHECKING:
    from thinkllm_drill.judge.runners import RunnerChild


def become_judge(connection: socket.socket, control: socket.socket, message: dict[str, Any]) -> NoReturn:
    """Grade in this fork and end."""
    try:
        _settle(connection, control)
        from thinkllm_drill.judge.session import serve

        serve(message, _emitter(connection), ZygoteLauncher(control), None)
    except OSError:
        pass
    finally:
        os._exit(0)


def become_standby(control: socket.socket, runner: RunnerChild, slug: str, content: str, lang: str) -> NoReturn:
    """Prepare to grade an exercise in this fork, wait for the request, answer it and end."""
    try:
        _settle(control, runner.connection, runner.output)
        from thinkllm_drill.judge.standby import wait_and_serve

        ahead = RunnerProcess(runner.pid, runner.connection, runner.output, runner.scratch)
        wait_and_serve(slug, content, lang, control, ZygoteLauncher(control), ahead, _emitter)
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


def _settle(*ours: socket.socket | int) -> None:
    """Be a process of its own, that ends with the service and holds these descriptors alone."""
    sandbox.die_with_parent()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sandbox.close_other_descriptors({end if isinstance(end, int) else end.fileno() for end in ours})


def _emitter(connection: socket.socket) -> Callable[[dict[str, Any]], None]:
    """What sends events on a connection."""
    connection.setblocking(True)
    connection.settimeout(30)
    return lambda event: connection.sendall(requests.dump(event))
