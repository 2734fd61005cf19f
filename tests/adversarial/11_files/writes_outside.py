# exercise: softmax
# verdict: passed
# needs: sandbox
# also: spawn
"""Right, and tries to leave files wherever they would be read later."""

import os
import site
import sys
from pathlib import Path

PLACES = [
    *("/tmp", "/var/tmp", "/dev/shm", "..", "../..", "/etc", "/usr/local", sys.prefix, *site.getsitepackages()),  # noqa: S108
    *(os.path.dirname(sys.modules["thinkllm_drill"].__file__), os.path.expanduser("~root"), "/proc/self"),
]
for place in PLACES:
    for act in (Path.touch, Path.mkdir, lambda path: path.symlink_to("x"), os.mkfifo):
        try:
            act(Path(place) / "adversary.pth")
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
