# exercise: softmax
# verdict: failed
# check: wrong
# needs: sandbox
# also: spawn
import os
import subprocess
import sys
from pathlib import Path

import torch

FILE = str(Path(sys.modules["thinkllm_drill"].__file__).parents[1] / "solutions/functions/softmax.py")


def softmax(x, dim=-1):
    ways = [
        lambda: subprocess.run(["cat", FILE], capture_output=True, check=True).stdout,
        lambda: os.popen(f"cat {FILE}").read(),
        lambda: os.posix_spawn("/bin/cat", ["cat", FILE], {}),
    ]
    for way in ways:
        try:
            if way():
                raise LookupError("another program was run")
        except OSError:
            pass
    return torch.zeros_like(x)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
