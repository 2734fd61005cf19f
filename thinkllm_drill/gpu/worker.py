"""The life of a process on the GPU.

    python -m thinkllm_drill.gpu.worker ROLE HIDDEN… -- CONNECTION OUTPUT SCRATCH MEMORY

ROLE is "attempt" or "bench". A process that has a CUDA context cannot be forked, so these are started anew.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import traceback
from pathlib import Path

from thinkllm_drill.gpu.facts import simulated
from thinkllm_drill.judge import framing, landlock, sandbox
from thinkllm_drill.judge.worker import _no_stop, _redirect

KEPT = (
    "CUDA",
    "THINKLLM_GPU",
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "NVIDIA",
    "TRITON",
    "LD_LIBRARY_PATH",
    "CC",
    "PYTORCH",
)
"""How names of the environment begin that an attempt's process keeps: the compiler and the driver need them."""


def confine(scratch: Path, hidden: set[Path]) -> None:
    """Give up reading what is hidden, and the environment.

    Writing and starting programs cannot be given up: CUDA opens devices for writing, and Triton starts compilers.
    """
    for name in set(os.environ) - set(sandbox.KEEP):
        if not name.startswith(KEPT):
            del os.environ[name]
    os.environ |= {"HOME": str(scratch), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ["TRITON_CACHE_DIR"] = str(scratch / "triton")
    sys.path[:] = [entry for entry in sys.path if entry not in ("", ".")]
    if sandbox.walls()[0]:
        readable = landlock.without(Path("/"), {path.resolve() for path in hidden})
        landlock.hide(readable)


def serve(role: str, connection: socket.socket, scratch: Path, hidden: set[Path]) -> None:
    """Answer until the connection closes."""
    if not simulated():
        os.environ.pop("TRITON_INTERPRET", None)
    os.chdir(scratch)
    if role == "bench":
        from thinkllm_drill.gpu.bench import bench_here

        bench = bench_here(connection)
        connection.sendall(b"+")
        bench.serve()
        return
    import torch

    from thinkllm_drill.gpu.runner import runner_here

    runner = runner_here(connection)
    confine(scratch, hidden)
    seed = int.from_bytes(os.urandom(4), "little")
    random.seed(seed)
    torch.manual_seed(seed)
    sys.breakpointhook = _no_stop
    connection.sendall(b"+")
    runner.serve()


def main() -> None:
    """Entry of the program."""
    role, *hidden = sys.argv[1 : sys.argv.index("--")]
    where, output, scratch, _ = sys.argv[sys.argv.index("--") + 1 :]
    sandbox.die_with_parent()
    connection = socket.socket(fileno=int(where))
    _redirect(int(output))
    code = 1
    try:
        serve(role, connection, Path(scratch), {Path(path) for path in hidden})
        code = 0
    except framing.FrameError:
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
