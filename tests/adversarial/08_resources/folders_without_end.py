# exercise: softmax
# verdict: error
# check: limit
# needs: linux
# also: open
"""Right, and leaves folders nested so deep that a recursive removal gives up; some of them are locked."""

import os

for _ in range(3000):
    os.mkdir("adversary")
    os.chdir("adversary")
os.mkdir("locked")
os.mkdir("locked/adversary")
os.chmod("locked", 0)


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
