# exercise: softmax
# verdict: failed
# check: wrong
# needs: sandbox
# also: spawn
import multiprocessing
import os
import pty
import subprocess
import sys

import torch


def softmax(x, dim=-1):
    ways = [
        os.fork,
        pty.fork,
        lambda: subprocess.run([sys.executable, "-c", "1"]),
        lambda: os.posix_spawn(sys.executable, ["python", "-c", "1"], {}),
        lambda: os.execv("/bin/true", ["true"]),
        lambda: multiprocessing.get_context("fork").Process(target=print).start(),
        lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    ]
    for number, way in enumerate(ways):
        try:
            way()
        except OSError:
            continue
        raise LookupError(f"way {number} in {os.getpid()}")
    return torch.zeros_like(x)


log_softmax = softmax
