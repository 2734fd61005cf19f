# exercise: softmax
# verdict: passed
# needs: linux
# also: open
"""Right, and leaves a process behind where it can: the verdict stands, the process does not."""

import os
import time

try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
except OSError:
    pass


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
