"""The life of a runner process: confined first, then it serves one connection, then it ends.

`become_runner` is called in a fork of the service. Where `fork` is not used, the module is run as a program: it
imports torch, waits for its first message and lives once.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import traceback
from pathlib import Path

from thinkllm_drill.judge import framing, limits, sandbox


def become_runner(connection: socket.socket, output: int | None, scratch: Path, memory_bytes: int) -> None:
    """Confine this process and answer on `connection` until it closes. Never returns.

    Args:
        connection: the socket to the judge.
        output: descriptor that stdout and stderr go to; None leaves them as they are.
        scratch: the only folder that the attempt should write to.
        memory_bytes: what it may allocate beyond its present size.
    """
    code = 1
    try:
        for name in ("SIGINT", "SIGTERM", "SIGCHLD", "SIGHUP"):
            if number := getattr(signal, name, None):
                signal.signal(number, signal.SIG_DFL)
        _redirect(output)
        sandbox.close_other_descriptors({connection.fileno()})
        from thinkllm_drill.judge.runner import Runner

        sandbox.enter(scratch)
        _forget_random_state()
        sys.breakpointhook = _no_stop
        limits.apply(memory_bytes)
        Runner(connection).serve()
        code = 0
    except framing.FrameError:
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _redirect(output: int | None) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if output is not None:
        os.dup2(output, 1)
        os.dup2(output, 2)
    # the wrappers of the parent may hold text that was never written; ours start empty
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115


def _no_stop(*_: object, **__: object) -> None:
    """What `breakpoint()` does where nobody can type: nothing; `thinkllm debug` stops there."""


def _forget_random_state() -> None:
    import numpy as np
    import torch

    seed = int.from_bytes(os.urandom(4), "little")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def main() -> None:
    """Entry of a spawned runner: `python -m thinkllm_drill.judge.worker CONNECTION OUTPUT SCRATCH MEMORY`.

    CONNECTION is a descriptor, or `PORT:TOKEN` of a loopback listener where descriptors cannot be inherited.
    """
    where, output, scratch, memory = sys.argv[1:5]
    sandbox.die_with_parent()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if ":" in where:
        port, token = where.split(":")
        connection = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
        connection.settimeout(None)
        connection.sendall(token.encode())
    else:
        connection = socket.socket(fileno=int(where))
    import torch

    import thinkllm_drill.judge.runner  # noqa: F401  (imported while the runner is a spare)

    torch.set_num_threads(1)
    connection.sendall(b"+")  # we are there: see `launch._await_start`
    become_runner(connection, int(output) if int(output) >= 0 else None, Path(scratch), int(memory))


if __name__ == "__main__":
    main()
