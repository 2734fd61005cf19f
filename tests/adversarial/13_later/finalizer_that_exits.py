# exercise: softmax
# verdict: failed
# check: error contract
"""Its answer is right, but the process ends before it is asked again."""

import os


class Dying:
    def __del__(self):
        os._exit(7)


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    y = right(x, dim)
    y.dying = Dying()
    return y


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
