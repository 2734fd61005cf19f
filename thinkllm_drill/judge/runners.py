"""Runners as the service forks, collects and kills them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from thinkllm_drill.judge import sandbox
from thinkllm_drill.judge.forks import become_runner
from thinkllm_drill.judge.launch import GRACE_SECONDS, Exit, kill_orphans, new_scratch
from thinkllm_drill.judge.scratch import remove


@dataclass
class RunnerChild:
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


def fork_runner(memory_bytes: int) -> RunnerChild:
    """A new runner, confined and waiting for its judge.

    Raises:
        OSError: no process, descriptor or folder can be had.
    """
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
            become_runner(far, write, scratch, memory_bytes)
        ours.pop_all()
        return RunnerChild(pid, scratch, near, read)


def stop(runner: RunnerChild, known: set[int]) -> Exit:
    """Kill a runner's whole family; how it had ended, if it had ended by itself.

    Args:
        runner: a runner that a judge had.
        known: our other children; whoever else has become one is the runner's.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    ended = runner.ended
    while ended is None and time.monotonic() < deadline:
        ended = collect(runner.pid, os.WNOHANG)
        if ended is None:
            time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(runner.pid, signal.SIGKILL)
    if ended is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(runner.pid, signal.SIGKILL)
        collect(runner.pid, 0)
        ended = Exit(signal=int(signal.SIGKILL), by_us=True)
    kill_orphans(known)
    remove(runner.scratch)
    return ended


def collect(pid: int, flags: int) -> Exit | None:
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
