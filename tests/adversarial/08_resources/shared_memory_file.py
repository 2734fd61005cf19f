# exercise: softmax
# verdict: passed
# needs: sandbox
# also: spawn
"""Right, and tries to leave memory behind that outlives it."""

import contextlib
from multiprocessing import resource_tracker, shared_memory

with contextlib.suppress(OSError):
    open("/dev/shm/adversary", "wb").write(bytes(1 << 20))  # noqa: S108
with contextlib.suppress(OSError, RuntimeError):
    resource_tracker.register = lambda *args: None
    shared_memory.SharedMemory("adversary-2", create=True, size=1 << 20)


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
